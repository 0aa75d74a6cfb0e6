"""`LowRank`: a product of two thin matrices."""

from numpy.typing import ArrayLike

from organics_neuro.core.operators.base import Cost, Operator, readonly
from organics_neuro.core.units import magnitude


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

    def __init__(self, left: ArrayLike, right: ArrayLike):
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
    def T(self):
        return LowRank(self.right, self.left)

    @property
    def cost(self):
        count = self.left.size + self.right.size
        return Cost(count, count)

    @property
    def is_nonnegative(self):
        return min(self.left.min(), self.right.min()) >= 0 or super().is_nonnegative

    def arrays(self):
        return {"left": self.left, "right": self.right}

    def scaled(self, factor):
        return LowRank(factor * self.left, self.right)

    def __repr__(self):
        return f"LowRank(shape={self.shape}, rank={self.left.shape[1]})"
