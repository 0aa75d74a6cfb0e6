// A thread for each result. Divisions and the border are done with once for each of them, before the taps.
namespace {
// The taps that meet a line of `size` units, and the unit that the first one meets.
struct Organics_taps { int first, last, start; };
__device__ inline Organics_taps organics_taps(const int place, const int taps, const int size, const bool wrap)
{
    const int begin = place - taps/2;
    if (wrap) return {0, taps, (begin % size + size) % size};
    return {begin < 0 ? -begin : 0, begin + taps > size ? size - begin : taps, begin < 0 ? 0 : begin};
}

// x from `origin` on is a plane of h x w units.
template <typename Real, typename Source>
__device__ inline Real organics_correlate(const Source x, const size_t origin, const int h, const int w,
                                          const Organics_taps down, const Organics_taps across, const Real* taps, const int kw)
{
    Real total = 0;
    for (int ky = down.first, y = down.start; ky < down.last; ky++, y = y + 1 < h ? y + 1 : 0)
        for (int kx = across.first, place = across.start; kx < across.last; kx++, place = place + 1 < w ? place + 1 : 0)
            total += taps[ky*kw + kx]*x[origin + (size_t)y*w + place];
    return total;
}

template <typename Real, typename Source, typename Target>
__device__ void organics_convolution(const Organics_place at, const Source x, const Target r, const int m, const int n,
                                     const int trials, const int* sizes, const Real* taps)
{
    const int inputs = sizes[1], h = sizes[2], w = sizes[3], kh = sizes[4], kw = sizes[5];
    const bool wrap = sizes[6];
    for (size_t k = (size_t)at.block*256 + threadIdx.x; k < (size_t)m*trials; k += (size_t)at.blocks*256)
    {
        const int trial = k/m, i = k % m, output = i/(h*w), row = i/w % h, col = i % w;
        const Organics_taps down = organics_taps(row, kh, h, wrap), across = organics_taps(col, kw, w, wrap);
        Real total = 0;
        for (int c = 0; c < inputs; c++)
            total += organics_correlate<Real>(x, (size_t)trial*n + (size_t)c*h*w, h, w, down, across,
                                              taps + (size_t)(output*inputs + c)*kh*kw, kw);
        r.put(k, total);
    }
}
__host__ __device__ int organics_convolution_blocks(const int m, int, const int trials)
{
    return organics_blocks((size_t)m*trials, 256);
}

// Separable kernels, first the rows: a plane for each pair of channels, all trials of it after each other.
template <typename Real, typename Source, typename Target>
__device__ void organics_convolve_rows(const Organics_place at, const Source x, Target, int, const int n, const int trials,
                                       const int* sizes, const Real* taps, Real* rows)
{
    const int inputs = sizes[1], h = sizes[2], w = sizes[3], kw = sizes[5], units = trials*h*w;
    const size_t count = (size_t)sizes[0]*inputs*units;
    const bool wrap = sizes[6];
    for (size_t k = (size_t)at.block*256 + threadIdx.x; k < count; k += (size_t)at.blocks*256)
    {
        const int pair = k/units, place = k % units, trial = place/(h*w), row = place/w % h, col = place % w;
        const size_t origin = (size_t)trial*n + (size_t)(pair % inputs)*h*w + (size_t)row*w;
        rows[k] = organics_correlate<Real>(x, origin, 1, w, {0, 1, 0}, organics_taps(col, kw, w, wrap),
                                           taps + (size_t)pair*kw, kw);
    }
}
__host__ __device__ int organics_convolve_rows_blocks(const int m, const int n, const int trials)
{
    return organics_blocks((size_t)(m > n ? m : n)*trials, 256);
}

// Then the columns.
template <typename Real, typename Source, typename Target>
__device__ void organics_convolve_columns(const Organics_place at, Source, const Target r, const int m, int, const int trials,
                                          const int* sizes, const Real* taps, const Real* rows)
{
    const int inputs = sizes[1], h = sizes[2], w = sizes[3], kh = sizes[4], pairs = sizes[0]*inputs;
    const bool wrap = sizes[6];
    const Real* columns = taps + (size_t)pairs*sizes[5];
    for (size_t k = (size_t)at.block*256 + threadIdx.x; k < (size_t)m*trials; k += (size_t)at.blocks*256)
    {
        const int trial = k/m, i = k % m, output = i/(h*w), row = i/w % h, col = i % w;
        const Organics_taps down = organics_taps(row, kh, h, wrap);
        Real total = 0;
        for (int c = 0; c < inputs; c++)
        {
            const int pair = output*inputs + c;
            total += organics_correlate<Real>(rows, ((size_t)pair*trials + trial)*h*w + col, h, w, down, {0, 1, 0},
                                              columns + (size_t)pair*kh, 1);
        }
        r.put(k, total);
    }
}
__host__ __device__ int organics_convolve_columns_blocks(const int m, int, const int trials)
{
    return organics_blocks((size_t)m*trials, 256);
}
}
