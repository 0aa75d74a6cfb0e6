// One thread for each unit and trial. Two passes if separable: the rows of the kernel, into a plane for each pair of
// channels, then its columns.
namespace {
// The value of a plane at a place that may lie outside.
template <typename Real>
__device__ inline Real organics_at(const Real* plane, int y, int x, const int h, const int w, const bool wrap)
{
    if (wrap) y = (y%h + h)%h, x = (x%w + w)%w;
    return y >= 0 && y < h && x >= 0 && x < w ? plane[(size_t)y*w + x] : 0;
}

template <typename Real>
__device__ inline Real organics_correlate(const Real* plane, const int y, const int x, const int h, const int w,
                                          const Real* taps, const int kh, const int kw, const bool wrap)
{
    Real total = 0;
    for (int ky = 0; ky < kh; ky++)
        for (int kx = 0; kx < kw; kx++)
            total += taps[ky*kw + kx]*organics_at(plane, y + ky - kh/2, x + kx - kw/2, h, w, wrap);
    return total;
}

template <typename Real>
__global__ void organics_rows(const Real* x, const int n, const int trials, const int* sizes, const Real* taps, Real* rows)
{
    const int outputs = sizes[0], inputs = sizes[1], h = sizes[2], w = sizes[3], kw = sizes[5], pairs = outputs*inputs;
    if (!sizes[7]) return;
    const size_t count = (size_t)trials*pairs*h*w;
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < count; k += (size_t)gridDim.x*blockDim.x)
    {
        const int col = k % w, row = k/w % h, pair = k/w/h % pairs;
        const Real* plane = x + k/w/h/pairs*n + (size_t)(pair % inputs)*h*w;
        rows[k] = organics_correlate(plane, row, col, h, w, taps + (size_t)pair*kw, 1, kw, sizes[6]);
    }
}

template <typename Real>
__global__ void organics_units(const Real* x, Real* r, const int m, const int n, const int trials, const int* sizes,
                               const Real* taps, const Real* rows)
{
    const int outputs = sizes[0], inputs = sizes[1], h = sizes[2], w = sizes[3], kh = sizes[4], kw = sizes[5];
    const bool separable = sizes[7];
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < (size_t)m*trials; k += (size_t)gridDim.x*blockDim.x)
    {
        const int col = k % w, row = k/w % h, output = k/w/h % outputs;
        const size_t trial = k/m;
        Real total = 0;
        for (int c = 0; c < inputs; c++)
        {
            const int pair = output*inputs + c, pairs = outputs*inputs;
            if (separable)
                total += organics_correlate(rows + (trial*pairs + pair)*h*w, row, col, h, w,
                                            taps + (size_t)pairs*kw + (size_t)pair*kh, kh, 1, sizes[6]);
            else
                total += organics_correlate(x + trial*n + (size_t)c*h*w, row, col, h, w, taps + (size_t)pair*kh*kw, kh, kw,
                                            sizes[6]);
        }
        r[k] = total;
    }
}

template <typename Real>
void _organics_convolution(const Real* x, Real* r, const int m, const int n, const int trials, const int* sizes,
                           const Real* taps, Real* rows)
{
    const int blocks = organics_blocks((size_t)m*trials);
    organics_rows<<<blocks, 256>>>(x, n, trials, sizes, taps, rows);
    organics_units<<<blocks, 256>>>(x, r, m, n, trials, sizes, taps, rows);
}
}
