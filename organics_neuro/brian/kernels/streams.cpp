// One trial. The weights lie in panels of R vectors of target units, source unit by source unit, and S panels are read
// in step: S streams keep the memory busy, eight sums in registers the additions. Every sum runs over the source units
// in their order, whatever S is.
namespace {
template <typename Real, int R, int S, bool ahead>
inline void organics_stream(const Real* __restrict w, const Real* __restrict x, const int n, Real* __restrict r,
                            const int count)
{
    typedef typename organics_vector<Real>::type Vector;
    const int L = organics_vector<Real>::lanes, P = R*L, U = R*S < SUMS ? SUMS/(R*S) : 1, end = n/U*U;
    const std::ptrdiff_t apart = (std::ptrdiff_t)P*n;
    Vector sum[U][S][R];
    for (int u = 0; u < U; u++)
        for (int s = 0; s < S; s++)
            for (int k = 0; k < R; k++) sum[u][s][k] = Vector();
    for (int j = 0; j < end; j += U)
    {
        #pragma GCC unroll 16
        for (int u = 0; u < U; u++)
        {
            const Real* place = w + (std::ptrdiff_t)(j + u)*P;
            const Real source = x[j + u];
            #pragma GCC unroll 16
            for (int s = 0; s < S; s++)
            {
                if (ahead) ORGANICS_PREFETCH(place + s*apart + AHEAD/sizeof(Real), 3);
                #pragma GCC unroll 16
                for (int k = 0; k < R; k++) sum[u][s][k] += *(const Vector*)(place + s*apart + k*L)*source;
            }
        }
    }
    for (int j = end; j < n; j++)
        for (int s = 0; s < S; s++)
            for (int k = 0; k < R; k++) sum[0][s][k] += *(const Vector*)(w + s*apart + (std::ptrdiff_t)j*P + k*L)*x[j];
    for (int s = 0; s < S; s++)
        for (int k = 0; k < R; k++)
        {
            Vector total = sum[0][s][k];
            for (int u = 1; u < U; u++) total += sum[u][s][k];
            const int i = s*P + k*L;
            if (count >= i + L)
                *(Vector*)(r + i) = total;
            else
                for (int l = 0; i + l < count; l++) r[i + l] = ((const Real*)&total)[l];
        }
}

// The panels that are left below a whole group of them.
template <typename Real, int R, int S>
struct organics_rest
{
    static inline void run(const int panels, const Real* w, const Real* x, const int n, Real* r, const int count)
    {
        if (panels == S)
            organics_stream<Real, R, S, false>(w, x, n, r, count);
        else
            organics_rest<Real, R, S - 1>::run(panels, w, x, n, r, count);
    }
};
template <typename Real, int R>
struct organics_rest<Real, R, 0>
{
    static inline void run(int, const Real*, const Real*, int, Real*, int) {}
};

// All target units, forwards or backwards: what was read last is still in the cache.
template <typename Real, int S, bool ahead>
void organics_streams(const Real* x, Real* r, const int m, const int n, const Real* packed, const bool back)
{
    const int R = SUMS/S, P = R*organics_vector<Real>::lanes, rows = S*P, groups = (m + rows - 1)/rows;
    const int threads = organics_threads((double)m*n);
    #pragma omp parallel for schedule(static) if (threads > 1)
    for (int g = 0; g < groups; g++)
    {
        const int i = (back ? groups - 1 - g : g)*rows, count = m - i, panels = (count + P - 1)/P;
        const Real* w = packed + (size_t)i*n;
        if (panels >= S)
            organics_stream<Real, R, S, ahead>(w, x, n, r + i, count);
        else
            organics_rest<Real, R, S - 1>::run(panels, w, x, n, r + i, count);
    }
}
}
