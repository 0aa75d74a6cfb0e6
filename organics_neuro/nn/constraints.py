"""Parametrizations (see `torch.nn.utils.parametrize`) that keep learned values in their range.

A module then shows the effective value, ``cell.W``, and accepts one, ``cell.W = pool``; what the optimizer changes is
the unconstrained value behind it. `PARAMETRIZATIONS` has them by name, as ``CircuitLayer(..., parametrizations=...)``
takes them; a subclass of `Constraint` that says ``name=...`` is added there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.utils.parametrizations import orthogonal
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from organics_neuro.core.boundary import known_name, positive_int, shown
from organics_neuro.core.operators import LowRank, Operator, Sparse
from organics_neuro.nn.arguments import check_tensor
from organics_neuro.nn.effective import guard

#: What a parametrization may be given as: a name, a name with its arguments, or a module of torch's kind.
Parametrization = str | tuple | nn.Module
#: By name, what puts a constraint on a parameter of a module: ``register(module, parameter, *arguments)``.
PARAMETRIZATIONS: dict[str, Callable[..., object]] = {}


class Constraint(nn.Module):
    """A parametrization that takes values of the shape it was registered with, and no others.

    A subclass has ``forward``, from the unconstrained value to the effective one, its inverse `unconstrained`, and
    `project`, which makes a value that it takes from any other.
    """

    _shape = None

    def __init_subclass__(cls, name: str | None = None) -> None:
        super().__init_subclass__()
        if name is not None:
            PARAMETRIZATIONS[name] = lambda module, parameter, *args: register_parametrization(
                module, parameter, cls(*args)
            )

    def right_inverse(self, value: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What torch asks for the unconstrained value, first when the parametrization is registered."""
        check_tensor(value, "values")
        first, self._shape = self._shape is None, self._shape or value.shape  # torch itself takes any
        if value.shape != self._shape:
            raise ValueError(f"values must have shape {tuple(self._shape)}, got {tuple(value.shape)}")
        return self.unconstrained(self.project(value) if first else value)

    def unconstrained(self, value: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The unconstrained value of ``value``; `ValueError` if there is none."""
        return value

    def project(self, value: Tensor) -> Tensor:
        """A value that the constraint takes, near ``value``."""
        return value

    def start(self, value: Tensor) -> Tensor:
        """Where a layer starts that has drawn ``value``."""
        return self.project(value)

    def operator(self, value: np.ndarray) -> np.ndarray | Operator:
        """``value`` as weights of a circuit, with the structure that the constraint gives it."""
        return value


class Positive(Constraint, name="positive"):
    """Values larger than 0, learned through their logarithm."""

    def forward(self, logarithm: Tensor) -> Tensor:
        return torch.exp(logarithm)

    def unconstrained(self, value):
        """The logarithm of ``value``."""
        if not bool((value > 0).all()):
            raise ValueError(f"values must be larger than 0, but the smallest is {value.min().item():g}")
        return torch.log(value)

    def project(self, value):
        return value.abs().clamp(min=torch.finfo(value.dtype).tiny)


class Bounded(Constraint, name="bounded"):
    """Values between 0 and ``maximum``, learned as maximum * sigmoid(p).

    Examples
    --------
    >>> Bounded(0.5)(torch.zeros(2))
    tensor([0.2500, 0.2500])
    """

    def __init__(self, maximum: float = 1.0):
        super().__init__()
        self.maximum = float(maximum)

    def forward(self, p: Tensor) -> Tensor:
        return self.maximum * torch.sigmoid(p)

    def unconstrained(self, value):
        """p of ``value``."""
        if not bool(((value > 0) & (value < self.maximum)).all()):
            raise ValueError(
                f"values must lie between 0 and {self.maximum:g}, but reach from {value.min().item():g} to {value.max().item():g}"
            )
        return torch.logit(value / self.maximum)

    def project(self, value):
        return value.clamp(1e-3 * self.maximum, (1 - 1e-3) * self.maximum)

    def extra_repr(self) -> str:
        return f"maximum={self.maximum:g}"


class Dale(Constraint, name="dale"):
    """Weights whose sign is that of their source (Dale's law), learned as sign * abs(p).

    Parameters
    ----------
    signs : array_like, optional
        +1 or -1: one for all sources, or one for each. Default: of five sources, the first four excite and one inhibits.
    """

    signs: Tensor

    def __init__(self, signs: ArrayLike | None = None):
        super().__init__()
        self._given = None if signs is None else np.asarray(signs, dtype=float)
        if self._given is not None and not np.isin(self._given, (-1, 1)).all():
            raise ValueError(f"signs must be +1 or -1, got {shown(signs)}")

    def right_inverse(self, value):
        """As that of every constraint; the first time, the number of sources is known."""
        if self._shape is None:
            self.register_buffer("signs", self._signs_of(value))
        return super().right_inverse(value)

    def _signs_of(self, value):
        sources = value.shape[-1]
        if self._given is None:
            signs = np.where(np.arange(sources) < 0.8 * sources, 1.0, -1.0)
        elif self._given.shape not in ((), (sources,)):
            raise ValueError(f"signs must be one number, or one for each of {sources} sources, got {self._given.shape}")
        else:
            signs = np.broadcast_to(self._given, (sources,)).copy()
        return torch.as_tensor(signs, dtype=value.dtype, device=value.device)

    def forward(self, p: Tensor) -> Tensor:
        return p.abs() * self.signs

    def unconstrained(self, value):
        """The absolute value, if no sign is the other one."""
        if bool((value * self.signs < 0).any()):
            raise ValueError("weights must have the sign of their source, which is kept in .signs")
        return value.abs()

    def project(self, value):
        return value.abs() * self.signs


class Antisymmetric(Constraint, name="antisymmetric"):
    """Matrices W with W + gamma I antisymmetric, learned through what lies above the diagonal.

    All eigenvalues have the real part -gamma: as in an AntisymmetricRNN, nothing grows or decays fast.

    Parameters
    ----------
    gamma : float
        Diffusion, 0 for W.T = -W.
    """

    def __init__(self, gamma: float = 0.0):
        super().__init__()
        self.gamma = float(gamma)

    def forward(self, p: Tensor) -> Tensor:
        above = p.triu(1)
        return above - above.mT - self.gamma * _identity_like(p)

    def unconstrained(self, value):
        """What lies above the diagonal."""
        rest = value + self.gamma * _identity_like(value)
        if not torch.equal(rest, -rest.mT):
            raise ValueError(
                f"the matrix must be antisymmetric: W.T = -W{f', plus -{self.gamma:g} I' * bool(self.gamma)}"
            )
        return value.triu(1)

    def project(self, value):
        return (value - value.mT) / 2 - self.gamma * _identity_like(value)

    def extra_repr(self) -> str:
        return f"gamma={self.gamma:g}"


class Lipschitz(Constraint, name="lipschitz"):
    """Matrices beta (M - M.T) + (1 - beta) (M + M.T) - gamma I, learned as M: those of a Lipschitz network.

    The symmetric part is small for ``beta`` near 1, which lies between 0 and 1: eigenvalues then have real parts near -gamma.

    References
    ----------
    N. B. Erichson et al., Lipschitz recurrent neural networks, ICLR 2021.
    """

    def __init__(self, beta: float = 0.75, gamma: float = 0.001):
        super().__init__()
        if not 0 < beta < 1:
            raise ValueError(f"beta must lie between 0 and 1, got {shown(beta)}")
        self.beta, self.gamma = float(beta), float(gamma)

    def forward(self, M: Tensor) -> Tensor:
        symmetric = (1 - self.beta) * (M + M.mT)
        return self.beta * (M - M.mT) + symmetric - self.gamma * _identity_like(M)

    def unconstrained(self, value):
        """M of ``value``; every matrix has one."""
        rest = value + self.gamma * _identity_like(value)
        return (rest - rest.mT) / (4 * self.beta) + (rest + rest.mT) / (4 * (1 - self.beta))

    def start(self, value):
        return self.forward(value * len(value) ** -0.5)  # M of order 1/n, as in the authors' code

    def extra_repr(self) -> str:
        return f"beta={self.beta:g}, gamma={self.gamma:g}"


def _identity_like(matrix):
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"the matrix must be square, got shape {tuple(matrix.shape)}")
    return torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)


def largest_singular_value(matrix: Tensor) -> Tensor:
    """The spectral norm of a matrix, with its gradient.

    It is computed, not approached by a power iteration from call to call as in
    `torch.nn.utils.parametrizations.spectral_norm`: what is made with it depends on the matrix alone. The eigenvalues of
    a symmetric matrix cost half of the singular value decomposition that `torch.linalg.matrix_norm` differentiates,
    which fails for some matrices near a rotation. Where several singular values are the largest, as of a rotation, the
    gradient is that of one of them, and there is no second derivative.
    """
    if torch.onnx.is_in_onnx_export():
        raise RuntimeError(
            "ONNX has no eigenvalues, which bound a singular value; make the weights plain before, by "
            "torch.nn.utils.parametrize.remove_parametrizations(module, name)"
        )
    square = torch.linalg.eigvalsh(matrix.T @ matrix)[-1]
    return square.clamp(min=torch.finfo(matrix.dtype).tiny).sqrt()  # of 0, a square root has no slope


class SpectralBound(Constraint, name="spectral"):
    """Matrices whose largest singular value is at most ``maximum``: larger ones are divided by what it exceeds."""

    def __init__(self, maximum: float = 1.0):
        super().__init__()
        self.maximum = float(maximum)

    def forward(self, matrix: Tensor) -> Tensor:
        return matrix / (largest_singular_value(matrix) / self.maximum).clamp(min=1)

    def extra_repr(self) -> str:
        return f"maximum={self.maximum:g}"


class UnitNorm(Constraint, name="unit_norm"):
    """Matrices whose largest singular value is 1: the unconstrained matrix divided by its own."""

    def forward(self, matrix: Tensor) -> Tensor:
        return matrix / largest_singular_value(matrix)

    def unconstrained(self, value):
        """``value`` itself."""
        norm = torch.linalg.matrix_norm(value, 2).item()
        if abs(norm - 1) > 1e-3:
            raise ValueError(f"the largest singular value must be 1, but is {norm:g}")
        return value

    def project(self, value):
        return value / torch.linalg.matrix_norm(value, 2).clamp(min=torch.finfo(value.dtype).tiny)


class SigmoidDiagonal(Constraint, name="diagonal"):
    """Diagonal matrices with entries between 0 and 1, learned as sigmoid(p) with a vector p."""

    def forward(self, p: Tensor) -> Tensor:
        return torch.diag(torch.sigmoid(p))

    def unconstrained(self, value):
        """p of ``value``."""
        diagonal = value.diagonal()
        if not bool((value == torch.diag(diagonal)).all()) or not bool(((diagonal > 0) & (diagonal < 1)).all()):
            raise ValueError("the matrix must be diagonal, with entries between 0 and 1")
        return torch.logit(diagonal)

    def project(self, value):
        return torch.diag(value.diagonal().clamp(0.05, 0.95))

    def operator(self, value):
        return Sparse(value)


class FixedRank(Constraint, name="low_rank"):
    """Matrices of the rank ``rank`` at most, learned as left @ right: O(n rank) numbers."""

    def __init__(self, rank: int):
        super().__init__()
        self.rank = positive_int("rank", rank)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left @ right

    def unconstrained(self, value):
        """Both factors, of equal norm."""
        left, sizes, right = torch.linalg.svd(value, full_matrices=False)
        if bool((sizes[self.rank :] > 1e-4 * sizes[0]).any()):
            raise ValueError(f"the matrix must have at most the rank {self.rank}; project(value) makes one of it")
        roots = sizes[: self.rank].sqrt()
        return left[:, : self.rank] * roots, roots[:, None] * right[: self.rank]

    def project(self, value):
        left, sizes, right = torch.linalg.svd(value, full_matrices=False)
        return (left[:, : self.rank] * sizes[: self.rank]) @ right[: self.rank]

    def operator(self, value):
        left, sizes, right = np.linalg.svd(value, full_matrices=False)
        return LowRank(left[:, : self.rank] * sizes[: self.rank], right[: self.rank].T)

    def extra_repr(self) -> str:
        return f"rank={self.rank}"


def _identity(module: nn.Module, parameter: str) -> None:
    """The identity, which is not learned."""
    value = getattr(module, parameter)
    delattr(module, parameter)
    module.register_buffer(parameter, torch.eye(len(value), dtype=value.dtype, device=value.device))


PARAMETRIZATIONS["orthogonal"] = orthogonal
PARAMETRIZATIONS["identity"] = _identity


def constrain(module: nn.Module, parameter: str, constraint: Parametrization) -> None:
    """Put a constraint on a parameter.

    Parameters
    ----------
    module : Module
    parameter : str
    constraint : str, tuple or Module
        A name of `PARAMETRIZATIONS`; a name with what it is made with, ("low_rank", 4); or a parametrization of one's
        own, as `torch.nn.utils.parametrize.register_parametrization` takes it.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, or for what is none of these.
    """
    if isinstance(constraint, nn.Module):
        register_parametrization(module, parameter, constraint)
        guard(module, parameter)
        return
    name, *arguments = constraint if isinstance(constraint, tuple) else (constraint,)
    register = PARAMETRIZATIONS[known_name(f"parametrization of {parameter!r}", name, PARAMETRIZATIONS)]
    try:
        register(module, parameter, *arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"parametrization {constraint!r} of {parameter!r}: {error}") from None
    if is_parametrized(module, parameter):  # not the identity, which becomes a constant
        guard(module, parameter)


def constraints_of(module: nn.Module, parameter: str) -> list[nn.Module]:
    """The parametrizations of a parameter, in the order in which they are applied."""
    return list(module.parametrizations[parameter]) if is_parametrized(module, parameter) else []  # pyright: ignore


@torch.no_grad()
def start_at(module: nn.Module, parameter: str, value: Tensor) -> None:
    """Set a parameter to the value nearest to ``value`` that its constraints take."""
    if parameter in module._buffers:  # it is constant
        return
    constraints = constraints_of(module, parameter)
    if not constraints:
        getattr(module, parameter).copy_(value)
        return
    if not all(hasattr(c, "right_inverse") for c in constraints):  # torch then takes no value: it is drawn behind
        module.parametrizations[parameter].original.copy_(value)  # pyright: ignore
        return
    for constraint in reversed(constraints):
        value = constraint.project(value) if isinstance(constraint, Constraint) else value
    setattr(module, parameter, value)
