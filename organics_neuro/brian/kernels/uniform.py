"""Uniform weights: one sum per trial."""

import numpy as np

from organics_neuro.brian.kernels.frames import Kernel

_CPP = """
namespace {
template <typename Real>
void _organics_uniform(const Real* x, Real* r, const int m, const int n, const int trials, const Real* value)
{
    for (int b = 0; b < trials; b++)
    {
        Real total = 0;
        for (int j = 0; j < n; j++) total += x[(size_t)b*n + j];
        total *= value[0];
        for (int i = 0; i < m; i++) r[(size_t)b*m + i] = total;
    }
}
}
"""

UNIFORM = Kernel(
    function="_organics_uniform",
    arrays=lambda operator: {"value": np.array([operator.value])},
    numpy="_r[:] = {{_w_value}}[0]*_x.sum(axis=1, keepdims=True)",
    cpp=_CPP,
)
