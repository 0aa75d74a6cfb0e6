"""Circulant weights: shifted copies of the source, one per non-zero weight, without storing a matrix."""

import numpy as np

from organics_neuro.brian.kernels.frames import Kernel

# Each non-zero weight adds a rotated copy of the source; a rotation is two contiguous pieces.
_NUMPY = """
target[:] = 0
for _shift, _tap in zip({{_w_offsets}}, {{_w_taps}}):
    target[:, _shift:] += _tap*source[:, :n - _shift]
    target[:, :_shift] += _tap*source[:, n - _shift:]
"""

_CYTHON = """
cdef int _b, _i, _k, _shift
cdef {{real}} _tap
cdef {{real}} *_x
cdef {{real}} *_r
for _b in range(trials):
    _x = source + _b*n
    _r = target + _b*n
    for _i in range(n):
        _r[_i] = 0
    for _k in range({{_w_count}}[0]):
        _shift = {{_w_offsets}}[_k]
        _tap = {{_w_taps}}[_k]
        for _i in range(_shift, n):
            _r[_i] += _tap*_x[_i - _shift]
        for _i in range(_shift):
            _r[_i] += _tap*_x[n - _shift + _i]
"""

_CPP = """
for (int b = 0; b < trials; b++)
{
    const Real* x = source + (size_t)b*n;
    Real* r = target + (size_t)b*n;
    for (int i = 0; i < n; i++) r[i] = 0;
    for (int k = 0; k < {{_w_count}}[0]; k++)
    {
        const int shift = {{_w_offsets}}[k];
        const Real tap = {{_w_taps}}[k];
        for (int i = shift; i < n; i++) r[i] += tap*x[i - shift];
        for (int i = 0; i < shift; i++) r[i] += tap*x[n - shift + i];
    }
}
"""

CIRCULANT = Kernel(
    arrays=lambda operator: {
        "offsets": operator.offsets.astype(np.int32),
        "taps": operator.column[operator.offsets],
        "count": np.array([len(operator.offsets)], np.int32),
    },
    numpy=_NUMPY,
    cython=_CYTHON,
    cpp=_CPP,
)
