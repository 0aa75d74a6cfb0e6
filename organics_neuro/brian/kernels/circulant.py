"""Circulant weights: shifted copies of the source, one per non-zero weight, without storing a matrix."""

import numpy as np

from organics_neuro.brian.kernels.frames import Kernel

# Each non-zero weight adds a rotated copy of the source; a rotation is two contiguous pieces.
_NUMPY = """
_r[:] = 0
for _shift, _tap in zip({{_w_offsets}}, {{_w_taps}}):
    _r[:, _shift:] += _tap*_x[:, :_n - _shift]
    _r[:, :_shift] += _tap*_x[:, _n - _shift:]
"""

_CYTHON = """
cdef int _b, _i, _k, _shift
cdef {{real}} _tap
cdef {{real}} *_xb
cdef {{real}} *_rb
for _b in range(_trials):
    _xb = _x + _b*_n
    _rb = _r + _b*_n
    for _i in range(_n):
        _rb[_i] = 0
    for _k in range({{_w_count}}[0]):
        _shift = {{_w_offsets}}[_k]
        _tap = {{_w_taps}}[_k]
        for _i in range(_shift, _n):
            _rb[_i] += _tap*_xb[_i - _shift]
        for _i in range(_shift):
            _rb[_i] += _tap*_xb[_n - _shift + _i]
"""

_CPP = """
for (int _b = 0; _b < _trials; _b++)
{
    const _Real* _xb = _x + (size_t)_b*_n;
    _Real* _rb = _r + (size_t)_b*_n;
    for (int _i = 0; _i < _n; _i++) _rb[_i] = 0;
    for (int _k = 0; _k < {{_w_count}}[0]; _k++)
    {
        const int _shift = {{_w_offsets}}[_k];
        const _Real _tap = {{_w_taps}}[_k];
        for (int _i = _shift; _i < _n; _i++) _rb[_i] += _tap*_xb[_i - _shift];
        for (int _i = 0; _i < _shift; _i++) _rb[_i] += _tap*_xb[_n - _shift + _i];
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
