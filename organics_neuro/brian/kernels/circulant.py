"""Circulant weights: shifted copies of the source for a few weights, else a dense product from one column."""

import numpy as np

from organics_neuro.brian.kernels.cuda import BLOCKS
from organics_neuro.brian.kernels.fourier import FOURIER
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.circulant import Circulant

#: Shifted copies are made for fewer than 1/8 of the weights.
SHIFTED_BELOW = 8
#: Numbers after each window, because the last vector reads past the end.
_SPARE = 16

# W[i, j] = column[(i - j) mod n] is a window into the column written twice, so the tile of the dense product reads its
# weights from there, one number further back for each source unit. Two things make that cheaper. On a ring of an even
# number of units, the sum and the difference of its two halves do not mix: the sum sees a ring of half the size, the
# difference one that changes sign after each turn; together this is half the work. For one trial each ring is cut in
# four arcs, which take the place of trials: all four see the same weights.
_CPP = with_vectors(
    """
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
""",
    SHIFTED_BELOW=SHIFTED_BELOW,
    SPARE=_SPARE,
)

# One thread for each unit and trial.
_CUDA = """
namespace {
template <typename Real>
__global__ void organics_circulant(const Real* x, Real* r, const int n, const int trials, const int* count,
                                   const int* offsets, const Real* column)
{
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < (size_t)n*trials; k += (size_t)gridDim.x*blockDim.x)
    {
        const int i = k % n;
        const Real* source = x + (k - i);
        Real total = 0;
        for (int tap = 0; tap < count[0]; tap++)
        {
            const int j = i - offsets[tap];
            total += column[offsets[tap]]*source[j < 0 ? j + n : j];
        }
        r[k] = total;
    }
}

template <typename Real>
void _organics_circulant(const Real* x, Real* r, const int, const int n, const int trials, const int* count,
                         const int* offsets, const Real* column, const Real*)
{
    organics_circulant<<<organics_blocks((size_t)n*trials), 256>>>(x, r, n, trials, count, offsets, column);
}
}
"""

_NUMPY = """
from organics_neuro.core.operators import rotate_and_add as _rotate_and_add
_r[:] = _rotate_and_add(_x, {{_w_column}}, {{_w_offsets}}[:{{_w_count}}[0]])
"""


def _arrays(operator):
    column, offsets = operator.column, operator.offsets
    return {
        "count": np.array([len(offsets)], np.int32),
        "offsets": np.append(offsets, 0).astype(np.int32),  # Brian2 has no empty arrays
        "column": column,
        "windows": _windows(column),
    }


def _windows(column):
    """The column of the ring twice, or those of its two halves (see above) if it has an even number of units."""
    spare = np.zeros(_SPARE)
    if column.size % 2:
        return np.concatenate([column, column, spare])
    low, high = np.split(column, 2)
    return np.concatenate([low + high, low + high, spare, high - low, low - high, spare])


CIRCULANT = Kernel(
    function="_organics_circulant",
    arrays=_arrays,
    scratch=lambda operator, trials: {"source": 2 * operator.shape[1], "halves": 2 * operator.shape[1] * trials},
    numpy=_NUMPY,
    cpp=_CPP,
    cuda=BLOCKS + _CUDA,
)

serve(Circulant, FOURIER, CIRCULANT)
