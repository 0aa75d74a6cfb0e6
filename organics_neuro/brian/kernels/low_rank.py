"""Low-rank weights: the source is weighted into a few patterns, and these are added up for the target."""

import numpy as np

from organics_neuro.brian.kernels.cuda import BLOCK_SUM
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.low_rank import LowRank

_CPP = with_vectors("""
namespace {
template <typename Real>
void _organics_low_rank(const Real* x, Real* r, const int m, const int n, const int trials, const int* rank,
                        const Real* left, const Real* right)
{
    const int threads = organics_threads(((double)m + n)*rank[0]*trials);
    #pragma omp parallel for schedule(static) if (threads > 1)
    for (int b = 0; b < trials; b++)
    {
        const Real* source = x + (size_t)b*n;
        Real* target = r + (size_t)b*m;
        for (int k = 0; k < rank[0]; k++)
        {
            const Real *from = right + (size_t)k*n, *to = left + (size_t)k*m;
            Real pattern = 0;
            for (int j = 0; j < n; j++) pattern += from[j]*source[j];
            if (k == 0)
                for (int i = 0; i < m; i++) target[i] = to[i]*pattern;
            else
                for (int i = 0; i < m; i++) target[i] += to[i]*pattern;
        }
    }
}
}
""")

# One block of threads for each trial; each thread keeps the same target units for all patterns.
_CUDA = """
namespace {
template <typename Real>
__global__ void organics_low_rank(const Real* x, Real* r, const int m, const int n, const int* rank,
                                  const Real* left, const Real* right)
{
    __shared__ Real sums[256];
    const Real* source = x + (size_t)blockIdx.x*n;
    Real* target = r + (size_t)blockIdx.x*m;
    for (int k = 0; k < rank[0]; k++)
    {
        Real sum = 0;
        for (int j = threadIdx.x; j < n; j += 256) sum += right[(size_t)k*n + j]*source[j];
        const Real pattern = organics_block_sum(sum, sums);
        for (int i = threadIdx.x; i < m; i += 256)
            target[i] = (k ? target[i] : 0) + left[(size_t)k*m + i]*pattern;
    }
}

template <typename Real>
void _organics_low_rank(const Real* x, Real* r, const int m, const int n, const int trials, const int* rank,
                        const Real* left, const Real* right)
{
    organics_low_rank<<<trials, 256>>>(x, r, m, n, rank, left, right);
}
}
"""

_NUMPY = """
_rank = {{_w_rank}}[0]
_numpy.dot(_numpy.dot(_x, {{_w_right}}.reshape(_rank, _n).T), {{_w_left}}.reshape(_rank, _m), out=_r)
"""

LOW_RANK = Kernel(
    function="_organics_low_rank",
    arrays=lambda operator: {
        "rank": np.array([operator.left.shape[1]], np.int32),
        "left": operator.left.T,
        "right": operator.right.T,
    },
    numpy=_NUMPY,
    cpp=_CPP,
    cuda=BLOCK_SUM + _CUDA,
)

serve(LowRank, LOW_RANK)
