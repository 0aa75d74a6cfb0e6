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
