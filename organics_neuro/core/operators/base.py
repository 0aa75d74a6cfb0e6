"""Weight operators: a linear map with a structure, so that its cost and its memory follow the structure.

The protocol is small: ``shape``, ``kind``, ``@``, `Operator.apply` (units on the last axis), `Operator.T`,
`Operator.to_dense`, `Operator.arrays` (the numbers that define it, for files and kernels) and `Operator.cost`. What multiplies with
an operator in each engine is listed in `organics_neuro.core.products`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Number

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from organics_neuro.core.errors import shown, unknown_name
from organics_neuro.core.html import operator_html
from organics_neuro.core.memory import check_memory
from organics_neuro.core.units import has_axes, magnitude

#: Numbers that are made at a time (32 MiB) where an operator has to be searched for an entry.
_BLOCK = 2**22
#: Every class of operators by its kind: a class enters when it is defined.
KINDS: dict[str, type["Operator"]] = {}


@dataclass(frozen=True)
class Cost:
    """What a product with an operator takes at least, by its structure.

    Parameters
    ----------
    weights : int
        Numbers that are read, once for all trials.
    multiplications : int
        For each trial, each with an addition; where there are additions alone, these.
    indices : int
        Integers of 32 bits that are read besides the numbers.
    """

    weights: int
    multiplications: int
    indices: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.weights + other.weights,
            self.multiplications + other.multiplications,
            self.indices + other.indices,
        )

    def bytes(self, dtype: DTypeLike = np.float64) -> int:
        """Bytes that are read where numbers are of the type ``dtype``."""
        return np.dtype(dtype).itemsize * self.weights + 4 * self.indices


class Operator:
    """A real (m, n) matrix; subclasses know its structure.

    Attributes
    ----------
    shape : tuple of int
        (m, n): n source units, m target units.
    kind : str
        Name of the structure, as in files; by default it follows from the name of the class.
    """

    shape: tuple[int, int]
    kind: str = ""
    __array_ufunc__ = None  # let arrays leave sums and products to the operator instead of looping over elements

    def __init_subclass__(cls) -> None:
        if "kind" not in cls.__dict__:  # a subclass of Dense may multiply in another way, so it is another kind
            cls.kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        known, package = KINDS.get(cls.kind), __name__.rpartition(".")[0]
        if known and known.__module__.startswith(package) and not cls.__module__.startswith(package):
            raise TypeError(f"the kind {cls.kind!r} is that of {known.__name__}; give {cls.__name__} another kind")
        KINDS[cls.kind] = cls

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Weights times ``x`` along its last axis: (..., n) to (..., m)."""
        raise NotImplementedError(f"the operator {type(self).__name__} must define apply(x)")

    @property
    def T(self) -> "Operator":
        """The transposed operator, of the same structure."""
        raise TypeError(
            f"weights of the class {type(self).__name__} have no transpose T; convert them with Dense(weights.to_dense())"
        )

    def apply_transposed(self, x: np.ndarray) -> np.ndarray:
        """Transposed weights times ``x`` along its last axis: (..., m) to (..., n)."""
        return self.T.apply(x)

    def to_dense(self) -> np.ndarray:
        """The (m, n) matrix as an array."""
        check_dense(self.shape)
        return self.apply(np.eye(self.shape[1])).T.copy()

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.to_dense(), dtype)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that define the operator; `from_arrays` makes an equal one of them."""
        raise NotImplementedError(f"the operator {type(self).__name__} must define arrays() to be compared or saved")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Operator":
        """The operator that these arrays define."""
        return cls(**arrays)

    def __reduce_ex__(self, protocol):
        """Copies and pickles are made from `arrays`: checked, and as unchangeable as the original."""
        if type(self).arrays is Operator.arrays:
            return super().__reduce_ex__(protocol)
        return type(self).from_arrays, (self.arrays(),)

    def scaled(self, factor: float) -> "Operator":
        """The operator times a number, of the same structure where it has one."""
        return KINDS["dense"](factor * self.to_dense())

    @property
    def cost(self) -> Cost:
        """What a product takes: that of any matrix, where a class does not say less."""
        return Cost(self.shape[0] * self.shape[1], self.shape[0] * self.shape[1])

    def _columns(self) -> Iterator[tuple[int, np.ndarray]]:
        """The first column and the columns of the matrix (as rows), in blocks: large operators have no room for all."""
        step = max(1, _BLOCK // max(self.shape))
        for start in range(0, self.shape[1], step):
            size = min(step, self.shape[1] - start)
            yield start, self.apply(np.eye(size, self.shape[1], start))

    @property
    def is_identity(self) -> bool:
        """Whether the operator is the identity matrix."""
        return self.shape[0] == self.shape[1] and all(
            np.array_equal(block, np.eye(*block.shape, start)) for start, block in self._columns()
        )

    @property
    def minimum(self) -> float:
        """The smallest entry of the matrix."""
        return float(min(block.min() for _, block in self._columns()))

    @property
    def is_nonnegative(self) -> bool:
        """Whether no entry is negative; structures that can tell from their parts do not search for the minimum."""
        return self.minimum >= 0

    def __add__(self, other):
        return KINDS["sum"]([self, other])

    def __radd__(self, other):
        return self if isinstance(other, Number) and other == 0 else self + other  # the sum of a list begins with 0

    def __neg__(self):
        return self.scaled(-1.0)

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, factor):
        if has_axes(factor):
            raise TypeError(
                f"weights are multiplied with one number, got {shown(factor)}; for an array use weights @ array"
            )
        return self.scaled(float(magnitude("the factor of an operator", factor, "1")))

    __rmul__ = __mul__

    def __truediv__(self, divisor):
        if has_axes(divisor):
            raise TypeError(f"weights are divided by one number, got {shown(divisor)}")
        divisor = float(magnitude("the divisor of an operator", divisor, "1"))
        if divisor == 0:
            raise ZeroDivisionError("the divisor of an operator must not be 0")
        return self.scaled(1 / divisor)

    def __matmul__(self, x: ArrayLike) -> np.ndarray:
        """Matrix product with an array of shape (n,) or (n, k), as in NumPy."""
        x = magnitude("the array that weights are multiplied with", x, "1")
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError(f"cannot multiply weights of shape {self.shape} with an array of shape {x.shape}")
        return self.apply(x) if x.ndim == 1 else self.apply(x.T).T

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented if not isinstance(other, Operator) else False
        mine, theirs = self.arrays(), other.arrays()
        return all(np.array_equal(mine[k], theirs[k]) for k in mine)

    __hash__ = None

    def _repr_html_(self) -> str:
        return operator_html(self)

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape})"


def readonly(array: np.ndarray) -> np.ndarray:
    """The array, which can no longer be changed."""
    array.flags.writeable = False
    return array


def check_dense(shape: tuple[int, int]) -> None:
    """Raise `MemoryError` if a dense matrix of this shape does not fit into memory."""
    check_memory(f"a dense matrix of shape {shape}", 8.0 * shape[0] * shape[1], "use an operator with structure")


def check_matrix_shape(shape: tuple[int, ...]) -> None:
    """Raise `ValueError` for what is no matrix."""
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"a weight matrix must have two axes (target units, source units), got shape {shape}")


def from_arrays(kind: str, arrays: Mapping[str, np.ndarray]) -> Operator:
    """The operator of the structure ``kind`` defined by ``arrays`` (the inverse of `Operator.arrays`)."""
    if kind not in KINDS:
        raise ValueError(unknown_name("weight operator", kind, sorted(KINDS)))
    return KINDS[kind].from_arrays(arrays)
