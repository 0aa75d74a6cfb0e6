"""Trained feedback networks: make them, train what they read out, and find all that they settle at.

A network is a circuit of the model "feedback" with a loop of rank one, ``W_loop = LowRank(m, n/units)``. It is trained to
answer its constant ``drive`` with a constant output, which comes back through m.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from organics_neuro.core.boundary import known_name, number, optional_seed, positive_int
from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.memory import check_memory
from organics_neuro.core.operators import LowRank
from organics_neuro.core.theory.fixed_point import fixed_point
from organics_neuro.core.theory.mean_field import Overlaps, Statistics, calibrate
from organics_neuro.core.theory.stability import jacobian

__all__ = ["Attractors", "RecursiveLeastSquares", "attractors", "network", "outlier", "overlaps", "train"]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


#: An Euler step of FORCE as a part of tau, the steps between two updates, and how close the output must come in the end.
STEP, EVERY, _REACHED = 0.1, 2, 1e-3
#: Steps of descent on the squared error, and where it has arrived.
_DESCENTS, _ARRIVED = 1000, 1e-10
#: Iterations of the potentials at a given output, which contract, and what counts as no change.
_SETTLING, _SETTLED = 500, 1e-13
#: Outputs at which a search for fixed points begins, and how many of them are settled together.
_PLACES = 120


def network(
    n: int = 500,
    statistics: Statistics | None = None,
    *,
    readout: tuple[float, float, float] | None = None,
    target: float = 1.0,
    seed: int | None = None,
    tau_v: Any = 10e-3,
) -> Circuit:
    """A random network: bulk, feedback, drive and, if asked for, a readout along given directions.

    Parameters
    ----------
    n : int
        Number of units.
    statistics : Statistics, optional
        Of bulk, feedback and drive; see `organics_neuro.theory.mean_field`.
    readout : (p, p_m, p_i), optional
        What n has of the direction that m and the drive share, and of those that each has alone; scaled such that the mean
        field has ``target`` among its fixed points. Without it n is 0: `train` finds one.
    target : float
    seed : int, optional
    tau_v : float or Brian2 quantity

    Returns
    -------
    Circuit
        Of the model "feedback"; ``W_out`` reads n out.

    Examples
    --------
    >>> import organics_neuro as on
    >>> trained = on.feedback.train(on.feedback.network(200, seed=0), target=1.0)
    >>> on.feedback.attractors(trained).z.round(6).tolist()
    [1.0]
    """
    statistics, n = Statistics() if statistics is None else statistics, positive_int("n", n)
    check_memory(f"a bulk of {n} units", 3 * 8.0 * n * n, "use fewer units")
    random = np.random.default_rng(optional_seed(seed))
    bulk = statistics.g * random.normal(size=(n, n)) / np.sqrt(n)
    shared, of_m, of_i = random.normal(size=(3, n))
    alone = np.sqrt(1 - statistics.rho**2)
    m = statistics.sigma_m * (statistics.rho * shared + alone * of_m)
    drive = statistics.sigma_i * (statistics.rho * shared + alone * of_i)
    w = np.zeros(n)
    if readout is not None:
        p, p_m, p_i = readout
        _, c = calibrate(statistics, target, p, p_m, p_i)
        w = c * (p * shared + p_m * of_m + p_i * of_i) / n
    return Circuit("feedback", {"W": bulk, "W_loop": LowRank(m, w), "W_out": w[None]}, drive=drive, tau_v=tau_v)


def train(
    circuit: Circuit,
    target: float,
    rule: str = "least_squares",
    *,
    updates: int = 200,
    seed: int | None = 0,
) -> Circuit:
    """Train what a network reads out, such that its output at rest is ``target``.

    Parameters
    ----------
    circuit : Circuit
        Of the model "feedback", or one of one's own with its weights and the parameter ``drive``; the loop of rank one.
    target : float
    rule : {"least_squares", "force", "gradient"}
        "least_squares": the shortest n that gives the target while the loop carries the target itself. "force": recursive
        least squares while the loop is closed, from a random state (Sussillo & Abbott 2009); the result depends on that
        state. "gradient": descent on the squared error, through the fixed point of the closed loop, from a silent readout.
    updates : int
        Of "force".
    seed : int, optional
        Of the state from which "force" starts.

    Returns
    -------
    Circuit
        With another readout; all else is the same.

    Raises
    ------
    ConvergenceError
        If the output is not at the target after training.
    ValueError
        For a circuit without a loop of rank one, an unknown rule, a target that is not finite.
    """
    m, _ = check_loop(circuit)
    target = number("target", target, "a number", lambda v: True)
    rules = {"least_squares": _least_squares, "force": _force, "gradient": _gradient}
    found = rules[known_name("rule", rule, rules)](circuit, m, target, positive_int("updates", updates), seed)
    trained, (start, w) = _with_readout(circuit, m, found[1]), found
    reached = float(w @ np.tanh(_rest(trained, start)))
    if not abs(reached - target) < _REACHED:
        raise ConvergenceError(
            f"the rule {rule!r} did not reach the target {target:g}: the output is {reached:g}; give another seed, more "
            "updates, or another rule"
        )
    return trained


class RecursiveLeastSquares:
    """Weights that are fitted while rates come in, one update after the other (Sussillo & Abbott, Neuron 63, 2009).

    Parameters
    ----------
    n : int
        Number of weights, which start at 0.
    target : float
        What weights times rates are to be.

    Attributes
    ----------
    weights : ndarray, shape (n,)
    inverse : ndarray, shape (n, n)
        Of the correlations of the rates so far, plus the identity.
    """

    def __init__(self, n: int, target: float):
        self.weights, self.target = np.zeros(n), target
        self.inverse = np.eye(n)

    def update(self, rates: np.ndarray) -> float:
        """Take in the rates (n,) of a moment; returns the error before the update."""
        error = float(self.weights @ rates) - self.target
        seen = self.inverse @ rates
        seen_of_all = seen / (1 + rates @ seen)
        self.inverse -= np.outer(seen_of_all, seen)
        self.weights -= error * seen_of_all
        return error


def force_start(n: int, seed: int | None) -> np.ndarray:
    """The state (n,) from which the rule "force" begins."""
    return np.random.default_rng(optional_seed(seed)).normal(size=n)


# --- rules: each returns a state near which the trained network rests, and n/units ----------------------------------


def _least_squares(circuit, m, target, updates, seed):
    opened = _opened(circuit, m)
    v = fixed_point(opened, {"z": m * target}).state["v"]
    rates = np.tanh(v)
    return v, target * rates / (rates @ rates)


def _force(circuit, m, target, updates, seed):
    opened, tau = _opened(circuit, m), float(np.min(circuit.parameters["tau_v"]))
    flow, v = opened.dynamics.flow, force_start(circuit.size, seed)
    learner = RecursiveLeastSquares(circuit.size, target)
    for step in range(1, EVERY * updates + 1):
        output = learner.weights @ np.tanh(v)
        v = v + STEP * tau * flow(v, opened.dynamics.resolve_inputs({"z": m * output}))
        if step % EVERY == 0:
            learner.update(np.tanh(v))
    return v, learner.weights


def _gradient(circuit, m, target, updates, seed):
    v, w = np.zeros(circuit.size), np.zeros(circuit.size)
    for _ in range(_DESCENTS):
        closed = _with_readout(circuit, m, w)
        v = _rest(closed, v)
        rates = np.tanh(v)
        error = w @ rates - target
        if abs(error) < _ARRIVED:
            break
        matrix = -np.reshape(circuit.parameters["tau_v"], (-1, 1)) * jacobian(closed, None, {"v": v})
        through_loop = (w * (1 - rates**2)) @ np.linalg.solve(matrix, m)
        w = w - error * rates * (1 + through_loop) / circuit.size
    return v, w


def _opened(circuit, m):
    return _with_readout(circuit, m, np.zeros(circuit.size))


def _with_readout(circuit, m, w):
    return circuit.replace({"W_loop": LowRank(m, w), "W_out": w[None]})


def _rest(circuit, near):
    return fixed_point(circuit, guess={"v": near}).state["v"]


def check_loop(circuit: Circuit) -> tuple[np.ndarray, np.ndarray]:
    """m and n/units of a network; `ValueError` for what is none."""
    if not isinstance(check_circuit(circuit), Circuit) or not {"W", "W_loop", "W_out"} <= {
        *circuit.model.weights,
        *circuit.model.optional_weights,
    }:
        raise ValueError(
            "a feedback network is a circuit of the model 'feedback'; make one with organics_neuro.feedback.network"
        )
    loop = circuit.weights["W_loop"]
    if not isinstance(loop, LowRank) or loop.left.shape[1] != 1:
        raise ValueError(f"the loop must be LowRank(m, n) with one pattern each, got W_loop = {loop!r}")
    return loop.left[:, 0], loop.right[:, 0]


# --- what a trained network does ------------------------------------------------------------------------------------


def overlaps(circuit: Circuit) -> Overlaps:
    """How the readout of a network lies in it, from which the mean field predicts its fixed points.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.feedback.train(on.feedback.network(400, seed=1), target=2.0)
    >>> mf = on.theory.mean_field
    >>> len(mf.closed_loop(mf.Statistics(), on.feedback.overlaps(circuit))), len(on.feedback.attractors(circuit))
    (3, 3)
    """
    m, w = check_loop(circuit)
    return Overlaps(float(w @ m), float(w @ np.broadcast_to(circuit.parameters["drive"], circuit.size)))


class Attractors(NamedTuple):
    """All fixed points of a network with a loop of rank one, in the order of z.

    Attributes
    ----------
    z : ndarray, shape (points,)
        Outputs.
    stable : ndarray of bool, shape (points,)
        Whether the loop gives back less than it gets, at a frequency of 0; with a bulk below chaos this decides.
    state : ndarray, shape (points, units)
    """

    z: np.ndarray
    stable: np.ndarray
    state: np.ndarray

    def __len__(self) -> int:
        return len(self.z)


def attractors(circuit: Circuit, z: Any = None) -> Attractors:
    """All fixed points of a trained network, stable or not, by its output: one equation of one unknown.

    At a given output the potentials have one steady state if the bulk is not too strong; its readout is the output again at
    the fixed points.

    Parameters
    ----------
    circuit : Circuit
    z : array_like, shape (units,), optional
        Input beside the drive.

    Raises
    ------
    ConvergenceError
        If potentials do not settle at a given output: the bulk is too strong.
    """
    m, w = check_loop(circuit)
    bulk = circuit.weights["W"]
    given = circuit.dynamics.resolve_inputs(z)["z"] + circuit.parameters["drive"]

    def settle(outputs):
        v = received = np.multiply.outer(outputs, m) + given
        for _ in range(_SETTLING):
            following = bulk.apply(np.tanh(v)) + received
            change, v = np.abs(following - v).max(), following
            if change < _SETTLED * max(1.0, np.abs(v).max()):
                return v
        raise ConvergenceError(
            "the potentials do not settle at a given output: the bulk W is too strong; use organics_neuro.theory.fixed_points"
        )

    def excess(outputs):
        return np.tanh(settle(outputs)) @ w - outputs

    bound = 1.001 * np.abs(w).sum() + 1e-9  # rates are at most 1
    # the output hardly moves where all units are saturated: places lie closer near 0
    places = bound * np.sinh(np.linspace(-4.003, 4, _PLACES)) / np.sinh(4)
    values = excess(places)
    found = np.array(
        [
            brentq(lambda o: float(excess(np.array([o]))[0]), left, right, xtol=1e-12, rtol=1e-12)
            for left, right, a, b in zip(places, places[1:], values, values[1:], strict=False)
            if a * b < 0 or a == 0
        ]
    )
    step = 1e-4
    falling = (excess(found + step) - excess(found - step)) / (2 * step) < 0
    return Attractors(found, falling, settle(found))


def outlier(circuit: Circuit, v: np.ndarray) -> float:
    """The eigenvalue that the loop adds to the bulk, at potentials ``v``, in units of 1/tau: below 1 the point is stable.

    The solution λ of λ = nᵀ D (1 - W D/λ)⁻¹ m/units, with D the slopes 1 - tanh²(v), which is exact; the largest real one that
    is found. It is the leading eigenvalue of the network, if the edge of the bulk does not lead.

    Parameters
    ----------
    circuit : Circuit
    v : ndarray, shape (units,)
        A fixed point.

    Raises
    ------
    ConvergenceError
        If there is none beyond the bulk: then its edge leads.
    """
    m, w = check_loop(circuit)
    slopes = 1 - np.tanh(np.asarray(v, float)) ** 2
    matrix = circuit.weights["W"].to_dense() * slopes
    value = float((w * slopes) @ m)
    for _ in range(50):  # Newton's method for 1 = nᵀ D (λ - W D)⁻¹ m/units
        resolvent = np.linalg.inv(value * np.eye(len(m)) - matrix)
        response = resolvent @ m
        gain, fall = (w * slopes) @ response, (w * slopes) @ (resolvent @ response)
        change = (1 - 1 / gain) * gain**2 / fall  # of 1/gain, which is nearly linear
        value += change
        if not abs(change) > 1e-13:
            break
    edge = np.sqrt((matrix**2).mean(axis=0).sum())
    if abs(change) < 1e-12 and abs(value) > edge:
        return value
    raise ConvergenceError(
        "the loop adds no eigenvalue beyond the bulk, whose edge leads; see organics_neuro.theory.eigenvalues"
    )
