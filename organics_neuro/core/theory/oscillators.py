"""The normalized steady state as coupled damped oscillators, and an energy that falls along trajectories near it.

With identity recurrence the two-type circuit, linearised around its steady state (y, a), is q̈ + B q̇ + K q = 0 in the coordinates
q = 2 √a tau_y δy/y, with K = D[√a/(tau_y tau_a)] and B = D[√a/tau_y] + D[1/tau_a] (I - W D[y²]). B is a nonsingular M-matrix,
so that there are positive weights d for which D[d] B + Bᵀ D[d] is positive definite: the energy ½ Σ d (q̇² + K q²) never rises
(Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.theory.fixed_point import solve
from organics_neuro.core.theory.problems import pose

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from organics_neuro.core.boundary import Values
    from organics_neuro.core.circuits import AnyCircuit


@dataclass(frozen=True)
class Oscillators:
    """Coupled damped oscillators, q̈ + damping q̇ + stiffness q = 0: one for each unit that is active.

    Attributes
    ----------
    units : ndarray of int, shape (active,)
        Which units are active (y is not 0); the others decouple and decay without oscillation.
    stiffness : ndarray, shape (active,), in 1/s²
    damping : ndarray, shape (active, active), in 1/s
    weights : ndarray, shape (active,)
        Positive weights d of the units in the energy.
    """

    units: np.ndarray
    stiffness: np.ndarray
    damping: np.ndarray
    weights: np.ndarray

    @property
    def natural_frequency(self) -> np.ndarray:
        """Frequency of each oscillator without damping and coupling, √stiffness/2π, (active,) in Hz."""
        return np.sqrt(self.stiffness) / (2 * np.pi)

    @property
    def damping_ratio(self) -> np.ndarray:
        """Damping of each oscillator by its own velocity relative to critical damping, (active,): below 1 it oscillates."""
        return np.diag(self.damping) / (2 * np.sqrt(self.stiffness))

    @property
    def modes(self) -> np.ndarray:
        """Eigenvalues of the coupled oscillators, (2 active,) complex in 1/s, the leading one first."""
        n = len(self.stiffness)
        companion = np.block([[np.zeros((n, n)), np.eye(n)], [-np.diag(self.stiffness), -self.damping]])
        values = np.linalg.eigvals(companion)
        return values[np.lexsort((-values.imag, -values.real))]


def oscillators(circuit: AnyCircuit, z: Values = None) -> Oscillators:
    """The circuit at its steady state in the form of coupled damped oscillators.

    Parameters
    ----------
    circuit : Circuit
        Of the model "two_type", with identity recurrence.
    z : array_like or dict, optional
        Input of shape (units,).

    Returns
    -------
    Oscillators

    Raises
    ------
    ValueError
        For another model, other recurrence, or an input with trials.

    Examples
    --------
    >>> import organics_neuro as on
    >>> found = on.theory.oscillators(on.Circuit("two_type", size=1, tau_a=2e-3), [0.2])
    >>> found.natural_frequency.round(2), found.damping_ratio.round(3)
    (array([26.61]), array([0.466]))
    """
    return _oscillators(_Normalized(circuit, z))


def energy(circuit: AnyCircuit, z: Values = None, state: Mapping[str, ArrayLike] | None = None) -> Any:
    """Energy of states near the steady state of the circuit; it is 0 there and does not rise along trajectories close by.

    V = ½ Σ d_i [4 a*^(3/2) tau_y/(tau_a y*²) (y - y*)² + (a y² - b² z²)²/y*⁴] over the active units: a weighted error of y, plus
    one of the statement that a y² is the squared drive. To first order it is the energy of `Oscillators`.

    Parameters
    ----------
    circuit : Circuit
        Of the model "two_type", with identity recurrence.
    z : array_like or dict, optional
        Input of shape (units,).
    state : dict, optional
        States ``y`` and ``a``, each (..., units), such as a whole trajectory; where the circuit starts by default.

    Returns
    -------
    float or ndarray of shape (...)
        Without a unit.

    Raises
    ------
    ValueError
        As for `oscillators`.
    """
    here = _Normalized(circuit, z)
    found, dynamics = _oscillators(here), circuit.dynamics
    given = dynamics.resolve_states("state", state, here.inputs)
    y, a = given["y"][..., found.units], given["a"][..., found.units]
    rest, squared = here.take(found.units), here.drive[found.units] ** 2
    error = 4 * rest.a**1.5 * rest.tau_y / (rest.tau_a * rest.y**2) * (y - rest.y) ** 2
    value = (found.weights * (error + (a * y**2 - squared) ** 2 / rest.y**4)).sum(axis=-1) / 2
    return value if value.ndim else float(value)


class _Normalized:
    """The steady state and the parameters of a two-type circuit with identity recurrence, each (units,)."""

    def __init__(self, circuit, z):
        check_circuit(circuit)
        if not isinstance(circuit, Circuit) or circuit.model.name != "two_type":
            name = circuit.model.name if isinstance(circuit, Circuit) else "a joined circuit"
            raise ValueError(f"oscillators and energy are known for the model 'two_type', not for {name!r}")
        if not circuit.weights["W_r"].is_identity:
            raise ValueError(
                "oscillators and energy are known for identity recurrence; W_r of this circuit is another matrix"
            )
        problem = pose(circuit, z)
        if problem.shape:
            raise ValueError("oscillators and energy are those of one input: give z of shape (units,)")
        point, _ = solve(problem)
        self.inputs, self.pool = problem.inputs, circuit.weights["W"].to_dense()
        self.y, self.a = point.state["y"], point.state["a"]
        self.tau_y, self.tau_a, b = (self._value(circuit, name) for name in ("tau_y", "tau_a", "b"))
        self.drive = b * problem.inputs["z"]

    def _value(self, circuit, name):
        return np.broadcast_to(self.inputs.get(name, circuit.parameters[name]), (circuit.size,))

    def take(self, units):
        """The same for some units."""
        part = object.__new__(_Normalized)
        part.__dict__.update({name: getattr(self, name)[units] for name in ("y", "a", "tau_y", "tau_a", "drive")})
        part.pool = self.pool[np.ix_(units, units)]
        return part


def _oscillators(here):
    units = np.flatnonzero(here.y)
    part = here.take(units)
    root = np.sqrt(part.a)
    damping = np.diag(root / part.tau_y) + (np.eye(len(units)) - part.pool * part.y**2) / part.tau_a[:, None]
    ones = np.ones(len(units))
    weights = np.linalg.solve(damping.T, ones) / np.linalg.solve(damping, ones) if len(units) else ones
    return Oscillators(units, root / (part.tau_y * part.tau_a), damping, weights)
