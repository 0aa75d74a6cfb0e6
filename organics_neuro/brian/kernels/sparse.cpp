namespace {
template <typename Real>
void _organics_sparse(const Real* x, Real* r, const int m, const int n, const int trials, const int* starts,
                      const int* units, const Real* values)
{
    const int threads = organics_threads((double)starts[m]*trials);
    #pragma omp parallel for collapse(2) schedule(static) if (threads > 1)
    for (int b = 0; b < trials; b++)
        for (int i = 0; i < m; i++)
        {
            Real total = 0;
            for (int k = starts[i]; k < starts[i + 1]; k++) total += values[k]*x[(size_t)b*n + units[k]];
            r[(size_t)b*m + i] = total;
        }
}
}
