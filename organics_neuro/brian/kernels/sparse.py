"""Sparse weights: the entries of one target unit after the other."""

import numpy as np

from organics_neuro.brian.kernels.cuda import BLOCKS
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.sparse import Sparse

_CPP = with_vectors("""
namespace {
template <typename Real>
void _organics_sparse(const Real* x, Real* r, const int m, const int n, const int trials, const int* starts,
                      const int* units, const Real* values)
{
    const int threads = organics_threads((double)starts[m]*trials);
    #pragma omp parallel for collapse(2) schedule(static) if (threads > 1)
    for (int b = 0; b < trials; b++)
        for (int i = 0; i < m; i++)
        {
            Real total = 0;
            for (int k = starts[i]; k < starts[i + 1]; k++) total += values[k]*x[(size_t)b*n + units[k]];
            r[(size_t)b*m + i] = total;
        }
}
}
""")

# One thread for each target unit and trial.
_CUDA = """
namespace {
template <typename Real>
__global__ void organics_sparse(const Real* x, Real* r, const int m, const int n, const int trials, const int* starts,
                                const int* units, const Real* values)
{
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < (size_t)m*trials; k += (size_t)gridDim.x*blockDim.x)
    {
        const int i = k % m;
        const Real* source = x + k/m*n;
        Real total = 0;
        for (int entry = starts[i]; entry < starts[i + 1]; entry++) total += values[entry]*source[units[entry]];
        r[k] = total;
    }
}

template <typename Real>
void _organics_sparse(const Real* x, Real* r, const int m, const int n, const int trials, const int* starts,
                      const int* units, const Real* values)
{
    organics_sparse<<<organics_blocks((size_t)m*trials), 256>>>(x, r, m, n, trials, starts, units, values);
}
}
"""

_NUMPY = """
from scipy.sparse import csr_array as _csr_array
_entries = {{_w_starts}}[_m]
_r[:] = (_csr_array(({{_w_values}}[:_entries], {{_w_units}}[:_entries], {{_w_starts}}), shape=(_m, _n)) @ _x.T).T
"""


def _arrays(operator):
    matrix = operator.matrix
    if matrix.nnz >= 2**31:
        raise ValueError(
            f"sparse weights in Brian2 have at most 2**31 - 1 entries, got {matrix.nnz}; split them in a sum"
        )
    return {
        "starts": matrix.indptr.astype(np.int32),
        "units": np.append(matrix.indices, 0).astype(np.int32),  # Brian2 has no empty arrays
        "values": np.append(matrix.data, 0.0),
    }


SPARSE = Kernel(function="_organics_sparse", arrays=_arrays, numpy=_NUMPY, cpp=_CPP, cuda=BLOCKS + _CUDA)

serve(Sparse, SPARSE)
