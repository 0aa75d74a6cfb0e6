"""`Dense`: any matrix."""

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.operators.base import Operator, check_matrix_shape, readonly
from organics_neuro.core.units import magnitude


class Dense(Operator):
    """Any matrix.

    Parameters
    ----------
    matrix : array_like, shape (m, n)
    """

    kind = "dense"

    def __init__(self, matrix: ArrayLike):
        matrix = magnitude("the weight matrix", matrix, "1")
        check_matrix_shape(matrix.shape)
        self.matrix = readonly(matrix)
        self.shape = matrix.shape

    def apply(self, x):
        return x @ self.matrix.T

    @property
    def T(self):
        return Dense(self.matrix.T)

    def apply_transposed(self, x):
        return x @ self.matrix  # no copy of the matrix

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
