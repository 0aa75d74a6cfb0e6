"""Convolutions: every plane is copied with a border, then correlated with the kernel, in two passes if separable."""

import numpy as np

from organics_neuro.brian.kernels.cuda import BLOCKS
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.convolution import Convolution

#: Lines of the working memory are this many numbers longer than the sheet, so that vectors may read past its end.
_SPARE = 128

# Eight vectors of neighbouring units are summed in registers over all taps.
_CPP = with_vectors(
    """
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
""",
    SPARE=_SPARE,
)

# One thread for each unit and trial. Two passes if separable: the rows of the kernel, into a plane for each pair of
# channels, then its columns.
_CUDA = """
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
"""

_NUMPY = """
from organics_neuro.core.operators import convolve as _convolve
_outputs, _inputs, _height, _width, _kh, _kw, _wrap, _separable = {{_w_sizes}}
_shapes = [(_outputs, _inputs, 1, _kw), (_outputs, _inputs, _kh, 1)] if _separable else [(_outputs, _inputs, _kh, _kw)]
_parts = _numpy.split({{_w_taps}}, [_numpy.prod(_shapes[0])])
_passes = [_part.reshape(_shape) for _part, _shape in zip(_parts, _shapes)]
_r[:] = _convolve(_x, (_height, _width), _passes, "wrap" if _wrap else "zero")
"""


def _arrays(operator):
    flags = (operator.boundary == "wrap", len(operator.passes) == 2)
    return {
        "sizes": np.array([*operator.kernel.shape[:2], *operator.sheet, *operator.kernel.shape[2:], *flags], np.int32),
        "taps": np.concatenate([kernel.ravel() for kernel in operator.passes]),
    }


def _scratch(operator, _):
    (h, w), (kh, kw) = operator.sheet, operator.kernel.shape[2:]
    size = (h + kh - 1) * (w + kw - 1 + _SPARE) + _SPARE
    return {"padded": size, "rows": size if len(operator.passes) == 2 else 1}


def _cuda_scratch(operator, trials):
    outputs, inputs = operator.kernel.shape[:2]
    return {
        "rows": trials * outputs * inputs * operator.sheet[0] * operator.sheet[1] if len(operator.passes) == 2 else 1
    }


CONVOLUTION = Kernel(
    function="_organics_convolution",
    arrays=_arrays,
    scratch=_scratch,
    cuda_scratch=_cuda_scratch,
    numpy=_NUMPY,
    cpp=_CPP,
    cuda=BLOCKS + _CUDA,
)

serve(Convolution, CONVOLUTION)
