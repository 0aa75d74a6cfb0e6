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
    {% if '_w_past' in variables %}
    {
        const int _slots = {{_w_delay}}[1], _slot = {{_w_delay}}[0] ? {{_w_delay}}[0] : 1;
        const size_t _count = (size_t)_n*_trials, _old = (_slot % _slots)*_count, _next = ((_slot + 1) % _slots)*_count;
        if (!{{_w_delay}}[0])
            for (size_t _i = 0; _i < _slots*_count; _i++) {{_w_past}}[_i] = {{_source}}[_i % _count];
        for (size_t _i = 0; _i < _count; _i++) {{_w_past}}[(_slot - 1)*_count + _i] = {{_source}}[_i];
        if ({{_w_delay}}[2])
            for (size_t _i = 0; _i < _count; _i++) {{_source}}[_i] = ({{_w_past}}[_old + _i] + {{_w_past}}[_next + _i])/2;
        else
            for (size_t _i = 0; _i < _count; _i++) {{_source}}[_i] = {{_w_past}}[_old + _i];
        {{_w_delay}}[0] = _slot % _slots + 1;
    }
    {% endif %}
    const _Real* __restrict _x = {{_source}};
    _Real* __restrict _r = {% if '_product' in variables %}{{_product}}{% else %}{{_target}} + {{_start}}{% endif %};
    PREPARE
    KERNEL
    {% if '_product' in variables %}
    for (size_t _k = 0; _k < (size_t)_m*_trials; _k++) {{_target}}[{{_start}} + _k] = _r[_k];
    {% endif %}
{% endblock %}
