"""Dense weights: a matrix-vector product for one trial, a matrix-matrix product for many."""

from organics_neuro.brian.kernels import blas, choices
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.sources import source
from organics_neuro.brian.kernels.vectors import THREADS_FROM, TILE
from organics_neuro.core import tiles
from organics_neuro.core.operators.dense import Dense

#: Bytes of target units whose weights lie next to each other in the packed copy: a multiple of every vector tile.
PANEL = 256
#: Block of source units and trials that stays in the cache while all panels of weights pass.
SOURCES, TRIALS = 512, 288
#: Trials whose source is split together, where single precision goes to AMX tiles.
TILED_TRIALS = 256
#: Bytes of weights from which a core's own cache does not keep them from one step to the next.
AWAY = 1 << 20
_CONSTANTS = {
    "THREADS_FROM": THREADS_FROM,
    "TILE": TILE,
    "PANEL": PANEL,
    "SOURCES": SOURCES,
    "TRIALS": TRIALS,
    "TILED_TRIALS": TILED_TRIALS,
    "AWAY": AWAY,
    "BLAS_UNITS": blas.UNITS,
    "BLAS_TRIALS": blas.TRIALS,
}


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
    numpy="_numpy.dot(_x, {{_w_matrix}}.reshape(_m, _n).T, out=_r)",
    cython=source("dense.pyx"),
    cpp=tiles.HEADER.read_text() + source("panels.cpp", "dense.cpp", **_CONSTANTS),
    cuda=source("dense.cu"),
    steps=lambda operator: ("organics_dense",),
    several=GEMM,
    prepare=source("dense_prepare.cpp"),
    found=lambda: choices.cpp() + blas.cpp(),
)

serve(Dense, DENSE)
