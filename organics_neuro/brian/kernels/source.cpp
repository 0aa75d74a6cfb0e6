// the source expression of a projection into its buffer, or what it was some steps ago
{
    {{scalar_code['source@']|autoindent}}
    #pragma omp parallel for schedule(static) if (_N > 20000)
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code['source@']|autoindent}}
    }
    {% if '_w_past@' in variables %}
    const int _slots = {{_w_delay@}}[1], _slot = {{_w_delay@}}[0] ? {{_w_delay@}}[0] : 1;
    const size_t _count = (size_t){{_n@}}*{{_trials@}}, _old = (_slot % _slots)*_count, _next = ((_slot + 1) % _slots)*_count;
    if (!{{_w_delay@}}[0])
        for (size_t _i = 0; _i < _slots*_count; _i++) {{_w_past@}}[_i] = {{_source@}}[_i % _count];
    for (size_t _i = 0; _i < _count; _i++) {{_w_past@}}[(_slot - 1)*_count + _i] = {{_source@}}[_i];
    if ({{_w_delay@}}[2])
        for (size_t _i = 0; _i < _count; _i++) {{_source@}}[_i] = ({{_w_past@}}[_old + _i] + {{_w_past@}}[_next + _i])/2;
    else
        for (size_t _i = 0; _i < _count; _i++) {{_source@}}[_i] = {{_w_past@}}[_old + _i];
    {{_w_delay@}}[0] = _slot % _slots + 1;
    {% endif %}
}
