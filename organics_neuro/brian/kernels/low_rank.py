"""Low-rank weights: the source is weighted into a few patterns, and these are added up for the target."""

import numpy as np

from organics_neuro.brian.kernels.frames import Kernel
from organics_neuro.brian.kernels.vectors import with_vectors

_CPP = with_vectors("""
namespace {
template <typename Real>
void _organics_low_rank(const Real* x, Real* r, const int m, const int n, const int trials, const int* rank,
                        const Real* m_factor, const Real* n_factor)
{
    const int threads = organics_threads(((double)m + n)*rank[0]*trials);
    #pragma omp parallel for schedule(static) if (threads > 1)
    for (int b = 0; b < trials; b++)
    {
        const Real* source = x + (size_t)b*n;
        Real* target = r + (size_t)b*m;
        for (int k = 0; k < rank[0]; k++)
        {
            const Real *from = n_factor + (size_t)k*n, *to = m_factor + (size_t)k*m;
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

_NUMPY = """
_rank = {{_w_rank}}[0]
_numpy.dot(_numpy.dot(_x, {{_w_n_factor}}.reshape(_rank, _n).T), {{_w_m_factor}}.reshape(_rank, _m), out=_r)
"""

LOW_RANK = Kernel(
    function="_organics_low_rank",
    arrays=lambda operator: {
        "rank": np.array([operator.m_factor.shape[1]], np.int32),
        "m_factor": operator.m_factor.T,
        "n_factor": operator.n_factor.T,
    },
    numpy=_NUMPY,
    cpp=_CPP,
)
