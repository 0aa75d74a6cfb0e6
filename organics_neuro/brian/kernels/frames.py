"""The text around the kernels on each target: evaluate the source expression, call the kernels, hand over the result.

Brian2 fills these templates. Lines that are one word in capitals stand for the code of the kernels. Names in generated
code begin with an underscore wherever a model's own names could be: no variable of a model does.
"""

# Sizes reach NumPy and Cython as data: written into the text, each new size would be compiled anew.
NUMPY = """
{# USES_VARIABLES { N } #}
{# ITERATE_ALL { _idx } #}
{% extends 'common_group.py_' %}
{% block maincode %}
_vectorisation_idx = 1
{{scalar_code|autoindent}}
_vectorisation_idx = LazyArange(N)
{{vector_code|autoindent}}
_m, _n, _trials, _start = {{_sizes}}
_x = {{_source}}.reshape(_trials, _n)
{% if '_product' in variables %}
_r = {{_product}}.reshape(_trials, _m)
KERNEL
{{_target}}[_start:_start + _trials*_m] = {{_product}}
{% else %}
_r = {{_target}}[_start:_start + _trials*_m].reshape(_trials, _m)
KERNEL
{% endif %}
{% endblock %}
"""

CYTHON = """
{# USES_VARIABLES { N } #}
{# ITERATE_ALL { _idx } #}
{% extends 'common_group.pyx' %}
{% block template_support_code %}
SUPPORT
{% endblock %}
{% block maincode %}
    cdef int _m = {{_sizes}}[0], _n = {{_sizes}}[1], _trials = {{_sizes}}[2], _k
    cdef {{_real}} *_x = {{_source}}
    _vectorisation_idx = 1
    {{scalar_code|autoindent}}
    for _idx in range(N):
        _vectorisation_idx = _idx
        {{vector_code|autoindent}}
    {% if '_product' in variables %}
    cdef {{_real}} *_r = {{_product}}
    KERNEL
    for _k in range(_m*_trials):
        {{_target}}[{{_sizes}}[3] + _k] = _r[_k]
    {% else %}
    cdef {{_real}} *_r = {{_target}} + {{_sizes}}[3]
    KERNEL
    {% endif %}
{% endblock %}
"""

CPP = """
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
SUPPORT
{% endblock %}
{% block before_code %}
    BEFORE
{% endblock %}
{% block maincode %}
    typedef {{_real}} _Real;
    const int _m = {{_m}}, _n = {{_n}}, _trials = {{_trials}};
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const int _N = {{constant_or_scalar('N', variables['N'])}};
    #pragma omp parallel for schedule(static) if (_N > 20000)
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
    const _Real* __restrict _x = {{_source}};
    _Real* __restrict _r = {% if '_product' in variables %}{{_product}}{% else %}{{_target}} + {{_start}}{% endif %};
    PREPARE
    KERNEL
    {% if '_product' in variables %}
    for (size_t _k = 0; _k < (size_t)_m*_trials; _k++) {{_target}}[{{_start}} + _k] = _r[_k];
    {% endif %}
{% endblock %}
"""

# brian2cuda evaluates the source expression on the GPU; the kernels are called after that. Pointers are those of the GPU.
CUDA = """
{# USES_VARIABLES { N } #}
{% extends 'common_group.cu' %}
{% set _m, _n, _trials, _start = variables['_sizes'].get_value() %}
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
}
#endif
SUPPORT
{% endblock %}
{% block extra_kernel_call_post %}
{
    typedef {{c_data_type(variables['_source'].dtype)}} _Real;
    const int _m = {{_m}}, _n = {{_n}}, _trials = {{_trials}};
    const _Real* _x = {{get_array_name(variables['_source'], access_data=True, prefix='dev')}};
    auto _total = {{get_array_name(variables['_target'], access_data=True, prefix='dev')}} + {{_start}};
    {% if '_product' in variables %}
    _Real* _r = {{get_array_name(variables['_product'], access_data=True, prefix='dev')}};
    {% else %}
    _Real* _r = _total;
    {% endif %}
    {% for _name in variables if _name.startswith('_w_') %}
    const auto {{_name}} = {{get_array_name(variables[_name], access_data=True, prefix='dev')}};
    {% endfor %}
    KERNEL
    {% if '_product' in variables %}
    organics_copy<<<256, 256>>>(_total, _r, (size_t)_m*_trials, false);
    {% endif %}
    CUDA_CHECK_ERROR("organics_projection");
}
{% endblock %}
"""

# C++: preparation waits for the first step of a run; only then has Brian2 set the arguments that a program was started with.
BEFORE = "{{_w_fresh}}[0] = 1;"
PREPARE = """
if ({{_w_fresh}}[0])
{
    PREPARE
    {{_w_fresh}}[0] = 0;
}
"""
#: What Brian2 looks for to leave a block out.
EMPTY = "// EMPTY_CODE_BLOCK"


def fill(frame, **texts):
    """Put texts into a frame where a line is their name, at the indentation of that line."""
    lines = []
    for line in frame.splitlines():
        text, indent = texts.get(line.strip()), line[: len(line) - len(line.lstrip())]
        lines += [line] if text is None else [indent + part if part else part for part in text.strip("\n").splitlines()]
    return "\n".join(lines)
