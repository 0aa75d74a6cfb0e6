"""Operators given by a matrix or its factors: `Dense`, `Sparse`, `LowRank` and `AllToAll`."""

import numpy as np
from scipy import sparse

from organics_neuro.core.operators.base import Operator, readonly
from organics_neuro.core.units import magnitude


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
        self.matrix = readonly(matrix)
        self.shape = matrix.shape

    def apply(self, x):
        return x @ self.matrix.T

    def to_dense(self):
        return self.matrix.copy()

    def arrays(self):
        return {"matrix": self.matrix}

    @property
    def is_identity(self):
        return self.shape[0] == self.shape[1] and np.array_equal(self.matrix, np.eye(self.shape[0]))

    @property
    def minimum(self):
        return float(self.matrix.min())

    def scaled(self, factor):
        return Dense(factor * self.matrix)


class AllToAll(Operator):
    """One weight for all pairs: a sum of the source units, at a cost of O(m + n).

    Parameters
    ----------
    size : int or (int, int)
        Number of units, or (m, n) for m target and n source units.
    value : float
    """

    kind = "all_to_all"

    def __init__(self, size, value=1.0):
        size = np.atleast_1d(np.asarray(size))
        if size.size not in (1, 2) or size.dtype.kind not in "iu" or size.min() < 1:
            raise ValueError(f"size must be a number of units or (targets, sources), got {size.tolist()}")
        self.shape = (int(size[0]), int(size[-1]))
        value = magnitude("the weight", value, "1")
        if value.ndim:
            raise ValueError(f"an all-to-all weight is one number, got an array of shape {value.shape}")
        self.value = float(value)

    def apply(self, x):
        total = self.value * np.sum(x, axis=-1, keepdims=True)
        return np.repeat(total, self.shape[0], axis=-1)

    @property
    def minimum(self):
        return self.value

    def arrays(self):
        return {"size": np.array(self.shape), "value": np.array(self.value)}

    def scaled(self, factor):
        return AllToAll(np.array(self.shape), factor * self.value)

    def __repr__(self):
        return f"AllToAll(shape={self.shape}, value={self.value:g})"


class Sparse(Operator):
    """A matrix with few entries that are not zero: memory and cost of O(entries).

    Parameters
    ----------
    matrix : scipy.sparse array or matrix, or array_like, shape (m, n)
    """

    kind = "sparse"

    def __init__(self, matrix):
        if not sparse.issparse(matrix):
            matrix = Dense(matrix).matrix
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(
                f"a weight matrix must have two axes (target units, source units), got shape {matrix.shape}"
            )
        matrix = sparse.csr_array(matrix, copy=True)
        matrix.sum_duplicates()
        matrix.data = readonly(magnitude("the weight matrix", matrix.data, "1"))
        self.matrix = matrix
        self.shape = matrix.shape

    def apply(self, x):
        x = np.asarray(x)
        flat = (self.matrix @ x.reshape(-1, self.shape[1]).T).T
        return flat.reshape(*x.shape[:-1], self.shape[0])

    def to_dense(self):
        return self.matrix.toarray()

    @property
    def minimum(self):
        full = self.matrix.nnz == self.shape[0] * self.shape[1]
        return float(self.matrix.data.min() if full else self.matrix.data.min(initial=0.0))

    def arrays(self):
        return {
            "data": self.matrix.data,
            "indices": self.matrix.indices.astype(np.int64),
            "indptr": self.matrix.indptr.astype(np.int64),
            "shape": np.array(self.shape),
        }

    @classmethod
    def from_arrays(cls, arrays):
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        return cls(sparse.csr_array(parts, shape=tuple(int(size) for size in arrays["shape"])))

    def scaled(self, factor):
        return Sparse(factor * self.matrix)

    def __repr__(self):
        return f"Sparse(shape={self.shape}, entries={self.matrix.nnz})"


class LowRank(Operator):
    """A product of two thin matrices, ``left @ right.T``: a cost of O((m + n) rank).

    Parameters
    ----------
    left : array_like, shape (m, rank)
        What the target units receive of each of the ``rank`` patterns; shape (m,) for one.
    right : array_like, shape (n, rank)
        How the source units are weighted in each pattern.
    """

    kind = "low_rank"

    def __init__(self, left, right):
        factors = []
        for name, factor in (("left", left), ("right", right)):
            factor = magnitude(name, factor, "1")
            factor = factor[:, None] if factor.ndim == 1 else factor
            if factor.ndim != 2 or 0 in factor.shape:
                raise ValueError(f"{name} must have shape (units, rank), got shape {factor.shape}")
            factors.append(readonly(factor))
        self.left, self.right = factors
        if self.left.shape[1] != self.right.shape[1]:
            raise ValueError(
                f"left and right must have the same rank, got shapes {self.left.shape} and {self.right.shape}"
            )
        self.shape = (len(self.left), len(self.right))

    def apply(self, x):
        return (x @ self.right) @ self.left.T

    @property
    def is_nonnegative(self):
        return min(self.left.min(), self.right.min()) >= 0 or super().is_nonnegative

    def arrays(self):
        return {"left": self.left, "right": self.right}

    def scaled(self, factor):
        return LowRank(factor * self.left, self.right)

    def __repr__(self):
        return f"LowRank(shape={self.shape}, rank={self.left.shape[1]})"
