"""Weight operators: a linear map with a structure, so that its cost and its memory follow the structure.

The protocol is small: ``shape``, ``kind``, ``@``, `Operator.apply` (units on the last axis), `Operator.to_dense`
and `Operator.arrays` (the numbers that define it, for files and kernels). To add an operator, subclass `Operator`
here and give it a kernel in ``organics_neuro.brian.kernels``; nothing else has to know.
"""

import numpy as np

from organics_neuro.core.errors import unknown_name
from organics_neuro.core.units import magnitude

#: Above this number of non-zero taps a `Circulant` is applied by FFT rather than tap by tap.
_DIRECT_TAPS = 16


class Operator:
    """A real (m, n) matrix; subclasses know its structure.

    Attributes
    ----------
    shape : tuple of int
        (m, n): n source units, m target units.
    kind : str
        Name of the structure, as in files.
    """

    kind = None
    _kinds = {}
    __array_priority__ = 100  # let `array @ operator` fail loudly instead of looping over elements
    __array_ufunc__ = None

    def __init_subclass__(cls):
        Operator._kinds[cls.kind] = cls

    def apply(self, x):
        """Weights times ``x`` along its last axis: (..., n) to (..., m)."""
        raise NotImplementedError

    def to_dense(self):
        """The (m, n) matrix as an array."""
        return self.apply(np.eye(self.shape[1])).T.copy()

    def arrays(self):
        """The arrays that define the operator; ``type(operator)(**operator.arrays())`` makes an equal one."""
        raise NotImplementedError

    @property
    def is_identity(self):
        """Whether the operator is the identity matrix."""
        return self.shape[0] == self.shape[1] and np.array_equal(self.to_dense(), np.eye(self.shape[0]))

    @property
    def minimum(self):
        """The smallest entry of the matrix."""
        return float(self.to_dense().min())

    def __matmul__(self, x):
        """Matrix product with an array of shape (n,) or (n, k), as in NumPy."""
        x = np.asarray(x, dtype=float)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError(f"cannot multiply weights of shape {self.shape} with an array of shape {x.shape}")
        return self.apply(x) if x.ndim == 1 else self.apply(x.T).T

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented if not isinstance(other, Operator) else False
        mine, theirs = self.arrays(), other.arrays()
        return all(np.array_equal(mine[k], theirs[k]) for k in mine)

    __hash__ = None

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape})"


def _readonly(array):
    array.flags.writeable = False
    return array


class Dense(Operator):
    """Any matrix.

    Parameters
    ----------
    matrix : array_like, shape (m, n)
    """

    kind = "dense"

    def __init__(self, matrix):
        matrix = magnitude("the weight matrix", matrix, "1")
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(
                f"a weight matrix must have two axes (target units, source units), got shape {matrix.shape}"
            )
        self.matrix = _readonly(matrix)
        self.shape = matrix.shape

    def apply(self, x):
        return x @ self.matrix.T

    def to_dense(self):
        return self.matrix.copy()

    def arrays(self):
        return {"matrix": self.matrix}


class Uniform(Operator):
    """One weight for all pairs: a sum of the source units, at a cost of O(m + n).

    Parameters
    ----------
    size : int or (int, int)
        Number of units, or (m, n) for m target and n source units.
    value : float
    """

    kind = "uniform"

    def __init__(self, size, value=1.0):
        size = np.atleast_1d(np.asarray(size))
        if size.size not in (1, 2) or size.dtype.kind not in "iu" or size.min() < 1:
            raise ValueError(f"size must be a number of units or (targets, sources), got {size.tolist()}")
        self.shape = (int(size[0]), int(size[-1]))
        value = magnitude("the weight", value, "1")
        if value.ndim:
            raise ValueError(f"a uniform weight is one number, got an array of shape {value.shape}")
        self.value = float(value)

    def apply(self, x):
        total = self.value * np.sum(x, axis=-1, keepdims=True)
        return np.repeat(total, self.shape[0], axis=-1)

    @property
    def minimum(self):
        return self.value

    def arrays(self):
        return {"size": np.array(self.shape), "value": np.array(self.value)}

    def __repr__(self):
        return f"Uniform(shape={self.shape}, value={self.value:g})"


class Circulant(Operator):
    """Weights on a ring that depend on the distance i - j only: W[i, j] = column[(i - j) mod n].

    Parameters
    ----------
    column : array_like, shape (n,)
        First column of the matrix, as in `scipy.linalg.circulant`.
    """

    kind = "circulant"

    def __init__(self, column):
        column = magnitude("the column of a circulant", column, "1")
        if column.ndim != 1 or not column.size:
            raise ValueError(f"a circulant is given by its first column (one axis), got shape {column.shape}")
        self.column = _readonly(column)
        self.shape = (column.size, column.size)

    @property
    def offsets(self):
        """Ring distances i - j at which the weight is not zero, shape (k,)."""
        return np.flatnonzero(self.column)

    def apply(self, x):
        return rotate_and_add(np.asarray(x), self.column, self.offsets)

    def to_dense(self):
        n = self.column.size
        return self.column[(np.arange(n)[:, None] - np.arange(n)) % n]

    @property
    def is_identity(self):
        return self.column[0] == 1.0 and not self.column[1:].any()

    @property
    def minimum(self):
        return float(self.column.min())

    def arrays(self):
        return {"column": self.column}


def rotate_and_add(x, column, offsets):
    """Circulant weights times ``x`` along its last axis: tap by tap for a few ``offsets``, else by FFT."""
    n = x.shape[-1]
    if len(offsets) > _DIRECT_TAPS:
        return np.fft.irfft(np.fft.rfft(x, axis=-1) * np.fft.rfft(column), n, axis=-1)
    result = np.zeros(x.shape)
    for offset in offsets:
        result[..., offset:] += column[offset] * x[..., : n - offset]
        result[..., :offset] += column[offset] * x[..., n - offset :]
    return result


def identity(size):
    """The identity matrix as an operator that costs O(n)."""
    return Circulant(np.eye(1, size)[0])


def as_operator(value, name, size=None):
    """``value`` as an operator.

    Parameters
    ----------
    value : Operator, array_like or float
        A single number means a `Uniform` operator, for which ``size`` must be known.
    name : str
        Name used in error messages.
    size : (int, int), optional
    """
    if isinstance(value, Operator):
        return value
    if hasattr(value, "toarray"):
        value = value.toarray()
    try:
        if np.ndim(value) == 0:
            if size is None:
                raise ValueError(
                    "a single number needs a known size; give an array or an operator such as Uniform(size, value)"
                )
            return Uniform(size, value)
        return Dense(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"weights {name!r}: {error}") from None


def from_arrays(kind, arrays):
    """The operator of the structure ``kind`` defined by ``arrays`` (the inverse of `Operator.arrays`)."""
    if kind not in Operator._kinds:
        raise ValueError(unknown_name("weight operator", kind, sorted(Operator._kinds)))
    return Operator._kinds[kind](**arrays)
