"""Ways to a solution of τ dx/dt = 0, each for several rows at once; rows that are done, or lost, stay where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from organics_neuro.core.theory.systems import extent, solve

if TYPE_CHECKING:
    from organics_neuro.core.theory.systems import System

_ROUNDING = 8 * np.finfo(float).eps
#: Where `relax` and `settle` stop, which Newton's method follows; and how long the three go on at most.
_NEAR = 1e-6
_NEWTON_ITERATIONS, _RELAX_ITERATIONS, _SETTLE_ITERATIONS = 50, 60, 200
#: How often Newton's method halves a step; once where the residual is at the level of rounding errors anyway.
_HALVINGS, _SMALL = 11, 1e-11


class Found(NamedTuple):
    """Where a solver arrived.

    Attributes
    ----------
    x : ndarray, shape (rows, size)
    iterations : ndarray of int, shape (rows,)
    direct : ndarray of bool, shape (rows,)
        Whether no step had to be shortened.
    """

    x: np.ndarray
    iterations: np.ndarray
    direct: np.ndarray


def newton(system: System, x: np.ndarray, free: np.ndarray | None = None, detours: bool = True) -> Found:
    """Newton's method with line search, down to rounding error or as far as it gets.

    Parameters
    ----------
    system : System
    x : ndarray, shape (rows, size)
    free : ndarray of int, optional
        Indices of the states to solve for, with their equations; the others are held.
    detours : bool
        Whether a row goes on after a step that had to be shortened.
    """
    x, chosen = x.copy(), slice(None) if free is None else free
    iterations, direct = np.zeros(len(x), dtype=int), np.ones(len(x), dtype=bool)
    active, here = np.arange(len(x)), system
    residual = system.residual(x)
    for _ in range(_NEWTON_ITERATIONS):
        size = np.linalg.norm(residual[:, chosen], axis=1)
        going = size > _ROUNDING * extent(x[active])  # not where it is NaN
        active, here, residual, size = _keep(going, active, here, residual, size)
        if not active.size:
            break
        step = here.newton_step(x[active], residual, free)
        moved, new, residual, shortened = _search_line(here, x[active], step, size, chosen, _HALVINGS if detours else 1)
        direct[active] &= ~(shortened & (size > _SMALL * extent(x[active])))
        moved &= direct[active] | detours
        iterations[active[moved]] += 1
        x[active[moved]] = new[moved]
        active, here, residual = _keep(moved, active, here, residual)
    return Found(x, iterations, direct)


def _keep(mask, active, system, *arrays):
    """The rows that go on, their equations and arrays."""
    if mask.all():
        return active, system, *arrays
    return active[mask], system.take(np.flatnonzero(mask)), *(a[mask] for a in arrays)


def _search_line(system, x, step, size, chosen, halvings):
    """Halve each step until the residual falls: which rows moved, to where, the residuals there, and which were shortened."""
    fraction, new, residual = np.ones(len(x)), x + step, np.full_like(x, np.nan)
    moved, shortened = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
    trying, here = np.flatnonzero(np.isfinite(step).all(axis=1)), system
    shortened[~np.isfinite(step).all(axis=1)] = True
    for halving in range(halvings):
        here = system if len(trying) == len(x) else system.take(trying)
        new[trying] = x[trying] + fraction[trying, None] * step[trying]
        residual[trying] = here.residual(new[trying])
        falls = np.linalg.norm(residual[trying][:, chosen], axis=1) < (1 - fraction[trying] / 2) * size[trying]
        moved[trying[falls]] = True
        trying = trying[~falls]
        shortened[trying] = True
        trying = trying[size[trying] > _SMALL * extent(x[trying])] if halving == 0 else trying
        if not trying.size:
            break
        fraction[trying] /= 2
    return moved, new, residual, shortened


def relax(system: System, x: np.ndarray, step: float = 1.0, iterations: int = _RELAX_ITERATIONS) -> Found:
    """Alternate between the equilibrium of the other states and an update of the relaxed ones.

    With the relaxed states a held, the others are solved for (exactly, where their equations are linear); then
    a <- a + step tau_a da/dt. For the two-type circuit and a full step this is the iteration of Rawat, Heeger &
    Martiniani 2024, as in their public code: y = (I - D[1 - sqrt(a)] W_r)⁻¹ bz, then a = σ²b0² + W (a y²). A shorter
    step also finds points from which the full step runs away.
    """
    x, count = x.copy(), np.zeros(len(x), dtype=int)
    active, here = np.arange(len(x)), system
    for _ in range(iterations):
        now, change = balance(here, x[active])
        x[active], count[active] = now + step * change, count[active] + 1
        active, here = _keep(np.abs(change).max(axis=1) > _NEAR, active, here)
        if not active.size:
            break
    return Found(x, count, np.ones(len(x), dtype=bool))


def balance(system: System, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The equilibrium of the other states with the relaxed ones held, and by how much a full step changes the latter."""
    now = newton(system, x, free=np.flatnonzero(~system.relaxed)).x
    return now, np.where(system.relaxed, system.residual(now), 0.0)


def settle(system: System, x: np.ndarray) -> Found:
    """Implicit Euler steps that grow as the residual falls, for circuits too stiff to be followed explicitly.

    Pseudo-transient continuation with switched evolution relaxation (Kelley & Keyes 1998): the first steps resolve
    the transient, the last ones are Newton's. A circuit that keeps oscillating keeps the steps small.
    """
    x, count, tau = x.copy(), np.zeros(len(x), dtype=int), np.broadcast_to(system.tau, x.shape)
    active, here = np.arange(len(x)), system
    residual, matrix = system.residual(x), system.jacobian(x)
    fastest = np.maximum(np.abs(matrix / tau[..., None]).sum(axis=1).max(axis=-1), 1 / tau.min(axis=-1))
    scale = 0.1 * np.linalg.norm(residual, axis=1) / fastest
    for _ in range(_SETTLE_ITERATIONS):
        size = np.linalg.norm(residual, axis=1)
        going = size > _NEAR * extent(x[active])
        active, here, residual, matrix, scale, size = _keep(going, active, here, residual, matrix, scale, size)
        if not active.size:
            break
        inertia = (tau[active] * (size / scale)[:, None])[:, None] * np.eye(x.shape[1])
        trial = x[active] + solve(inertia - matrix, residual)
        derivative, count[active] = here.jacobian(trial), count[active] + 1
        good = np.isfinite(derivative).all(axis=(1, 2))
        x[active[good]] = trial[good]
        residual, matrix = (
            np.where(good[:, None], here.residual(trial), residual),
            np.where(good[:, None, None], derivative, matrix),
        )
        scale = np.where(good, scale, scale / 4)
    return Found(x, count, np.ones(len(x), dtype=bool))
