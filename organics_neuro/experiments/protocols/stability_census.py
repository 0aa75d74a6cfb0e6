"""Stability census: random circuits of one model, and how many of their fixed points are stable."""

import warnings
from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core import theory
from organics_neuro.core.boundary import check_seed, number, positive_int
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.memory import check_memory
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, bins: int = 60, ax: Any = None):
    """A histogram of leading eigenvalues, relative to the slowest time constant, on an axis that shows small ones.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.stability_census`.
    bins : int
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, values = axes(ax), np.ravel(dataset["leading"].values)
    values = values[np.isfinite(values)]
    if values.size:
        largest = np.abs(values).max()
        edges = np.sinh(np.linspace(-np.arcsinh(largest), np.arcsinh(largest), bins))
        ax.hist(values[values < 0], edges, color=shade(0, 2), label=f"stable: {(values < 0).sum()}")
        ax.hist(values[values >= 0], edges, color=shade(1, 2), label=f"unstable: {(values >= 0).sum()}")
    ax.axvline(0, color="black", lw=1, ls="--")
    missing = int((~dataset["converged"]).sum())
    ax.set(
        xscale="symlog",
        xlabel="real part of the leading eigenvalue (1/s)",
        ylabel="random circuits",
        title=dataset.attrs.get("title", "") + (f" ({missing} without a fixed point)" if missing else ""),
    )
    legend(ax)
    return ax


@experiment(
    "Stability census",
    axes={"sample": ("random circuit", "1")},
    columns={
        "leading": ("real part of the leading eigenvalue", "1/s"),
        "frequency": ("frequency of the leading mode", "Hz"),
        "converged": ("whether a fixed point was found", "1"),
        "stable": ("whether the fixed point is stable", "1"),
    },
    source="Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946: stability for all parameters with identity recurrence",
    plot=draw,
)
def stability_census(
    circuit: Any,
    samples: int = 1000,
    *,
    spread: float = 10.0,
    sparsity: float = 0.5,
    scale: float = 1.0,
    seed: int = 0,
) -> xr.Dataset:
    """Draw circuits of the model of a circuit at random, and linearise each around its fixed point.

    Parameters above 0 are drawn log-uniformly, each unit its own, within a factor ``spread`` of those of the circuit.
    Weights that the model declares as not negative are drawn from an exponential distribution, and a part of them is 0;
    other weights stay as they are. Inputs are normal.

    Parameters
    ----------
    circuit : Circuit
    samples : int
    spread : float
        Largest factor between a parameter and that of the circuit, at least 1.
    sparsity : float
        Part of the weights that is 0, from 0 to 1.
    scale : float
        Standard deviation of the inputs.
    seed : int

    Returns
    -------
    xarray.Dataset
        Over sample: ``leading``, ``frequency``, ``converged`` and ``stable``. NaN where no fixed point was found: some
        circuits have none.
    """
    if not isinstance(circuit, Circuit):
        raise TypeError(f"circuit must be one Circuit, got {type(circuit).__name__}")
    count, wide = positive_int("samples", samples), number("spread", spread, "1 or larger", lambda s: s >= 1)
    empty = number("sparsity", sparsity, "a part from 0 to 1", lambda p: 0 <= p <= 1)
    width = number("scale", scale, "a number above 0", lambda s: s > 0)
    drawn = sum(float(np.prod(circuit.weights[name].shape)) for name in _nonnegative(circuit))
    numbers = drawn + circuit.size * len(circuit.parameters)
    check_memory(f"a census of {count:.3g} circuits of {circuit.size} units", 8 * count * numbers, "draw fewer")
    rng = np.random.default_rng(check_seed(seed))
    circuits = [_random(circuit, rng, wide, empty) for _ in range(count)]
    inputs = {name: width * rng.normal(size=(count, n)) for name, n in circuit.inputs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the dataset says where no fixed point was found
        point = theory.fixed_point(circuits, inputs)
        states = {name: np.nan_to_num(value) for name, value in point.state.items()}
        leading = theory.eigenvalues(circuits, inputs, states, k=1)[:, 0]
    converged = np.ravel(point.converged)
    leading = np.where(converged, leading, complex(np.nan, np.nan))
    variables = {
        "leading": ("sample", leading.real),
        "frequency": ("sample", np.abs(leading.imag) / (2 * np.pi)),
        "converged": ("sample", converged),
        "stable": ("sample", leading.real < 0),
    }
    facts = {"spread": wide, "sparsity": empty, "scale": width, "seed": seed}
    return xr.Dataset(variables, coords={"sample": np.arange(count)}, attrs=facts)


def _random(circuit: Circuit, rng: np.random.Generator, spread: float, sparsity: float) -> Circuit:
    """A circuit of the same model with other parameters and weights."""
    changes: dict[str, Any] = {}
    for name, value in circuit.parameters.items():
        if (np.asarray(value) > 0).all():
            factor = np.exp(rng.uniform(-np.log(spread), np.log(spread), circuit.size))
            changes[name] = np.broadcast_to(value, (circuit.size,)) * factor
    weights = {}
    for name in _nonnegative(circuit):
        shape = circuit.weights[name].shape
        weights[name] = rng.exponential(size=shape) * (rng.uniform(size=shape) >= sparsity)
    return circuit.replace(weights=weights, **changes)


def _nonnegative(circuit: Circuit) -> list[str]:
    """Weights that must not be negative, which are drawn."""
    return sorted({c.weights for c in circuit.model.couplings if c.nonnegative} & set(circuit.weights))
