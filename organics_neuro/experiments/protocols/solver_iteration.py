"""Solver iteration: how fast the iteration of normalizers and principal units arrives at the fixed point."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core import theory
from organics_neuro.core.boundary import Values
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, ax: Any = None):
    """The distance to the fixed point against the iteration: each sample, their mean and the largest.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.solver_iteration`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, names = axes(ax), [str(name) for name in dataset.data_vars if str(name).startswith("error_")]
    for k, name in enumerate(names):
        values, color = dataset[name].transpose("iteration", "sample"), shade(k, len(names))
        ax.plot(values.iteration, values, color=color, lw=0.5, alpha=max(0.1, 1 / values.sizes["sample"] ** 0.5))
        ax.plot(values.iteration, values.mean("sample"), "o-", ms=3, color=color, label=f"{name[6:]}, mean")
        if values.sizes["sample"] > 1:
            ax.plot(values.iteration, values.max("sample"), "--", lw=1, color=color, label=f"{name[6:]}, largest")
    ax.set(
        yscale="log",
        xlabel="iteration",
        ylabel="distance to the fixed point",
        title=dataset.attrs.get("title", ""),
        ylim=(max(1e-17, 0.1 * _smallest(dataset, names)), None),
    )
    ax.xaxis.get_major_locator().set_params(integer=True)
    legend(ax)
    return ax


def _smallest(dataset: xr.Dataset, names: list[str]) -> float:
    values = np.concatenate([np.ravel(dataset[name].values) for name in names])
    return float(values[values > 0].min(initial=1.0))


@experiment(
    "Solver iteration",
    axes={"iteration": ("iteration", "1"), "sample": ("sample", "1")},
    columns={
        "residual": ("largest time constant times rate of change of a state", "1"),
        "stable": ("whether the fixed point is stable", "1"),
    },
    source="Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946",
    figure="4",
    plot=draw,
)
def solver_iteration(
    circuit: Any, inputs: Values, iterations: int = 20, *, step: float = 1.0, guess: Any = None
) -> xr.Dataset:
    """Follow the iteration of `organics_neuro.theory.iteration`, and how far it is from the fixed point.

    Parameters
    ----------
    circuit : Circuit, JoinedCircuit or sequence of these
        Several circuits of one model, such as random ones, are samples, each with its own input.
    inputs : array_like or dict
        Samples of input (samples, units), by name if the circuit has several.
    iterations : int
    step, guess
        As for `organics_neuro.theory.iteration`.

    Returns
    -------
    xarray.Dataset
        Over iteration and sample: ``error_y`` and one for each other state, the length of the vector from the fixed point
        that `organics_neuro.theory.fixed_point` finds, and ``residual``; over sample: ``stable``.

    Warns
    -----
    ConvergenceWarning
        If a fixed point was not found.
    """
    several = isinstance(circuit, Sequence)
    found = theory.iteration(circuit, inputs, iterations, guess, step=step)
    point = theory.fixed_point(circuit, inputs)
    samples = np.size(found.residual[0])
    variables: dict[str, Any] = {"residual": (("iteration", "sample"), found.residual.reshape(-1, samples))}
    for name, value in found.state.items():
        error = np.linalg.norm(value - point.state[name], axis=-1).reshape(-1, samples)
        facts = {"long_name": f"distance of {name} to the fixed point", "units": "1"}
        variables[f"error_{name}"] = (("iteration", "sample"), error, facts)
    stable = np.ravel(theory.is_stable(circuit, inputs, {k: np.nan_to_num(v) for k, v in point.state.items()}))
    dataset = xr.Dataset(variables, coords={"iteration": np.arange(len(found)), "sample": np.arange(samples)})
    dataset = dataset.assign(stable=("sample", stable & np.ravel(point.converged)))
    if several:
        models = [population.model for population in circuit[0].populations.values()]
        cited = "; ".join(dict.fromkeys(model.citation for model in models if model.citation))
        dataset.attrs = {"circuit": f"{len(circuit)} circuits, the first {circuit[0]!r}", "citation": cited}
    return dataset
