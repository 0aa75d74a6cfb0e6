namespace {
template <typename Real>
void _organics_low_rank(const Real* x, Real* r, const int m, const int n, const int trials, const int* rank,
                        const Real* left, const Real* right)
{
    const int threads = organics_threads(((double)m + n)*rank[0]*trials);
    #pragma omp parallel for schedule(static) if (threads > 1)
    for (int b = 0; b < trials; b++)
    {
        const Real* source = x + (size_t)b*n;
        Real* target = r + (size_t)b*m;
        for (int k = 0; k < rank[0]; k++)
        {
            const Real *from = right + (size_t)k*n, *to = left + (size_t)k*m;
            Real pattern = 0;
            for (int j = 0; j < n; j++) pattern += from[j]*source[j];
            if (k == 0)
                for (int i = 0; i < m; i++) target[i] = to[i]*pattern;
            else
                for (int i = 0; i < m; i++) target[i] += to[i]*pattern;
        }
    }
}
}
