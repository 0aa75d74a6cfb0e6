// the states move
{
    {{scalar_code['update']|autoindent}}
    {{openmp_pragma('parallel-static')}}
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code['update']|autoindent}}
    }
}
