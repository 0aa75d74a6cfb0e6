"""Circulant weights: shifted copies of the source for a few weights, else a dense product from one column."""

import numpy as np

from organics_neuro.brian.kernels.frames import Kernel
from organics_neuro.brian.kernels.vectors import with_vectors

#: Shifted copies are made for fewer than 1/8 of the weights.
SHIFTED_BELOW = 8

# W[i, j] = column[(i - j) mod n] is a window into the column written twice, so the tile of the dense product reads its
# weights from there, one number further back for each source unit. For one trial the ring is cut in four arcs, which
# take the place of trials: all four see the same weights.
_CPP = with_vectors(
    """
namespace {
template <typename Real>
void organics_shifted(const Real* x, Real* r, const int n, const int* offsets, const Real* taps, const int count)
{
    for (int i = 0; i < n; i++) r[i] = 0;
    for (int k = 0; k < count; k++)
    {
        const int shift = offsets[k];
        const Real tap = taps[k];
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
            organics_trials<Real, R, 6>::run(w, -1, x, nx, r + i, nr, n, R*L, false, trials), i += R*L;
        else
            organics_trials<Real, 1, 6>::run(w, -1, x, nx, r + i, nr, n, left < L ? left : L, false, trials), i += L;
    }
}

template <typename Real>
void _organics_circulant(const Real* x, Real* r, const int, const int n, const int trials, const int* count,
                         const int* offsets, const Real* taps, const Real* twice, Real* source)
{
    if (SHIFTED_BELOW*count[0] < n)
        for (int b = 0; b < trials; b++)
            organics_shifted<Real>(x + (size_t)b*n, r + (size_t)b*n, n, offsets, taps, count[0]);
    else if (trials == 1 && n%4 == 0)
    {
        for (int j = 0; j < n; j++) source[j] = source[n + j] = x[j];
        organics_windows<Real>(source, n/4, r, n/4, n, 4, twice, n/4);
    }
    else
    {
        const int B = 60, threads = organics_threads((double)n*n*trials);
        #pragma omp parallel for schedule(static) if (threads > 1)
        for (int b = 0; b < trials; b += B)
            organics_windows<Real>(x + (size_t)b*n, n, r + (size_t)b*n, n, n, b + B < trials ? B : trials - b, twice, n);
    }
}
}
""",
    SHIFTED_BELOW=SHIFTED_BELOW,
)

_NUMPY = """
from organics_neuro.core.operators import rotate_and_add as _rotate_and_add
_r[:] = _rotate_and_add(_x, {{_w_twice}}[:_n], {{_w_offsets}}[:{{_w_count}}[0]])
"""


def _arrays(operator):
    column, offsets = operator.column, operator.offsets
    return {
        "count": np.array([len(offsets)], np.int32),
        "offsets": np.append(offsets, 0).astype(np.int32),  # Brian2 has no empty arrays
        "taps": np.append(column[offsets], 0.0),
        "twice": np.concatenate([column, column, np.zeros(16)]),  # the last vector reads past the end
    }


CIRCULANT = Kernel(
    function="_organics_circulant",
    arrays=_arrays,
    scratch=lambda operator, trials: {"source": 2 * operator.shape[1]},
    numpy=_NUMPY,
    cpp=_CPP,
)
