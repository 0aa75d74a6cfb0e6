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
