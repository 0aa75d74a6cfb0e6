#include <cstddef>
#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef ORGANICS_VECTORS
#define ORGANICS_VECTORS
#ifdef __AVX512F__
#define ORGANICS_BYTES 64  // of a vector register, and how many rows of them make a tile
#define ORGANICS_ROWS 4
#elif defined(__AVX__)
#define ORGANICS_BYTES 32
#define ORGANICS_ROWS 2
#else
#define ORGANICS_BYTES 16
#define ORGANICS_ROWS 2
#endif
namespace {
#ifdef __GNUC__
#define ORGANICS_PREFETCH(place, locality) __builtin_prefetch(place, 0, locality)  // 3: into all caches, 2: not the first
template <typename Real> struct organics_vector
{
    typedef Real type __attribute__((vector_size(ORGANICS_BYTES), aligned(sizeof(Real)), may_alias));
    static const int lanes = ORGANICS_BYTES/sizeof(Real);
};
#else
#define ORGANICS_PREFETCH(place, locality)
template <typename Real> struct organics_vector
{
    typedef Real type;
    static const int lanes = 1;
};
#endif

// Threads for a kernel of this many multiplications: to start them costs more than a small kernel.
inline int organics_threads(const double work)
{
#ifdef _OPENMP
    return work < THREADS_FROM ? 1 : omp_get_max_threads();
#else
    return 1;
#endif
}

// One tile of a product: R vectors of target units by T trials, summed in registers over n source units. Weights of
// one source unit are neighbours, those of the next are `stride` away. Few sums are split in U, so that additions
// need not wait for each other. From `next` on, `rate` numbers for each source unit are fetched: weights that are
// wanted later.
template <typename Real, int R, int T>
inline void organics_tile(const Real* __restrict w, const std::ptrdiff_t stride, const Real* __restrict x,
                          const std::ptrdiff_t nx, Real* __restrict r, const std::ptrdiff_t nr, const int n,
                          const int count, const bool add, const Real* next, const std::ptrdiff_t rate)
{
    typedef typename organics_vector<Real>::type Vector;
    const int L = organics_vector<Real>::lanes, U = R*T < 8 ? 8/(R*T) : 1, end = n/U*U;
    Vector sum[U][T][R];
    for (int u = 0; u < U; u++)
        for (int t = 0; t < T; t++)
            for (int k = 0; k < R; k++) sum[u][t][k] = Vector();
    for (int j = 0; j < end; j += U)
    {
        #pragma GCC unroll 16
        for (int u = 0; u < U; u++)
        {
            const std::ptrdiff_t from = j + u;
            Vector a[R];
            for (std::ptrdiff_t k = 0; k < rate; k += L) ORGANICS_PREFETCH(next + from*rate + k, 2);
            #pragma GCC unroll 16
            for (int k = 0; k < R; k++) a[k] = *(const Vector*)(w + from*stride + k*L);
            #pragma GCC unroll 16
            for (int t = 0; t < T; t++)
            {
                const Real s = x[t*nx + from];
                #pragma GCC unroll 16
                for (int k = 0; k < R; k++) sum[u][t][k] += a[k]*s;
            }
        }
    }
    for (int j = end; j < n; j++)
        for (int t = 0; t < T; t++)
            for (int k = 0; k < R; k++) sum[0][t][k] += *(const Vector*)(w + j*stride + k*L)*x[t*nx + j];
    for (int t = 0; t < T; t++)
        for (int k = 0; k < R; k++)
        {
            Vector total = sum[0][t][k];
            for (int u = 1; u < U; u++) total += sum[u][t][k];
            Real* out = r + t*nr + k*L;
            if (count >= (k + 1)*L)
                *(Vector*)out = add ? *(Vector*)out + total : total;
            else
            {
                const Real* part = (const Real*)&total;
                for (int i = 0; i < count - k*L; i++) out[i] = add ? out[i] + part[i] : part[i];
            }
        }
}

// All trials for R vectors of target units: six at a time, then what is left. Each tile fetches its share of the
// weights that come next, so that the memory is never asked for many at once.
template <typename Real, int R, int T>
struct organics_trials
{
    static inline void run(const Real* w, const std::ptrdiff_t stride, const Real* x, const std::ptrdiff_t nx, Real* r,
                           const std::ptrdiff_t nr, const int n, const int count, const bool add, const int trials,
                           const Real* next = nullptr, const std::ptrdiff_t rate = 0)
    {
        int b = 0;
        for (; b + T <= trials; b += T, next += n*rate)
            organics_tile<Real, R, T>(w, stride, x + b*nx, nx, r + b*nr, nr, n, count, add, next, rate);
        organics_trials<Real, R, T - 1>::run(w, stride, x + b*nx, nx, r + b*nr, nr, n, count, add, trials - b, next, rate);
    }
};
template <typename Real, int R>
struct organics_trials<Real, R, 0>
{
    static inline void run(const Real*, std::ptrdiff_t, const Real*, std::ptrdiff_t, Real*, std::ptrdiff_t, int, int, bool, int, const Real*, std::ptrdiff_t) {}
};
}
#endif
