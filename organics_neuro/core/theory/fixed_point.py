"""Steady states of a circuit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import Values, number
from organics_neuro.core.circuits import AnyCircuit, Circuit, check_circuit
from organics_neuro.core.dynamics import deliver
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.theory.solvers import (
    constant_inputs,
    each_trial,
    newton,
    relax,
    settle,
    trials,
)


@dataclass(frozen=True)
class FixedPoint:
    """A steady state of a circuit.

    Attributes
    ----------
    state : dict of ndarray
        Each state by its full name, shape (units,), or (trials, units) if the input has trials.
    residual : float or ndarray of shape (trials,)
        Largest ``|tau dx/dt|`` over the units, in the units of the state (``|dx/dt|`` where a state has no time
        constant).
    converged : bool or ndarray of shape (trials,)
        Whether the residual is within the tolerance; where it is not, ``state`` is not a steady state.
    iterations : int or ndarray of shape (trials,)
        Steps of the solver; 0 for a closed form.
    """

    state: dict[str, np.ndarray]
    residual: float | np.ndarray
    converged: bool | np.ndarray
    iterations: int | np.ndarray


def fixed_point(
    circuit: AnyCircuit, z: Values = None, guess: Mapping[str, ArrayLike] | None = None, tol: float = 1e-10
) -> FixedPoint:
    """The steady state that a circuit reaches with a constant input.

    The closed form that the model declares is used where it holds (the two-type circuit with identity recurrence).
    Otherwise a fixed point is searched by, in this order, the iteration of Rawat, Heeger & Martiniani 2024 (for
    models that declare ``relaxed`` states), Newton's method from the circuit's initial states, and implicit Euler
    steps that follow the circuit from there; each is polished by Newton's method. The first stable point found is
    returned, or else an unstable one: `is_stable` tells.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like or dict, optional
        Input of shape (units,) or (trials, units); a dictionary by name if the circuit has several. Default 0.
    guess : dict, optional
        States from which Newton's method starts instead, each (units,) or (trials, units), to find other fixed
        points, stable or not. States not named start where the circuit starts.
    tol : float
        Largest residual that counts as converged, relative to the largest state or 1, whichever is larger.

    Returns
    -------
    FixedPoint

    Raises
    ------
    ValueError
        For an input or a guess of a wrong name or shape, or that is not finite; for ``tol`` that is not above 0.

    Warns
    -----
    ConvergenceWarning
        If no fixed point was found.

    Examples
    --------
    >>> import organics_neuro as on
    >>> on.theory.fixed_point(on.Circuit("two_type", size=1), [1.0]).state["a"]
    array([0.2525])
    """
    dynamics = check_circuit(circuit).dynamics
    tol = number("tol", tol, "a number larger than 0", lambda t: t > 0)
    inputs = constant_inputs(dynamics, z)
    start = dynamics.resolve_states("guess", guess, inputs)
    shape = trials(inputs, start)
    x, iterations = dynamics.pack(start, shape), np.zeros(shape, dtype=int)
    with np.errstate(all="ignore"):  # a trial step may leave the domain of the equations; solvers then shorten it
        if guess is None and _closed_form_holds(circuit):
            x = dynamics.pack(_closed_form(circuit, inputs), shape)
        else:
            for trial, system in each_trial(dynamics, inputs, shape):
                found = newton(system, x[trial]) if guess is not None else _search(system, x[trial], tol)
                x[trial], iterations[trial] = found
        residual = np.abs(dynamics.time_constants(inputs) * dynamics.flow(x, inputs)).max(axis=-1)
    converged = residual <= tol * np.maximum(1.0, np.abs(x).max(axis=-1))
    _warn(residual, converged, tol)
    return FixedPoint(dynamics.unpack(x), _plain(residual), _plain(converged), _plain(iterations))


def _closed_form_holds(circuit):
    """Whether the model's closed form is the steady state: one population, and the weights it names are the identity."""
    form = isinstance(circuit, Circuit) and circuit.model.closed_form
    return bool(form) and all(circuit.weights[name].is_identity for name in form.identity)


def _closed_form(circuit, inputs):
    """The states that the closed form of the model gives."""
    form, known, states = circuit.model.closed_form, dict(inputs), {}
    for c in form.couplings:
        known[c.target] = deliver(circuit.weights[c.weights], circuit.dynamics.evaluate(None, c.source, {}, inputs))
    for state, text in form.states.items():
        value = np.asarray(circuit.dynamics.evaluate(None, text, {}, known))
        known[state] = states[state] = np.broadcast_to(value, (*value.shape[:-1], circuit.size))
    return states


def _search(system, start, tol):
    """A fixed point, stable if one is found: tries one way after the other until it has a stable one."""
    ways = [lambda: (start, 0), lambda: settle(system, start)]
    if system.relaxed.any():
        ways = [lambda: relax(system, start), *ways, lambda: relax(system, start, step=0.5)]
    tried = []
    for way in ways:
        x, before = way()
        x, after = newton(system, x)
        size = system.size(x)
        if size <= tol and system.is_stable(x):
            return x, before + after
        tried.append((max(size, tol), x, before + after))
    return min(tried, key=lambda found: found[0])[1:]


def _warn(residual, converged, tol):
    if not np.all(converged):
        where = f" in {np.sum(~converged)} of {converged.size} trials" if converged.ndim else ""
        warnings.warn(
            f"no fixed point found{where}: the residual is {np.max(residual):.3g}, the tolerance {tol:g}. The circuit "
            "may have no steady state for this input; simulate it to see, or give another guess={state: values}",
            ConvergenceWarning,
            stacklevel=3,
        )


def _plain(value):
    return value.item() if value.ndim == 0 else value
