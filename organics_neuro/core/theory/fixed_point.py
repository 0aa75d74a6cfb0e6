"""Steady states of a circuit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import Values, number
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.flow import deliver
from organics_neuro.core.theory.problems import Circuits, Problem, pose
from organics_neuro.core.theory.search import REACHED, STABLE, UNSTABLE, Search
from organics_neuro.core.theory.solvers import newton
from organics_neuro.core.theory.systems import extent


@dataclass(frozen=True)
class FixedPoint:
    """A steady state of a circuit.

    Attributes
    ----------
    state : dict of ndarray
        Each state by its full name, shape (units,), or (trials, units) if the input has trials. Several circuits have
        an axis of circuits before these, here and in what follows.
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
    circuit: Circuits, z: Values = None, guess: Mapping[str, ArrayLike] | None = None, tol: float = 1e-10
) -> FixedPoint:
    """The steady state that a circuit reaches with a constant input.

    The closed form that the model declares is used where it holds (the two-type circuit with identity recurrence).
    Otherwise the circuit is followed from its initial states by explicit steps, until Newton's method leads from there to
    a stable point that the circuit is approaching. For a circuit that does not settle (it oscillates, or grows) other
    solvers look for a fixed point, a stable one first, and a warning says what was found.

    Trials, and circuits that share a model, are solved together, which is many times faster than one after the other.

    Parameters
    ----------
    circuit : Circuit, JoinedCircuit or sequence of these
        Several circuits must share all but weights, parameters and initial states.
    z : array_like or dict, optional
        Input of shape (units,) or (trials, units); for several circuits (units,), (circuits, units) or
        (circuits, trials, units). A dictionary by name if the circuit has several. Default 0.
    guess : dict, optional
        States from which Newton's method starts instead, with the axes of an input, to find other fixed points, stable
        or not. States not named start where the circuit starts.
    tol : float
        Largest residual that counts as converged, relative to the largest state or 1, whichever is larger.

    Returns
    -------
    FixedPoint
        For several circuits, all arrays have the axes (circuits, units) or (circuits, trials, units).

    Raises
    ------
    ValueError
        For an input or a guess of a wrong name or shape, or that is not finite; for ``tol`` that is not above 0; for
        circuits that do not share a model.

    Warns
    -----
    ConvergenceWarning
        If no fixed point was found, or one at which the circuit does not settle: the message tells which.

    Examples
    --------
    >>> import organics_neuro as on
    >>> on.theory.fixed_point(on.Circuit("two_type", size=1), [1.0]).state["a"]
    array([0.2525])
    >>> circuits = [on.Circuit("two_type", size=1, sigma=sigma) for sigma in (0.1, 0.2)]
    >>> on.theory.fixed_point(circuits, [1.0]).state["a"]
    array([[0.2525],
           [0.26  ]])
    """
    tol = number("tol", tol, "a number larger than 0", lambda t: t > 0)
    problem = pose(circuit, z, guess, "guess")
    point, rank = solve(problem, tol, from_guess=guess is not None)
    warn_of_missing(problem, point, tol)
    if guess is None:
        _warn_of_rank(problem, rank)
    return point


def solve(problem: Problem, tol: float = 1e-10, from_guess: bool = False) -> tuple[FixedPoint, np.ndarray]:
    """The fixed points of a problem, without a warning.

    Returns
    -------
    FixedPoint
    rank : ndarray of int, shape (rows,)
        What is known of each, see `organics_neuro.core.theory.search`.
    """
    x, residual = np.empty((problem.rows, problem.dynamics.size)), np.empty(problem.rows)
    iterations, rank = np.zeros(problem.rows, dtype=int), np.full(problem.rows, REACHED)
    with np.errstate(all="ignore"):  # a trial step may leave the domain of the equations; solvers then shorten it
        for rows, system, start in problem.parts():
            if from_guess:
                x[rows], iterations[rows], _ = newton(system, start)
            elif _closed_form_holds(system.dynamics):
                x[rows] = system.dynamics.pack(_closed_form(system.dynamics, system.inputs), (len(start),))
            else:
                search = Search(system, start, tol).run()
                x[rows], iterations[rows], rank[rows] = search.x, search.iterations, search.rank
            residual[rows] = np.abs(system.residual(x[rows])).max(axis=-1)
    converged = residual <= tol * extent(x)
    states = {name: problem.answer(value) for name, value in problem.dynamics.unpack(x).items()}
    answers = (_plain(problem.answer(value)) for value in (residual, converged, iterations))
    return FixedPoint(states, *answers), rank


def _closed_form_holds(dynamics):
    """Whether the model's closed form is the steady state: one population, and the weights it names are the identity."""
    population = dynamics.populations.get(None)
    form = population and population.model.closed_form
    weights = {c.key: c.weights for c in dynamics.connections}
    return bool(form) and all(weights[name].is_identity for name in form.identity)


def _closed_form(dynamics, inputs):
    """The states that the closed form of the model gives."""
    form, known, states = dynamics.populations[None].model.closed_form, dict(inputs), {}
    weights, size = {c.key: c.weights for c in dynamics.connections}, dynamics.populations[None].size
    for c in form.couplings:
        known[c.target] = deliver(weights[c.weights], dynamics.evaluate(None, c.source, {}, inputs))
    for state, text in form.states.items():
        value = np.asarray(dynamics.evaluate(None, text, {}, known))
        known[state] = states[state] = np.broadcast_to(value, (*value.shape[:-1], size))
    return states


def warn_of_missing(problem: Problem, point: FixedPoint, tol: float = 1e-10) -> None:
    """Warn if a fixed point was not found."""
    converged = np.asarray(point.converged)
    if not converged.all():
        _warn(
            f"no fixed point found{problem.places(~converged.ravel())}: the residual is {np.max(point.residual):.3g}, the "
            f"tolerance {tol:g}. The circuit may have no steady state for this input; simulate it to see, or give another "
            "guess={state: values}"
        )


def _warn_of_rank(problem, rank):
    """Warn if the circuit does not settle where a fixed point was found."""
    if (rank == UNSTABLE).any():
        _warn(
            f"the fixed point found is unstable{problem.places(rank == UNSTABLE)}: the circuit does not stay there, and no "
            "stable one was found from its initial states; simulate it to see what it does"
        )
    if (rank == STABLE).any():
        _warn(
            f"the circuit does not settle from its initial states{problem.places(rank == STABLE)}, as far as it was followed; "
            "the fixed point found is stable, but whether the circuit reaches it depends on where it starts"
        )


def _warn(text):
    warnings.warn(text, ConvergenceWarning, stacklevel=4)


def _plain(value):
    return value.item() if value.ndim == 0 else value
