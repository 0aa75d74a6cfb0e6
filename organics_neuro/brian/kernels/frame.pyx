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
    {% if '_w_past' in variables %}
    cdef int _slots = {{_w_delay}}[1], _slot = {{_w_delay}}[0] if {{_w_delay}}[0] > 0 else 1
    cdef size_t _count = <size_t>_n*_trials, _i, _old = (_slot % _slots)*_count, _next = ((_slot + 1) % _slots)*_count
    if {{_w_delay}}[0] == 0:
        for _i in range(_slots*_count):
            {{_w_past}}[_i] = _x[_i % _count]
    for _i in range(_count):
        {{_w_past}}[(_slot - 1)*_count + _i] = _x[_i]
    for _i in range(_count):
        _x[_i] = ({{_w_past}}[_old + _i] + {{_w_past}}[_next + _i])/2 if {{_w_delay}}[2] > 0 else {{_w_past}}[_old + _i]
    {{_w_delay}}[0] = _slot % _slots + 1
    {% endif %}
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
