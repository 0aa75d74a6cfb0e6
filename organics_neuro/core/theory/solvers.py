"""Solvers of τ dx/dt = 0 for one circuit and one input; states are packed into one vector."""

import numpy as np

from organics_neuro.core.names import Name
from organics_neuro.core.theory.delays import characteristic_roots

_ROUNDING = 8 * np.finfo(float).eps
#: Where `relax` and `settle` stop, which Newton's method follows; and how long the three go on at most.
_NEAR = 1e-6
_NEWTON_ITERATIONS, _RELAX_ITERATIONS, _SETTLE_ITERATIONS = 50, 60, 1000


class System:
    """The equations τ dx/dt = 0 of a circuit at one input.

    Parameters
    ----------
    dynamics : organics_neuro.core.dynamics.Dynamics
    inputs : dict of ndarray
        Every input, each of shape (units,).

    Attributes
    ----------
    tau : ndarray, shape (size,)
        Time constant of each equation in seconds, 1 where the model has none.
    relaxed : ndarray of bool, shape (size,)
        Where the states lie that the models declare as ``relaxed``.
    """

    def __init__(self, dynamics, inputs):
        self.dynamics, self.inputs = dynamics, inputs
        self.tau = dynamics.time_constants(inputs)
        self.relaxed = np.zeros(dynamics.size, dtype=bool)
        for p, population in dynamics.populations.items():
            for state in population.model.relaxed:
                self.relaxed[dynamics.slices[Name(p, state)]] = True

    def residual(self, x):
        """τ dx/dt, in the units of the states."""
        return self.tau * self.dynamics.flow(x, self.inputs)

    def size(self, x):
        """Largest residual, relative to the largest state or 1; infinite where the equations are not finite."""
        size = np.abs(self.residual(x)).max() / max(1.0, np.abs(x).max())
        return size if np.isfinite(size) else np.inf

    def jacobian(self, x):
        """Derivative of `residual` by the states."""
        return self.tau[:, None] * self.dynamics.jacobian(x, self.inputs)

    def is_stable(self, x):
        """Whether every eigenvalue of the linearised circuit has a negative real part."""
        parts = self.dynamics.derivatives(x, self.inputs, self.dynamics.slices)
        finite = all(np.isfinite(part).all() for part in parts.values())
        return bool(finite and characteristic_roots(parts).real.max() < 0)


def constant_inputs(dynamics, z):
    """Inputs by name, each (units,) or (trials, units), of a ``z`` that users give."""
    inputs = dynamics.resolve_inputs(z)
    for name, value in inputs.items():
        if value.ndim > 2:
            raise ValueError(
                f"{name} has shape {value.shape}, but a steady state needs a constant input: (units,) or (trials, units)"
            )
    return inputs


def trials(inputs, states):
    """The leading axes (trials,) or () of inputs and states together."""
    arrays = {**inputs, **states}
    try:
        return np.broadcast_shapes(*(value.shape[:-1] for value in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in arrays.items() if value.ndim > 1)
        raise ValueError(f"inputs and states differ in their number of trials: {shapes}") from None


def each_trial(dynamics, inputs, shape):
    """Pairs (index, `System`), one for each trial; the only index is () if ``shape`` is ()."""
    full = {name: np.broadcast_to(value, (*shape, value.shape[-1])) for name, value in inputs.items()}
    for trial in np.ndindex(shape):
        yield trial, System(dynamics, {name: value[trial] for name, value in full.items()})


def newton(system, x, free=None):
    """Newton's method with line search, down to rounding error or as far as it gets.

    Parameters
    ----------
    system : System
    x : ndarray, shape (size,)
    free : ndarray of int, optional
        Indices of the states to solve for, with their equations; the others are held.

    Returns
    -------
    x : ndarray
    iterations : int
    """
    free = np.arange(x.size) if free is None else free
    residual, matrix = system.residual(x)[free], system.jacobian(x)
    for k in range(_NEWTON_ITERATIONS):
        size = np.linalg.norm(residual)
        if not size > _ROUNDING * max(1.0, np.abs(x).max()):
            return x, k
        step = _solve(matrix[np.ix_(free, free)], -residual)
        for fraction in 0.5 ** np.arange(11):
            trial = x.copy()
            trial[free] += fraction * step
            residual = system.residual(trial)[free]
            if np.linalg.norm(residual) < (1 - fraction / 2) * size:
                matrix = system.jacobian(trial)
                if np.isfinite(matrix).all():
                    break
        else:
            return x, k
        x = trial
    return x, _NEWTON_ITERATIONS


def relax(system, x, step=1.0):
    """Alternate between the equilibrium of the other states and an update of the relaxed ones.

    With the relaxed states a held, the others are solved for (exactly, where their equations are linear); then
    a <- a + step tau_a da/dt. For the two-type circuit and a full step this is the iteration of Rawat, Heeger &
    Martiniani 2024, as in their public code: y = (I - D[1 - sqrt(a)] W_r)⁻¹ bz, then a = σ²b0² + W (a y²). A shorter
    step also finds points from which the full step runs away.

    Returns
    -------
    x : ndarray, shape (size,)
    iterations : int
    """
    others = np.flatnonzero(~system.relaxed)
    for k in range(_RELAX_ITERATIONS):
        x, _ = newton(system, x, free=others)
        change = np.where(system.relaxed, system.residual(x), 0.0)
        x = x + step * change
        if not np.abs(change).max() > _NEAR:
            return x, k + 1
    return x, _RELAX_ITERATIONS


def settle(system, x):
    """Follow the circuit to where it settles: implicit Euler steps that grow as the residual falls.

    Pseudo-transient continuation with switched evolution relaxation (Kelley & Keyes 1998): the first steps resolve
    the transient, the last ones are Newton's. A circuit that keeps oscillating keeps the steps small.

    Returns
    -------
    x : ndarray, shape (size,)
    iterations : int
    """
    residual, matrix = system.residual(x), system.jacobian(x)
    fastest = max(np.linalg.norm(matrix / system.tau[:, None], 1), 1 / system.tau.min())
    scale = 0.1 * np.linalg.norm(residual) / fastest
    for k in range(_SETTLE_ITERATIONS):
        size = np.linalg.norm(residual)
        if not size > _NEAR * max(1.0, np.abs(x).max()):
            return x, k
        trial = x + _solve(np.diag(system.tau * size / scale) - matrix, residual)
        derivative = system.jacobian(trial)
        if np.isfinite(derivative).all():
            x, residual, matrix = trial, system.residual(trial), derivative
        else:
            scale /= 4
    return x, _SETTLE_ITERATIONS


def _solve(matrix, vector):
    """Solution of a linear system; NaN if there is none."""
    try:
        return np.linalg.solve(matrix, vector)
    except np.linalg.LinAlgError:
        return np.full_like(vector, np.nan)
