"""Trajectories: how far the states of a circuit are from 0 while it reads sequences."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import theory
from organics_neuro.core.boundary import input_sequences, known_name, positive_int
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.experiments.drawing import axes, curves, shade
from organics_neuro.experiments.protocol import chunks
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, state: str | None = None, ax: Any = None):
    """Length of the vector of a state against time, one curve for each sample.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.trajectories`, or what is left of it after a selection.
    state : str, optional
        By full name; the first by default.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    columns = [name for name in dataset.data_vars if str(name).startswith("norm_")]
    column = known_name("variable", columns[0] if state is None and columns else f"norm_{state}", columns)
    lines = curves(dataset[column], "step")
    ax = axes(ax)
    for curve in lines:
        ax.plot(curve.step, curve, color=shade(0, 1), lw=0.8, alpha=max(0.1, 1 / len(lines) ** 0.5))
    ax.set(xlabel="step", ylabel=f"length of {str(column).removeprefix('norm_')}", title=dataset.attrs.get("title", ""))
    return ax


@experiment(
    "Trajectories",
    axes={
        "sample": ("sample", "1"),
        "step": ("step of the input", "1"),
        "linearised_step": ("step at which the circuit is linearised", "1"),
    },
    columns={"leading": ("real part of the leading eigenvalue", "1/s")},
    source="Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946",
    figure="7",
    engine={"dt": STEP_TIME},
    plot=draw,
)
def trajectories(
    circuit: Any,
    x: ArrayLike,
    engine: Any = "reference",
    *,
    eigenvalues_every: int | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """How far the states of a circuit are from 0 while it reads input sequences.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        With one input, such as `organics_neuro.transfer.to_circuit` gives.
    x : array_like, shape (samples, steps, inputs)
        One input vector per step.
    engine : str or Engine
        A simulator. Its step is 1 ms by default, and should be that of ``to_circuit``.
    eigenvalues_every : int, optional
        Linearise the circuit every so many steps around the state that it visits, with the input of that step held.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``norm_y`` (and one variable for each other state) with the axes sample and step: length of the vector of all
        units, at the start and after each step. With ``eigenvalues_every`` also ``leading``, as in
        `leading_eigenvalues`, with the axes sample and linearised_step.
    """
    name, x = input_sequences(check_circuit(circuit), x, axis="samples")
    if eigenvalues_every is not None:
        positive_int("eigenvalues_every", eigenvalues_every)
    samples, steps = x.shape[:2]
    visited = np.arange(0, steps, eigenvalues_every) if eigenvalues_every else np.arange(0)
    norms = {state: np.empty((samples, steps + 1)) for state in circuit.states}
    leading = np.empty((samples, len(visited)))
    for part in chunks(samples, progress):
        trace = engine.simulate(circuit, {name: x[part].swapaxes(0, 1)}, steps * getattr(engine, "dt", STEP_TIME))
        for state, values in trace.items():
            norms[state][part] = np.linalg.norm(values, axis=-1).T
        for k, step in enumerate(visited):
            at = {state: values[step] for state, values in trace.items()}
            found: Any = theory.eigenvalues(circuit, {name: x[part, step]}, at)
            leading[part, k] = found[:, 0].real
    variables = {f"norm_{state}": (("sample", "step"), value) for state, value in norms.items()}
    dataset = xr.Dataset(variables, coords={"step": np.arange(steps + 1)})
    if eigenvalues_every:
        dataset = dataset.assign(leading=(("sample", "linearised_step"), leading), linearised_step=visited)
    return dataset
