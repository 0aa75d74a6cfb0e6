"""Perturbed recurrence: how far random recurrence leads from normalization, and where the circuit slows down."""

import warnings
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import theory
from organics_neuro.core.boundary import check_seed, flag, known_name, number, positive_int, shown
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.units import real_numbers
from organics_neuro.core.weights import random_recurrence
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, quantity: str = "departure", ax: Any = None):
    """Departure from normalization, or the slowest time constant, against the strength: each network and their median.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.perturbed_recurrence`.
    quantity : {"departure", "first_order", "slowness"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    shown_ = {
        "departure": "distance from normalization",
        "first_order": "error of the first-order prediction",
        "slowness": "slowest time constant (ms)",
    }
    known_name("quantity", quantity, shown_)
    stable = dataset["leading"].where(dataset["leading"] < 0)
    values = 1e3 / np.abs(stable) if quantity == "slowness" else dataset[quantity]
    ax, values = axes(ax), values.transpose("strength", "sample")
    ax.plot(values.strength, values, ".", ms=4, color=shade(1, 2))
    ax.plot(values.strength, values.median("sample"), "-", color=shade(0, 2), label="median")
    if np.isfinite(onset := dataset.attrs.get("onset", np.nan)):
        ax.axvline(onset, color="black", lw=1, ls="--", label="normalization breaks down")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="strength of the random recurrence",
        ylabel=shown_[quantity],
        title=dataset.attrs.get("title", ""),
    )
    legend(ax)
    return ax


@experiment(
    "Perturbed recurrence",
    axes={"strength": ("strength of the random recurrence", "1"), "sample": ("random network", "1")},
    columns={
        "departure": ("distance from the normalized state, relative to its length", "1"),
        "first_order": ("distance from the first-order prediction, relative to the length of the state", "1"),
        "leading": ("real part of the leading eigenvalue", "1/s"),
        "converged": ("whether a fixed point was found", "1"),
    },
    source="Morone et al. (2026), PNAS 123(30) e2601841123",
    plot=draw,
)
def perturbed_recurrence(
    circuit: Any,
    strengths: ArrayLike,
    *,
    length: float = 0.05,
    localized: bool = False,
    symmetric: bool = True,
    samples: int = 4,
    seed: int = 0,
    state: str = "y",
    weights: str = "W_r",
) -> xr.Dataset:
    """Add random numbers to identity recurrence and compare the fixed point with the normalized one.

    Parameters
    ----------
    circuit : Circuit
        With recurrent weights; they are replaced by the identity plus random numbers of standard deviation
        strength/sqrt(units), see `organics_neuro.weights.random_recurrence`.
    strengths : array_like, shape (strengths,)
        Above 0, in rising order.
    length : float
        Of the input, the root of its sum of squares.
    localized : bool
        Whether one unit has all of the input; all have the same by default.
    symmetric : bool
        Whether the random recurrence is symmetric.
    samples : int
        Number of random networks; each keeps its numbers, scaled by the strength.
    seed : int
    state : str
        Which is compared.
    weights : str
        Name of the recurrent weights.

    Returns
    -------
    xarray.Dataset
        Over strength and sample: ``departure``, ``first_order``, ``leading`` and ``converged``; NaN where no fixed point
        was found. The first-order prediction is the derivative of the fixed point by the strength. The attribute ``onset``
        is where the normalized state loses its consistency for symmetric recurrence and a uniform pool: the gate
        1 - sqrt(a) times the largest eigenvalue 1 + sqrt(2) strength is 1.
    """
    if not isinstance(circuit, Circuit):
        raise TypeError(f"circuit must be one Circuit, got {type(circuit).__name__}")
    known_name("weights", weights, circuit.weights)
    known_name("state", state, circuit.states)
    steps = real_numbers("strengths", strengths)
    if steps.ndim != 1 or not steps.size or not (steps > 0).all() or (np.diff(steps) <= 0).any():
        raise ValueError(f"strengths must be numbers above 0 in rising order, got {shown(strengths)}")
    count, n = positive_int("samples", samples), circuit.size
    size = number("length", length, "a number above 0", lambda v: v > 0)
    z, driven = np.zeros(n), 1 if flag("localized", localized) else n
    z[:driven] = size / np.sqrt(driven)
    rng = np.random.default_rng(check_seed(seed))
    added = [random_recurrence(n, 1.0, symmetric, rng).to_dense() - np.eye(n) for _ in range(count)]

    def strong(strength: float, change: np.ndarray) -> Circuit:
        return circuit.replace(weights={weights: np.eye(n) + strength * change})

    normalized = theory.fixed_point(strong(0.0, added[0]), z)
    slopes = [_slope(circuit, strong, change, z, normalized.state, state) for change in added]
    base = normalized.state[state]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the dataset says where no fixed point was found
        every = [strong(strength, change) for strength in steps for change in added]
        point = theory.fixed_point(every, z)
        leading = theory.eigenvalues(every, z, {k: np.nan_to_num(v) for k, v in point.state.items()}, k=1)[:, 0].real
    found = point.state[state].reshape(len(steps), count, n)
    predicted = base + steps[:, None, None] * np.array(slopes)
    converged = np.asarray(point.converged).reshape(len(steps), count)
    columns = {
        "departure": np.linalg.norm(found - base, axis=-1) / np.linalg.norm(base),
        "first_order": np.linalg.norm(found - predicted, axis=-1) / np.linalg.norm(base),
        "leading": leading.reshape(len(steps), count),
    }
    variables = {name: (("strength", "sample"), np.where(converged, v, np.nan)) for name, v in columns.items()}
    coordinates = {"strength": steps, "sample": np.arange(count)}
    facts = {"length": size, "localized": str(localized), "symmetric": str(symmetric), "seed": seed}
    dataset = xr.Dataset(variables, coords=coordinates, attrs=facts)
    dataset.attrs["onset"] = _onset(circuit, normalized.state, symmetric and not localized)
    return dataset.assign(converged=(("strength", "sample"), converged))


def _slope(circuit: Circuit, strong: Any, change: np.ndarray, z: np.ndarray, at: dict, state: str) -> np.ndarray:
    """Derivative of the normalized state by the strength, -J⁻¹ ∂f/∂s; the recurrence enters the equations by its product."""
    small = 1e-6
    dynamics = circuit.dynamics
    x = dynamics.pack(at)
    inputs = dynamics.resolve_inputs(z)
    sides = [strong(sign * small, change).dynamics.flow(x, inputs) for sign in (1, -1)]
    moved = -np.linalg.solve(theory.jacobian(strong(0.0, change), z, at), (sides[0] - sides[1]) / (2 * small))
    return moved[dynamics.slices[state]]


def _onset(circuit: Circuit, normalized: dict, known: bool) -> float:
    """The strength at which (1 - sqrt(a)) (1 + sqrt(2) strength) = 1 for the largest sqrt(a); NaN where it is not known."""
    if not known or not circuit.model.name.startswith("two_type"):
        return np.nan
    root = float(np.sqrt(normalized["a"].max()))
    return root / (np.sqrt(2) * (1 - root)) if root < 1 else np.nan
