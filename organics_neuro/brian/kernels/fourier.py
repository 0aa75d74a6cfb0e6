"""Circulant weights of large rings, by fast Fourier transform: C++ and Cython; NumPy has its own."""

import numpy as np

from organics_neuro.brian.kernels.kernel import Kernel
from organics_neuro.brian.kernels.sources import source

#: The transform is made from this many units and weights that are not zero on; below, the direct kernel is as fast.
UNITS, WEIGHTS = 2048, 128
#: Columns that are transformed together.
_STRIP = 16


def is_faster(operator):
    """Whether the transform takes less time than the direct kernel for a `Circulant`."""
    return operator.column.size >= UNITS and len(operator.offsets) >= WEIGHTS


def _arrays(operator):
    rows, columns = _shape(operator)
    size = rows * columns
    twist = np.exp(0.5j * np.pi / size * np.arange(size))
    weights = np.fft.fft(operator.column * twist[: operator.column.size], size) / size
    row, column = _reversed_bits(rows), _reversed_bits(columns)
    parts = {
        "twist": twist,
        "turns": np.exp(-2j * np.pi / size * np.multiply.outer(row, np.arange(columns))),
        "spectrum": weights[np.add.outer(rows * column, row)],
        "roots": np.exp(2j * np.pi / rows * np.arange(rows // 2)),
    }
    return {
        "shape": np.array([rows, columns], np.int32),
        "column": operator.column,  # for NumPy
        **{name: np.concatenate([values.real.ravel(), values.imag.ravel()]) for name, values in parts.items()},
    }


def _shape(operator):
    """Rows and columns, powers of two, as equal as can be, and no fewer numbers than units."""
    bits = int(operator.column.size - 1).bit_length()
    return 1 << (bits + 1) // 2, 1 << bits // 2


def _reversed_bits(size):
    """The numbers below ``size``, a power of two, each with its bits in reverse order."""
    numbers = np.zeros(1, int)
    while numbers.size < size:
        numbers = np.concatenate([2 * numbers, 2 * numbers + 1])
    return numbers


def _scratch(operator, trials):
    rows, columns = _shape(operator)
    return {"real": rows * columns, "imaginary": rows * columns, "strip": 2 * rows * _STRIP}


FOURIER = Kernel(
    function="_organics_fourier",
    arrays=_arrays,
    scratch=_scratch,
    numpy=source("fourier.py_"),
    cpp=source("fourier.cpp", STRIP=_STRIP),
    suits=is_faster,  # on a GPU the direct kernel serves
)
