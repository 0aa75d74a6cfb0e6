"""Weight operators: a linear map with a structure, so that its cost and its memory follow the structure.

The protocol is small: ``shape``, ``kind``, ``@``, `Operator.apply` (units on the last axis), `Operator.to_dense`
and `Operator.arrays` (the numbers that define it, for files and kernels). What else a new operator needs is in
``docs/architecture.md``.
"""

from numbers import Number

import numpy as np

from organics_neuro.core.errors import unknown_name
from organics_neuro.core.units import magnitude, real_numbers

#: Numbers that are made at a time (32 MiB) where an operator has to be searched for an entry.
_BLOCK = 2**22


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
    __array_ufunc__ = None  # let arrays leave sums and products to the operator instead of looping over elements

    def __init_subclass__(cls):
        Operator._kinds[cls.kind] = cls

    def apply(self, x):
        """Weights times ``x`` along its last axis: (..., n) to (..., m)."""
        raise NotImplementedError

    def to_dense(self):
        """The (m, n) matrix as an array."""
        return self.apply(np.eye(self.shape[1])).T.copy()

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.to_dense(), dtype)

    def arrays(self):
        """The arrays that define the operator; `from_arrays` makes an equal one of them."""
        raise NotImplementedError

    @classmethod
    def from_arrays(cls, arrays):
        """The operator that these arrays define."""
        return cls(**arrays)

    def scaled(self, factor):
        """The operator times a number, of the same structure where it has one."""
        from organics_neuro.core.operators.matrices import Dense

        return Dense(factor * self.to_dense())

    def _columns(self):
        """The first column and the columns of the matrix (as rows), in blocks: large operators have no room for all."""
        step = max(1, _BLOCK // max(self.shape))
        for start in range(0, self.shape[1], step):
            size = min(step, self.shape[1] - start)
            yield start, self.apply(np.eye(size, self.shape[1], start))

    @property
    def is_identity(self):
        """Whether the operator is the identity matrix."""
        return self.shape[0] == self.shape[1] and all(
            np.array_equal(block, np.eye(*block.shape, start)) for start, block in self._columns()
        )

    @property
    def minimum(self):
        """The smallest entry of the matrix."""
        return float(min(block.min() for _, block in self._columns()))

    @property
    def is_nonnegative(self):
        """Whether no entry is negative; structures that can tell from their parts do not search for the minimum."""
        return self.minimum >= 0

    def __add__(self, other):
        from organics_neuro.core.operators.sums import Sum

        return Sum([self, other])

    def __radd__(self, other):
        return self if isinstance(other, Number) and other == 0 else self + other  # the sum of a list begins with 0

    def __neg__(self):
        return self.scaled(-1.0)

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, factor):
        if np.ndim(factor):
            return NotImplemented  # weights times an array is `@`
        return self.scaled(float(magnitude("the factor of an operator", factor, "1")))

    __rmul__ = __mul__

    def __truediv__(self, divisor):
        if np.ndim(divisor):
            return NotImplemented
        divisor = float(magnitude("the divisor of an operator", divisor, "1"))
        if divisor == 0:
            raise ZeroDivisionError("the divisor of an operator must not be 0")
        return self.scaled(1 / divisor)

    def __matmul__(self, x):
        """Matrix product with an array of shape (n,) or (n, k), as in NumPy."""
        x = real_numbers("the array that weights are multiplied with", x)
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


def readonly(array):
    """The array, which can no longer be changed."""
    array.flags.writeable = False
    return array


def from_arrays(kind, arrays):
    """The operator of the structure ``kind`` defined by ``arrays`` (the inverse of `Operator.arrays`)."""
    if kind not in Operator._kinds:
        raise ValueError(unknown_name("weight operator", kind, sorted(Operator._kinds)))
    return Operator._kinds[kind].from_arrays(arrays)
