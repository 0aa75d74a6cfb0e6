"""All-to-all weights: one sum per trial."""

import numpy as np

from organics_neuro.brian.kernels.cuda import BLOCK_SUM
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.core.operators.all_to_all import AllToAll

_CPP = """
namespace {
template <typename Real>
void _organics_all_to_all(const Real* x, Real* r, const int m, const int n, const int trials, const Real* value)
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

# One block of threads for each trial.
_CUDA = """
namespace {
template <typename Real>
__global__ void organics_all_to_all(const Real* x, Real* r, const int m, const int n, const Real* value)
{
    __shared__ Real sums[256];
    Real sum = 0;
    for (int j = threadIdx.x; j < n; j += 256) sum += x[(size_t)blockIdx.x*n + j];
    const Real total = organics_block_sum(sum, sums);
    for (int i = threadIdx.x; i < m; i += 256) r[(size_t)blockIdx.x*m + i] = value[0]*total;
}

template <typename Real>
void _organics_all_to_all(const Real* x, Real* r, const int m, const int n, const int trials, const Real* value)
{
    organics_all_to_all<<<trials, 256>>>(x, r, m, n, value);
}
}
"""

ALL_TO_ALL = Kernel(
    function="_organics_all_to_all",
    arrays=lambda operator: {"value": np.array([operator.value])},
    numpy="_r[:] = {{_w_value}}[0]*_x.sum(axis=1, keepdims=True)",
    cpp=_CPP,
    cuda=BLOCK_SUM + _CUDA,
)

serve(AllToAll, ALL_TO_ALL)
