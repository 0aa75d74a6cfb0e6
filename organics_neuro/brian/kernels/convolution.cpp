// Eight vectors of neighbouring units are summed in registers over all taps.
namespace {
template <typename Real>
void organics_correlate(const Real* in, const int in_line, Real* out, const int out_line, const int height,
                        const int width, const Real* taps, const int kh, const int kw, const bool add)
{
    typedef typename organics_vector<Real>::type Vector;
    const int L = organics_vector<Real>::lanes, R = 8, threads = organics_threads((double)height*width*kh*kw);
    #pragma omp parallel for schedule(static) if (threads > 1)
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x += R*L)
        {
            Vector sum[R];
            for (int k = 0; k < R; k++) sum[k] = Vector();
            for (int ky = 0; ky < kh; ky++)
                for (int kx = 0; kx < kw; kx++)
                {
                    const Real* from = in + (size_t)(y + ky)*in_line + x + kx;
                    const Real tap = taps[ky*kw + kx];
                    #pragma GCC unroll 16
                    for (int k = 0; k < R; k++) sum[k] += *(const Vector*)(from + k*L)*tap;
                }
            Real* to = out + (size_t)y*out_line + x;
            const Real* total = (const Real*)sum;
            const int count = width - x < R*L ? width - x : R*L;
            for (int k = 0; k < count; k++) to[k] = add ? to[k] + total[k] : total[k];
        }
}

template <typename Real>
void organics_border(const Real* plane, Real* padded, const int line, const int h, const int w, const int kh,
                     const int kw, const bool wrap)
{
    for (int y = 0; y < h + kh - 1; y++)
        for (int x = 0; x < w + kw - 1; x++)
        {
            const int row = y - kh/2, col = x - kw/2;
            const bool inside = row >= 0 && row < h && col >= 0 && col < w;
            padded[(size_t)y*line + x] = inside ? plane[(size_t)row*w + col] : wrap ? plane[(size_t)((row%h + h)%h)*w + (col%w + w)%w] : 0;
        }
}

template <typename Real>
void _organics_convolution(const Real* x, Real* r, const int m, const int n, const int trials, const int* sizes,
                           const Real* taps, Real* padded, Real* rows)
{
    const int outputs = sizes[0], inputs = sizes[1], h = sizes[2], w = sizes[3], kh = sizes[4], kw = sizes[5];
    const bool wrap = sizes[6], separable = sizes[7];
    const int line = w + kw - 1 + SPARE, pairs = outputs*inputs;
    for (int b = 0; b < trials; b++)
        for (int c = 0; c < inputs; c++)
        {
            organics_border(x + (size_t)b*n + (size_t)c*h*w, padded, line, h, w, kh, kw, wrap);
            for (int o = 0; o < outputs; o++)
            {
                Real* out = r + (size_t)b*m + (size_t)o*h*w;
                const int pair = o*inputs + c;
                if (separable)
                {
                    organics_correlate(padded, line, rows, line, h + kh - 1, w, taps + pair*kw, 1, kw, false);
                    organics_correlate(rows, line, out, w, h, w, taps + pairs*kw + pair*kh, kh, 1, c > 0);
                }
                else
                    organics_correlate(padded, line, out, w, h, w, taps + (size_t)pair*kh*kw, kh, kw, c > 0);
            }
        }
}
}
