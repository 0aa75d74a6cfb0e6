"""Dense weights: a matrix-vector product for one trial, a matrix-matrix product for many."""

import numpy as np

from organics_neuro.brian.kernels import blas
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.sources import source
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core import tiles
from organics_neuro.core.operators.dense import Dense

#: Bytes of target units whose weights lie next to each other in the packed copy: a multiple of every vector tile.
PANEL = 256
#: Block of source units and trials that stays in the cache while all panels of weights pass.
SOURCES, TRIALS = 512, 288
#: Trials whose source is split together, where single precision goes to AMX tiles.
TILED_TRIALS = 256
#: Bytes of weights from which a core's own cache does not keep them from one step to the next, and from which none does.
AWAY, FAR = 1 << 20, 1 << 24
_CONSTANTS = {
    "PANEL": PANEL,
    "SOURCES": SOURCES,
    "TRIALS": TRIALS,
    "TILED_TRIALS": TILED_TRIALS,
    "AWAY": AWAY,
    "FAR": FAR,
    "BLAS_UNITS": blas.UNITS,
    "BLAS_TRIALS": blas.TRIALS,
}


def _packed_size(operator, _):
    m, n = operator.shape
    widest = PANEL // np.dtype(np.float32).itemsize
    return {"packed": -(-m // widest) * widest * n}


#: CUDA, several trials.
GEMM = Kernel(
    function="_organics_gemm",
    arrays=lambda operator: {"matrix": operator.to_dense()},
    cuda=source("gemm.cu"),
    library="organics_gemm",
)

DENSE = Kernel(
    function="_organics_dense",
    arrays=lambda operator: {"matrix": operator.matrix},
    scratch=_packed_size,
    numpy="_numpy.dot(_x, {{_w_matrix}}.reshape(_m, _n).T, out=_r)",
    cython=source("dense.pyx"),
    cpp=tiles.HEADER.read_text() + with_vectors("dense.cpp", **_CONSTANTS),
    cuda=source("dense.cu"),
    steps=lambda operator: ("organics_dense",),
    several=GEMM,
    prepare=source("dense_prepare.cpp", PANEL=PANEL),
    found=blas.cpp,
)

serve(Dense, DENSE)
