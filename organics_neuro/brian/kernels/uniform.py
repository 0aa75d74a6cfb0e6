"""Uniform weights: one sum per trial."""

import numpy as np

from organics_neuro.brian.kernels.frames import Kernel

_CYTHON = """
cdef int _b, _i, _j
cdef {{real}} _total
for _b in range(_trials):
    _total = 0
    for _j in range(_n):
        _total += _x[_b*_n + _j]
    _total *= {{_w_value}}[0]
    for _i in range(_m):
        _r[_b*_m + _i] = _total
"""

_CPP = """
for (int _b = 0; _b < _trials; _b++)
{
    _Real _total = 0;
    for (int _j = 0; _j < _n; _j++) _total += _x[(size_t)_b*_n + _j];
    _total *= {{_w_value}}[0];
    for (int _i = 0; _i < _m; _i++) _r[(size_t)_b*_m + _i] = _total;
}
"""

UNIFORM = Kernel(
    arrays=lambda operator: {"value": np.array([operator.value])},
    numpy="_r[:] = {{_w_value}}[0]*_x.sum(axis=1, keepdims=True)",
    cython=_CYTHON,
    cpp=_CPP,
)
