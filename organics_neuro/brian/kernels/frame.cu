{# USES_VARIABLES { N } #}
{% extends 'common_group.cu' %}
{% block extra_headers %}
SUPPORT
#ifndef ORGANICS_FRAME
#define ORGANICS_FRAME
namespace {
template <typename Real, typename Source>
__device__ void organics_store(const Organics_place at, const Source x, Real* to, const size_t count)
{
    for (size_t k = (size_t)at.block*256 + threadIdx.x; k < count; k += (size_t)at.blocks*256) to[k] = x[k];
}

template <typename Target, typename Real>
__device__ void organics_convert(const Organics_place at, const Target r, const Real* from, const size_t count)
{
    for (size_t k = (size_t)at.block*256 + threadIdx.x; k < count; k += (size_t)at.blocks*256) r.put(k, from[k]);
}

// The source of this step goes into the past, and the one that arrives into `to`; delay: slot + 1, slots, centred.
template <typename Real, typename Source>
__device__ void organics_delay(const Organics_place at, const Source x, Real* to, Real* past, const int32_t* delay,
                               const size_t count)
{
    const int slots = delay[1], slot = delay[0] ? delay[0] : 1;
    for (size_t k = (size_t)at.block*256 + threadIdx.x; k < count; k += (size_t)at.blocks*256)
    {
        const Real now = x[k];
        if (!delay[0])
            for (int i = 0; i < slots; i++) past[i*count + k] = now;
        past[(slot - 1)*count + k] = now;
        const Real old = past[(slot % slots)*count + k];
        to[k] = delay[2] ? (old + past[((slot + 1) % slots)*count + k])/2 : old;
    }
}

// In the launch after that.
__device__ inline void organics_next_slot(int32_t* delay)
{
    if (threadIdx.x == 0) delay[0] = (delay[0] ? delay[0] : 1) % delay[1] + 1;
}
}
#endif
{% endblock %}
{% block kernel %}
__global__ void __launch_bounds__(256) _run_kernel_{{codeobj_name}}(
    int _N,
    int THREADS_PER_BLOCK,
    const int _launch,
    %KERNEL_PARAMETERS%
    )
{
    using namespace brian;
    %KERNEL_CONSTANTS%
    {{kernel_lines|autoindent}}
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    SOURCES
    int _block = blockIdx.x;
    DEVICE
}
{% endblock %}
{% block prepare_kernel %}
{% endblock %}
{% block kernel_call %}
    HOST
    CUDA_CHECK_ERROR("_run_kernel_{{codeobj_name}}");
{% endblock %}
