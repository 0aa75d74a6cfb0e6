"""`Sparse`: a matrix with few entries that are not zero."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from organics_neuro.core.operators.base import Cost, Operator, check_dense, check_matrix_shape, readonly
from organics_neuro.core.operators.dense import Dense
from organics_neuro.core.units import magnitude


class Sparse(Operator):
    """A matrix with few entries that are not zero: memory and cost of O(entries).

    Parameters
    ----------
    matrix : scipy.sparse array or matrix, or array_like, shape (m, n)

    Raises
    ------
    ValueError
        If an index lies outside the matrix, or the parts of a compressed matrix do not fit together: SciPy does not
        look, and would read and write beyond its arrays.
    """

    kind = "sparse"

    def __init__(self, matrix: "sparse.sparray | sparse.spmatrix | ArrayLike"):
        if not sparse.issparse(matrix):
            matrix = sparse.csr_array(Dense(matrix).matrix)
        check_matrix_shape(matrix.shape)
        _check_parts(matrix)
        matrix = sparse.csr_array(matrix, copy=True)
        _check_parts(matrix)  # lists of lists and dictionaries show their indices only now
        matrix.sum_duplicates()
        matrix.data = magnitude("the weight matrix", matrix.data, "1")
        for part in (matrix.data, matrix.indices, matrix.indptr):
            readonly(part)
        self.matrix = matrix
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))

    def apply(self, x):
        x = np.asarray(x)
        flat = (self.matrix @ x.reshape(-1, self.shape[1]).T).T
        return flat.reshape(*x.shape[:-1], self.shape[0])

    @property
    def T(self):
        return Sparse(self.matrix.T)

    def to_dense(self):
        check_dense(self.shape)
        return self.matrix.toarray()

    @property
    def cost(self):
        return Cost(self.matrix.nnz, self.matrix.nnz, self.matrix.nnz + self.shape[0] + 1)

    @property
    def is_identity(self):
        size = self.shape[0]
        return self.shape == (size, size) and not (self.matrix != sparse.eye_array(size, format="csr")).nnz

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
        data, indices, indptr = (np.asarray(arrays[name]) for name in ("data", "indices", "indptr"))
        shape = _read_shape(arrays["shape"])
        _check_compressed(indices, indptr, data.shape, *shape)
        return cls(sparse.csr_array((data, indices, indptr), shape=shape))

    def scaled(self, factor):
        return Sparse(factor * self.matrix)

    def __repr__(self):
        return f"Sparse(shape={self.shape}, entries={self.matrix.nnz})"


def _check_parts(matrix):
    """Raise `ValueError` if the arrays of a SciPy matrix do not describe one."""
    rows, columns = matrix.shape
    if matrix.format in ("csr", "csc"):
        lines = (rows, columns) if matrix.format == "csr" else (columns, rows)
        _check_compressed(matrix.indices, matrix.indptr, matrix.data.shape, *lines)
    elif matrix.format == "bsr":
        height, width = matrix.blocksize
        _check_compressed(matrix.indices, matrix.indptr, matrix.data.shape[:1], rows // height, columns // width)
    elif matrix.format == "coo":
        for axis, indices, size in (("row", matrix.row, rows), ("column", matrix.col, columns)):
            _check_indices(axis, indices, matrix.data.shape, size)


def _check_compressed(indices, indptr, entries, lines, size):
    """Raise `ValueError` unless ``indptr`` cuts the ``entries`` in lines, and ``indices`` are below ``size``."""
    if indptr.dtype.kind not in "iu" or indptr.shape != (lines + 1,):
        raise ValueError(
            f"sparse weights: indptr must hold {lines + 1} integers, got {indptr.dtype} of shape {indptr.shape}"
        )
    if indptr[0] != 0 or indptr[-1] > len(indices):
        raise ValueError(
            f"sparse weights: indptr must run from 0 to the number of entries, {len(indices)}, but runs from {indptr[0]} to {indptr[-1]}"
        )
    if np.any(indptr[1:] < indptr[:-1]):
        where = int(np.flatnonzero(indptr[1:] < indptr[:-1])[0])
        raise ValueError(
            f"sparse weights: indptr must not fall, but goes from {indptr[where]} to {indptr[where + 1]} at index {where + 1}"
        )
    _check_indices("indices", indices, entries, size, int(indptr[-1]))


def _check_indices(name, indices, entries, size, used=None):
    """Raise `ValueError` unless each of the ``entries`` has an index, and those ``used`` (all) are below ``size``."""
    if indices.dtype.kind not in "iu" or indices.shape != entries:
        raise ValueError(
            f"sparse weights: there must be one integer in {name!r} for each entry, got {indices.dtype} of shape {indices.shape} for {entries}"
        )
    bad = (indices[:used] < 0) | (indices[:used] >= size)
    if np.any(bad):
        raise ValueError(
            f"sparse weights: {name!r} must lie between 0 and {size - 1}, but holds {indices[:used][bad][0]} at index {int(np.flatnonzero(bad)[0])}"
        )


def _read_shape(shape):
    """The shape that a file holds."""
    shape = np.asarray(shape)
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or shape.min() < 1:
        raise ValueError(f"sparse weights: the shape must be two positive integers, got {shape.tolist()}")
    return int(shape[0]), int(shape[1])
