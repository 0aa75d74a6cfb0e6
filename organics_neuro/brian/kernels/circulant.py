"""Circulant weights: shifted copies of the source for a few weights, else a dense product from one column."""

from dataclasses import replace

import numpy as np

from organics_neuro.brian.kernels.cuda import is_linked
from organics_neuro.brian.kernels.dense import GEMM
from organics_neuro.brian.kernels.fourier import FOURIER
from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.sources import source
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.circulant import Circulant

#: Shifted copies are made for fewer than 1/8 of the weights.
SHIFTED_BELOW = 8
#: Numbers after each window, because the last vector reads past the end.
_SPARE = 16


def _arrays(operator):
    column, offsets = operator.column, operator.offsets
    return {
        "count": np.array([len(offsets)], np.int32),
        "offsets": np.append(offsets, 0).astype(np.int32),  # Brian2 has no empty arrays
        "column": column,
        "windows": _windows(column),
    }


def _windows(column):
    """The column of the ring twice, or those of its two halves (see circulant.cpp) if it has an even number of units."""
    spare = np.zeros(_SPARE)
    if column.size % 2:
        return np.concatenate([column, column, spare])
    low, high = np.split(column, 2)
    return np.concatenate([low + high, low + high, spare, high - low, low - high, spare])


CIRCULANT = Kernel(
    function="_organics_circulant",
    arrays=_arrays,
    scratch=lambda operator, trials: {"source": 2 * operator.shape[1], "halves": 2 * operator.shape[1] * trials},
    numpy=source("circulant.py_"),
    cpp=with_vectors("circulant.cpp", SHIFTED_BELOW=SHIFTED_BELOW, SPARE=_SPARE),
    cuda=source("circulant.cu"),
    steps=lambda operator: ("organics_circulant",),
)

#: CUDA, more weights: a dense product from the column backwards and twice.
RING = Kernel(
    function="_organics_ring",
    arrays=lambda operator: {"backwards": np.tile(operator.column[::-1], 2)},
    cuda=source("ring.cu"),
    steps=lambda operator: ("organics_ring",),
    suits=lambda operator: SHIFTED_BELOW * len(operator.offsets) >= operator.column.size,
)
#: CUDA: up to this many units several trials are a product of matrices.
MATRIX = 4096
SMALL_RING = replace(RING, suits=lambda operator: RING.suits(operator) and operator.column.size <= MATRIX, several=GEMM)


def _half_spectrum(operator):
    waves = np.fft.rfft(operator.column) / operator.column.size
    return {"spectrum": np.stack([waves.real, waves.imag], axis=-1)}


#: CUDA: larger rings, by cuFFT.
TRANSFORMED_RING = Kernel(
    function="_organics_transform",
    arrays=_half_spectrum,
    cuda_scratch=lambda operator, trials: {
        "waves": 2 * (operator.column.size // 2 + 1) * trials,
        "ring": operator.column.size * trials,
    },
    cuda=source("transform.cu"),
    library="organics_transform",
    suits=lambda operator: RING.suits(operator) and operator.column.size > MATRIX and is_linked("cufft"),
)

serve(Circulant, FOURIER, SMALL_RING, TRANSFORMED_RING, RING, CIRCULANT)
