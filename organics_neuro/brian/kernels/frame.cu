{# USES_VARIABLES { N } #}
{% extends 'common_group.cu' %}
{% block extra_headers %}
#ifndef ORGANICS_ELEMENTS
#define ORGANICS_ELEMENTS
namespace {
template <typename To, typename From>
__global__ void organics_copy(To* to, const From* from, const size_t count, const bool add)
{
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < count; k += (size_t)gridDim.x*blockDim.x)
        to[k] = add ? to[k] + from[k] : from[k];
}

// The source of this step goes into the past, and the one that arrives takes its place; delay: slot + 1, slots, centred.
template <typename Real>
__global__ void organics_delay(Real* x, Real* past, const int32_t* delay, const size_t count)
{
    const int slots = delay[1], slot = delay[0] ? delay[0] : 1;
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < count; k += (size_t)gridDim.x*blockDim.x)
    {
        if (!delay[0])
            for (int i = 0; i < slots; i++) past[i*count + k] = x[k];
        past[(slot - 1)*count + k] = x[k];
        const Real old = past[(slot % slots)*count + k];
        x[k] = delay[2] ? (old + past[((slot + 1) % slots)*count + k])/2 : old;
    }
}

__global__ void organics_next_slot(int32_t* delay) { delay[0] = (delay[0] ? delay[0] : 1) % delay[1] + 1; }
}
#endif
SUPPORT
{% endblock %}
{% block extra_kernel_call_post %}
{
    typedef {{c_data_type(variables['_source'].dtype)}} _Real;
    const int _m = {{_m}}, _n = {{_n}}, _trials = {{_trials}};
    _Real* _x = {{get_array_name(variables['_source'], access_data=True, prefix='dev')}};
    auto _total = {{get_array_name(variables['_target'], access_data=True, prefix='dev')}} + {{_start}};
    {% if '_product' in variables %}
    _Real* _r = {{get_array_name(variables['_product'], access_data=True, prefix='dev')}};
    {% else %}
    _Real* _r = _total;
    {% endif %}
    {% for _name in variables if _name.startswith('_w_') %}
    const auto {{_name}} = {{get_array_name(variables[_name], access_data=True, prefix='dev')}};
    {% endfor %}
    {% if '_w_past' in variables %}
    organics_delay<<<organics_blocks((size_t)_n*_trials), 256>>>(_x, _w_past, _w_delay, (size_t)_n*_trials);
    organics_next_slot<<<1, 1>>>(_w_delay);
    {% endif %}
    KERNEL
    {% if '_product' in variables %}
    organics_copy<<<organics_blocks((size_t)_m*_trials), 256>>>(_total, _r, (size_t)_m*_trials, false);
    {% endif %}
    CUDA_CHECK_ERROR("organics_projection");
}
{% endblock %}
