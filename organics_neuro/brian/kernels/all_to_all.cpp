namespace {
template <typename Real>
void _organics_all_to_all(const Real* x, Real* r, const int m, const int n, const int trials, const Real* value)
{
    for (int b = 0; b < trials; b++)
    {
        Real total = 0;
        for (int j = 0; j < n; j++) total += x[(size_t)b*n + j];
        total *= value[0];
        for (int i = 0; i < m; i++) r[(size_t)b*m + i] = total;
    }
}
}
