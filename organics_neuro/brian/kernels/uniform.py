"""Uniform weights: one sum per trial."""

import numpy as np

from organics_neuro.brian.kernels.frames import Kernel

_CYTHON = """
cdef int _b, _i, _j
cdef {{real}} _total
for _b in range(trials):
    _total = 0
    for _j in range(n):
        _total += source[_b*n + _j]
    _total *= {{_w_value}}[0]
    for _i in range(m):
        target[_b*m + _i] = _total
"""

_CPP = """
for (int b = 0; b < trials; b++)
{
    Real total = 0;
    for (int j = 0; j < n; j++) total += source[(size_t)b*n + j];
    total *= {{_w_value}}[0];
    for (int i = 0; i < m; i++) target[(size_t)b*m + i] = total;
}
"""

UNIFORM = Kernel(
    arrays=lambda operator: {"value": np.array([operator.value])},
    numpy="target[:] = {{_w_value}}[0]*source.sum(axis=1, keepdims=True)",
    cython=_CYTHON,
    cpp=_CPP,
)
