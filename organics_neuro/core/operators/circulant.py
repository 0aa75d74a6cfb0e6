"""`Circulant`: weights on a ring."""

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.memory import check_memory
from organics_neuro.core.operators.base import Cost, Operator, check_dense, readonly
from organics_neuro.core.units import magnitude

#: Above this number of non-zero taps a `Circulant` is applied by FFT rather than tap by tap.
DIRECT_TAPS = 16


class Circulant(Operator):
    """Weights on a ring that depend on the distance i - j only: W[i, j] = column[(i - j) mod n].

    Parameters
    ----------
    column : array_like, shape (n,)
        First column of the matrix, as in `scipy.linalg.circulant`.
    """

    kind = "circulant"

    def __init__(self, column: ArrayLike):
        column = magnitude("the column of a circulant", column, "1")
        if column.ndim != 1 or not column.size:
            raise ValueError(f"a circulant is given by its first column (one axis), got shape {column.shape}")
        self.column = readonly(column)
        self.shape = (column.size, column.size)

    @property
    def offsets(self) -> np.ndarray:
        """Ring distances i - j at which the weight is not zero, shape (k,)."""
        return np.flatnonzero(self.column)

    def apply(self, x):
        return rotate_and_add(np.asarray(x), self.column, self.offsets)

    @property
    def T(self):
        return Circulant(np.roll(self.column[::-1], 1))

    def to_dense(self):
        check_dense(self.shape)
        n = self.column.size
        return self.column[(np.arange(n)[:, None] - np.arange(n)) % n]

    @property
    def cost(self):
        """Copy by copy, or by two transforms where these take less."""
        n, taps = self.column.size, len(self.offsets)
        bits = int(n - 1).bit_length()
        direct, by_transform = Cost(taps, n * taps), Cost(2 << bits, 4 * bits << bits)
        return min(direct, by_transform, key=lambda cost: cost.multiplications)

    @property
    def is_identity(self):
        return bool(self.column[0] == 1.0 and not self.column[1:].any())

    @property
    def minimum(self):
        return float(self.column.min())

    def arrays(self):
        return {"column": self.column}

    def scaled(self, factor):
        return Circulant(factor * self.column)


def rotate_and_add(x: np.ndarray, column: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Circulant weights times ``x`` along its last axis: tap by tap for a few ``offsets``, else by FFT."""
    n = x.shape[-1]
    if len(offsets) > DIRECT_TAPS:
        return by_fourier(x, column)
    result = np.zeros(x.shape)
    for offset in offsets:
        result[..., offset:] += column[offset] * x[..., : n - offset]
        result[..., :offset] += column[offset] * x[..., n - offset :]
    return result


def by_fourier(x: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Circulant weights times ``x`` along its last axis, by FFT."""
    return np.fft.irfft(np.fft.rfft(x, axis=-1) * np.fft.rfft(column), x.shape[-1], axis=-1)


def identity(size: int) -> Circulant:
    """The identity matrix as an operator that costs O(n)."""
    check_memory(f"a circuit of {size} units", 8 * size, "use fewer units")
    return Circulant(np.eye(1, size)[0])
