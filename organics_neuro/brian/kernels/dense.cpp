// A single trial goes to streams. Several trials go to AMX tiles (single precision) or by blocks, very many of many
// units to BLAS. Weights that were split for AMX tiles are found by where they are.
#include <map>
namespace {
template <typename Real> struct organics_tiles
{
    static bool prepare(const Real*, int, int, int) { return false; }
    static bool multiply(const Real*, Real*, int, int, int, const Real*) { return false; }
};
#ifdef ORGANICS_TILES
template <> struct organics_tiles<float>
{
    static std::map<const float*, organics_amx::Slices>& weights()
    {
        static std::map<const float*, organics_amx::Slices> all;
        return all;
    }
    static bool prepare(const float* matrix, const int m, const int n, const int trials)
    {
        const int threads = organics_threads((double)m*n*trials);
        if (!organics_amx::are_faster(m < n ? m : n, trials/threads)) return false;
        std::vector<float> turned((size_t)m*n);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++) turned[(size_t)j*m + i] = matrix[(size_t)i*n + j];
        weights()[matrix].take_columns(m, n, turned.data(), m);
        return true;
    }
    static bool multiply(const float* x, float* r, const int m, const int n, const int trials, const float* matrix)
    {
        const auto found = weights().find(matrix);
        if (found == weights().end()) return false;
        const organics_amx::Slices& w = found->second;
        const int threads = organics_threads((double)m*n*trials), most = (trials + threads - 1)/threads;
        const int block = organics_amx::BLOCK, B = organics_amx::parts(std::min(most, TILED_TRIALS), block)*block;
        #pragma omp parallel for schedule(static) if (threads > 1)
        for (int b = 0; b < trials; b += B)
            organics_amx::times(b + B < trials ? B : trials - b, m, n, x + (size_t)b*n, n, w, false, r + (size_t)b*m, m);
        return true;
    }
};
#endif
}

namespace {
template <typename Real>
void organics_dense_block(const Real* x, Real* r, const int m, const int n, const int trials, const Real* packed,
                          const int start, const int stop)
{
    const int L = organics_vector<Real>::lanes, R = ORGANICS_ROWS, P = PANEL/sizeof(Real);
    const int tiles = (trials + TILE - 1)/TILE, rate = (double)m*n*sizeof(Real) < AWAY ? 0 : (R*L + tiles - 1)/tiles;
    for (int j = 0; j < n; j += SOURCES)
    {
        const int k = j + SOURCES < n ? SOURCES : n - j;
        for (int i = start; i < stop;)
        {
            const Real *from = packed + (size_t)(i/P)*P*n + (size_t)j*P, *w = from + i%P, *next = from + (size_t)P*n + i%P*k;
            const int left = stop - i;
            if (left >= R*L)
                organics_trials<Real, R, TILE>::run(w, P, x + j, n, r + i, m, k, R*L, j > 0, trials, next, rate), i += R*L;
            else
                organics_trials<Real, 1, TILE>::run(w, P, x + j, n, r + i, m, k, left < L ? left : L, j > 0, trials), i += L;
        }
    }
}

// Numbers in a panel: for one trial those of the streams.
template <typename Real>
inline int organics_width(const int m, const int n, const int trials)
{
    if (trials > 1) return PANEL/sizeof(Real);
    return organics_stream_width<Real>((double)m*n*sizeof(Real));
}

template <typename Real>
void _organics_dense(const Real* x, Real* r, const int m, const int n, const int trials, const Real* matrix)
{
    if (organics_tiles<Real>::multiply(x, r, m, n, trials, matrix)) return;
    organics_panels<Real>& panels = organics_panels_of(matrix);
    if (trials == 1)
    {
        organics_one_trial(x, r, m, n, panels.packed, panels.back);
        panels.back = !panels.back;
        return;
    }
    // with several threads those of the library and of the program would wait for each other
    if (trials >= BLAS_TRIALS && m >= BLAS_UNITS && n >= BLAS_UNITS && organics_threads(THREADS_FROM) == 1 &&
        organics_blas<Real>::multiply(x, r, m, n, trials, matrix)) return;
    const int P = PANEL/sizeof(Real), threads = organics_threads((double)m*n*trials);
    const int rows = ((m + P - 1)/P + threads - 1)/threads*P, parts = (m + rows - 1)/rows;
    const int blocks = (trials + TRIALS - 1)/TRIALS, B = (trials + blocks*TILE - 1)/(blocks*TILE)*TILE;
    #pragma omp parallel for collapse(2) schedule(static) if (threads > 1)
    for (int part = 0; part < parts; part++)
        for (int block = 0; block < blocks; block++)
        {
            const int b = block*B, i = part*rows;
            organics_dense_block<Real>(x + (size_t)b*n, r + (size_t)b*m, m, n, b + B < trials ? B : trials - b, panels.packed,
                                       i, i + rows < m ? i + rows : m);
        }
}
}
