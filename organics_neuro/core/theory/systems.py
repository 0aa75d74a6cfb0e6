"""The equations τ dx/dt = 0 of several rows (circuits or trials) at once; states are packed into vectors (rows, size)."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.ensembles import Ensemble
from organics_neuro.core.flow import Flow
from organics_neuro.core.names import Name
from organics_neuro.core.theory.delays import characteristic_roots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from organics_neuro.core.dynamics import Dynamics


class System:
    """The equations τ dx/dt = 0 of circuits that share a model, each at one input.

    Parameters
    ----------
    dynamics : Dynamics or Ensemble
    inputs : dict of ndarray
        Every input, each (units,) or (rows, units).

    Attributes
    ----------
    tau : ndarray, shape (size,) or (rows, size)
        Time constant of each equation in seconds, 1 where the model has none.
    relaxed : ndarray of bool, shape (size,)
        Where the states lie that the models declare as ``relaxed``.
    small : bool
        Whether there is room for matrices.
    """

    small = True

    def __init__(self, dynamics: Dynamics, inputs: Mapping[Any, np.ndarray]):
        self.dynamics, self.inputs = dynamics, inputs
        self.tau = dynamics.time_constants(inputs)
        self.relaxed = np.zeros(dynamics.size, dtype=bool)
        for p, population in dynamics.populations.items():
            for state in population.model.relaxed:
                self.relaxed[dynamics.slices[Name(p, state)]] = True

    def take(self, rows: Any) -> System:
        """The equations of some rows."""
        part = copy(self)
        part.__dict__.pop("flow", None)
        if isinstance(self.dynamics, Ensemble):
            part.dynamics = self.dynamics.take(rows)
        part.inputs = {n: v[rows] if v.ndim > 1 and len(v) > 1 else v for n, v in self.inputs.items()}
        part.tau = self.tau[rows] if self.tau.ndim > 1 and len(self.tau) > 1 else self.tau
        return part

    @cached_property
    def flow(self) -> Flow:
        """dx/dt as a function of the states."""
        return Flow(self.dynamics, self.inputs)

    def residual(self, x: np.ndarray) -> np.ndarray:
        """τ dx/dt, in the units of the states."""
        return self.tau * self.flow(x)

    def sizes(self, x: np.ndarray) -> np.ndarray:
        """Largest residual of each row, relative to the largest state or 1; infinite where the equations are not finite."""
        sizes = np.abs(self.residual(x)).max(axis=-1) / extent(x)
        return np.where(np.isfinite(sizes), sizes, np.inf)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """Derivative of `residual` by the states, (rows, size, size)."""
        return self.tau[..., None] * self.dynamics.jacobian(x, self.inputs)

    def newton_step(self, x: np.ndarray, residual: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Newton's step for the states with the indices ``free`` (all), NaN where there is none."""
        matrix = self.jacobian(x)
        if free is None:
            return solve(matrix, -residual)
        step = np.zeros_like(x)
        step[:, free] = solve(matrix[:, free[:, None], free], -residual[:, free])
        return step

    def eigenvalues(self, x: np.ndarray, k: int | None = None) -> np.ndarray:
        """Eigenvalues of the linearised circuit, (rows, size) in 1/s, the leading one first; NaN where it is not finite.

        Of a circuit with delays, as many of the leading ones; with ``k``, no more than so many.
        """
        parts = self.dynamics.derivatives(x, self.inputs, self.dynamics.slices)
        finite = np.all([np.isfinite(part).all(axis=(-2, -1)) for part in parts.values()], axis=0)
        values = np.full(x.shape, np.nan, dtype=complex)
        if set(parts) == {0.0}:
            values[finite] = np.linalg.eigvals(parts[0.0][finite])
        else:
            for row in np.flatnonzero(finite):
                values[row] = characteristic_roots({d: part[row] for d, part in parts.items()})
        return leading_first(values)[:, :k]

    def leading(self, x: np.ndarray) -> np.ndarray:
        """Real part of the leading eigenvalue, (rows,) in 1/s; NaN where it is not known."""
        return self.eigenvalues(x, 1)[:, 0].real


def leading_first(values: np.ndarray) -> np.ndarray:
    """Eigenvalues (rows, k) sorted by their real parts, the largest first; of a pair, the one with positive frequency."""
    return np.take_along_axis(values, np.lexsort((-values.imag, -values.real)), axis=-1)


def extent(x: np.ndarray) -> np.ndarray:
    """The largest state of each row, or 1 if that is larger: what residuals are compared with."""
    return np.maximum(1.0, np.abs(x).max(axis=-1))


def solve(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Solutions of linear systems (rows, n, n); NaN for those that have none."""
    try:
        return np.linalg.solve(matrices, vectors[..., None])[..., 0]
    except np.linalg.LinAlgError:  # some matrix is singular
        if len(matrices) == 1:
            return np.full_like(vectors, np.nan)
        half = len(matrices) // 2
        return np.concatenate([solve(matrices[:half], vectors[:half]), solve(matrices[half:], vectors[half:])])
