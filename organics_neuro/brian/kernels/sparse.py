"""Sparse weights: the entries of one target unit after the other."""

import numpy as np

from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.sources import source
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.sparse import Sparse


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


SPARSE = Kernel(
    function="_organics_sparse",
    arrays=_arrays,
    numpy=source("sparse.py_"),
    cpp=with_vectors("sparse.cpp"),
    cuda=source("sparse.cu"),
    steps=lambda operator: ("organics_sparse",),
)

serve(Sparse, SPARSE)
