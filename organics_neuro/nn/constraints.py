"""Parametrizations (see `torch.nn.utils.parametrize`) that keep learned values in their range.

A module then shows the effective value, ``cell.W``, and accepts one, ``cell.W = pool``; what the optimizer changes is
the unconstrained value behind it.
"""

import torch
from torch import nn

from organics_neuro.nn.arguments import check_tensor


class Constraint(nn.Module):
    """A parametrization that takes values of the shape it was registered with, and no others.

    A subclass has ``forward``, from the unconstrained value to the effective one, and its inverse, `unconstrained`.
    """

    _shape = None

    def right_inverse(self, value):
        """What torch asks for the unconstrained value, first when the parametrization is registered."""
        check_tensor(value, "values")
        self._shape = self._shape or value.shape  # torch itself takes any
        if value.shape != self._shape:
            raise ValueError(f"values must have shape {tuple(self._shape)}, got {tuple(value.shape)}")
        return self.unconstrained(value)


class Positive(Constraint):
    """Values larger than 0, learned through their logarithm."""

    def forward(self, logarithm):
        return torch.exp(logarithm)

    def unconstrained(self, value):
        """The logarithm of ``value``."""
        if not bool((value > 0).all()):
            raise ValueError(f"values must be larger than 0, but the smallest is {value.min().item():g}")
        return torch.log(value)


class Bounded(Constraint):
    """Values between 0 and ``maximum``, learned as maximum * sigmoid(p).

    Parameters
    ----------
    maximum : float
    """

    def __init__(self, maximum):
        super().__init__()
        self.maximum = float(maximum)

    def forward(self, p):
        return self.maximum * torch.sigmoid(p)

    def unconstrained(self, value):
        """p of ``value``."""
        if not bool(((value > 0) & (value < self.maximum)).all()):
            raise ValueError(
                f"values must lie between 0 and {self.maximum:g}, but reach from {value.min().item():g} to {value.max().item():g}"
            )
        return torch.logit(value / self.maximum)

    def extra_repr(self):
        return f"maximum={self.maximum:g}"


def largest_singular_value(matrix):
    """The spectral norm of a matrix, with its gradient.

    It is computed, not approached by a power iteration from call to call as in
    `torch.nn.utils.parametrizations.spectral_norm`: what is made with it depends on the matrix alone. The eigenvalues of
    a symmetric matrix cost half of the singular value decomposition that `torch.linalg.matrix_norm` differentiates,
    which fails for some matrices near a rotation. Where several singular values are the largest, as of a rotation, the
    gradient is that of one of them, and there is no second derivative.
    """
    square = torch.linalg.eigvalsh(matrix.T @ matrix)[-1]
    return square.clamp(min=torch.finfo(matrix.dtype).tiny).sqrt()  # of 0, a square root has no slope


class SpectralBound(Constraint):
    """Matrices whose largest singular value is at most 1: larger ones are divided by it."""

    def forward(self, matrix):
        return matrix / largest_singular_value(matrix).clamp(min=1)

    def unconstrained(self, value):
        """``value`` itself."""
        return value


class UnitNorm(Constraint):
    """Matrices whose largest singular value is 1: the unconstrained matrix divided by its own."""

    def forward(self, matrix):
        return matrix / largest_singular_value(matrix)

    def unconstrained(self, value):
        """``value`` itself."""
        norm = torch.linalg.matrix_norm(value, 2).item()
        if abs(norm - 1) > 1e-3:
            raise ValueError(f"the largest singular value must be 1, but is {norm:g}")
        return value


class SigmoidDiagonal(Constraint):
    """Diagonal matrices with entries between 0 and 1, learned as sigmoid(p) with a vector p."""

    def forward(self, p):
        return torch.diag(torch.sigmoid(p))

    def unconstrained(self, value):
        """p of ``value``."""
        diagonal = value.diagonal()
        if not bool((value == torch.diag(diagonal)).all()) or not bool(((diagonal > 0) & (diagonal < 1)).all()):
            raise ValueError("the matrix must be diagonal, with entries between 0 and 1")
        return torch.logit(diagonal)
