"""`AllToAll`: one weight for all pairs."""

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.errors import shown
from organics_neuro.core.operators.base import Cost, Operator
from organics_neuro.core.units import magnitude, whole_numbers


class AllToAll(Operator):
    """One weight for all pairs: a sum of the source units, at a cost of O(m + n).

    Parameters
    ----------
    size : int or (int, int)
        Number of units, or (m, n) for m target and n source units.
    value : float
    """

    kind = "all_to_all"

    def __init__(self, size: ArrayLike, value: float = 1.0):
        sizes = whole_numbers(size)
        if sizes is None or sizes.size not in (1, 2) or sizes.min() < 1:
            raise ValueError(f"size must be a number of units or (targets, sources), got {shown(size)}")
        self.shape = (int(sizes.flat[0]), int(sizes.flat[-1]))
        value = magnitude("the weight", value, "1")
        if value.ndim:
            raise ValueError(f"an all-to-all weight is one number, got an array of shape {value.shape}")
        self.value = float(value)

    def apply(self, x):
        total = self.value * np.sum(x, axis=-1, keepdims=True)
        return np.repeat(total, self.shape[0], axis=-1)

    @property
    def T(self):
        return AllToAll(self.shape[::-1], self.value)

    @property
    def cost(self):
        return Cost(1, self.shape[1])  # a sum

    @property
    def minimum(self):
        return self.value

    def arrays(self):
        return {"size": np.array(self.shape), "value": np.array(self.value)}

    def scaled(self, factor):
        return AllToAll(np.array(self.shape), factor * self.value)

    def __repr__(self):
        return f"AllToAll(shape={self.shape}, value={self.value:g})"
