// W[i, j] = column[(i - j) mod n] is a window into the column written twice, so the tile of the dense product reads its
// weights from there, one number further back for each source unit. Two things make that cheaper. On a ring of an even
// number of units, the sum and the difference of its two halves do not mix: the sum sees a ring of half the size, the
// difference one that changes sign after each turn; together this is half the work. For one trial each ring is cut in
// four arcs, which take the place of trials: all four see the same weights.
namespace {
template <typename Real>
void organics_shifted(const Real* x, Real* r, const int n, const int* offsets, const Real* column, const int count)
{
    for (int i = 0; i < n; i++) r[i] = 0;
    for (int k = 0; k < count; k++)
    {
        const int shift = offsets[k];
        const Real tap = column[shift];
        for (int i = shift; i < n; i++) r[i] += tap*x[i - shift];
        for (int i = 0; i < shift; i++) r[i] += tap*x[n - shift + i];
    }
}

template <typename Real>
void organics_windows(const Real* x, const int nx, Real* r, const int nr, const int n, const int trials,
                      const Real* twice, const int units)
{
    const int L = organics_vector<Real>::lanes, R = ORGANICS_ROWS;
    for (int i = 0; i < units;)
    {
        const int left = units - i;
        const Real* w = twice + n + i;
        if (left >= R*L)
            organics_trials<Real, R, TILE>::run(w, -1, x, nx, r + i, nr, n, R*L, false, trials), i += R*L;
        else
            organics_trials<Real, 1, TILE>::run(w, -1, x, nx, r + i, nr, n, left < L ? left : L, false, trials), i += L;
    }
}

// A ring of n units, whose weights and sources change by the factor `turn` (1 or -1) after each turn.
template <typename Real>
void organics_ring(const Real* x, Real* r, const int n, const int trials, const Real* twice, const int turn, Real* source)
{
    if (trials == 1 && n%4 == 0)
    {
        for (int j = 0; j < n; j++) source[j] = x[j], source[n + j] = turn*x[j];
        organics_windows<Real>(source, n/4, r, n/4, n, 4, twice, n/4);
        return;
    }
    const int B = 60, threads = organics_threads((double)n*n*trials);
    #pragma omp parallel for schedule(static) if (threads > 1)
    for (int b = 0; b < trials; b += B)
        organics_windows<Real>(x + (size_t)b*n, n, r + (size_t)b*n, n, n, b + B < trials ? B : trials - b, twice, n);
}

template <typename Real>
void organics_halves(const Real* x, Real* r, const int n, const int trials, const Real* windows, Real* halves, Real* source)
{
    const int h = n/2;
    const size_t all = (size_t)h*trials;
    Real *sums = halves, *differences = sums + all, *of_sums = differences + all, *of_differences = of_sums + all;
    for (int b = 0; b < trials; b++)
        for (int j = 0; j < h; j++)
        {
            const Real low = x[(size_t)b*n + j], high = x[(size_t)b*n + h + j];
            sums[(size_t)b*h + j] = low + high;
            differences[(size_t)b*h + j] = low - high;
        }
    organics_ring<Real>(sums, of_sums, h, trials, windows, 1, source);
    organics_ring<Real>(differences, of_differences, h, trials, windows + n + SPARE, -1, source);
    for (int b = 0; b < trials; b++)
        for (int j = 0; j < h; j++)
        {
            const Real s = of_sums[(size_t)b*h + j], d = of_differences[(size_t)b*h + j];
            r[(size_t)b*n + j] = (s + d)/2;
            r[(size_t)b*n + h + j] = (s - d)/2;
        }
}

template <typename Real>
void _organics_circulant(const Real* x, Real* r, const int, const int n, const int trials, const int* count,
                         const int* offsets, const Real* column, const Real* windows, Real* source, Real* halves)
{
    if (SHIFTED_BELOW*count[0] < n)
        for (int b = 0; b < trials; b++)
            organics_shifted<Real>(x + (size_t)b*n, r + (size_t)b*n, n, offsets, column, count[0]);
    else if (n%2)
        organics_ring<Real>(x, r, n, trials, windows, 1, source);
    else
        organics_halves<Real>(x, r, n, trials, windows, halves, source);
}
}
