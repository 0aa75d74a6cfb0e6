"""Reverse correlation: which gratings, and how long ago, a unit's response goes with."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import check_index, check_seed, positive_int
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.units import seconds
from organics_neuro.experiments.drawing import axes
from organics_neuro.experiments.protocol import (
    AngleStimulus,
    contrast,
    gratings,
    in_steps,
    long_name,
    name_among,
    time_step,
)
from organics_neuro.experiments.registry import experiment

#: Angles that are shown at most.
_ANGLES = 18


def draw(dataset: xr.Dataset, ax: Any = None):
    """The kernel as an image: angle against time before the response.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.reverse_correlation`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, kernel = axes(ax), dataset["kernel"].transpose("angle", "lag")
    largest = float(np.abs(kernel).max()) or 1.0
    how = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest, "shading": "nearest", "rasterized": True}
    mesh = ax.pcolormesh(1e3 * kernel.lag, kernel.angle, kernel, **how)
    ax.figure.colorbar(mesh, ax=ax, label="response, from its mean")
    ax.set(
        xlabel="time after the grating (ms)",
        ylabel="angle of the grating (degrees)",
        title=dataset.attrs.get("title", ""),
        yticks=range(0, 361, 90),
    )
    return ax


@experiment(
    "Reverse correlation",
    axes={"lag": ("time after the onset of the grating", "s"), "angle": ("angle of the grating", "degree")},
    columns={
        "kernel": ("mean response at a time after each grating, minus the mean of all", "1"),
        "strength": ("standard deviation of the kernel over angles", "1"),
        "tuning": ("kernel at the time at which it is strongest", "1"),
    },
    engine={"dt": 5e-4},
    source=(
        "Ringach, Hawken & Shapley (1997), Dynamics of orientation tuning in macaque primary visual cortex, Nature "
        "387:281-284"
    ),
    plot=draw,
)
def reverse_correlation(
    circuit: Any,
    engine: Any = "reference",
    *,
    strength: float = 0.5,
    angles: ArrayLike | None = None,
    stimulus: AngleStimulus = None,
    signal: str | None = None,
    unit: int | None = None,
    frame: Any = 20e-3,
    lags: Any = 0.1,
    frames: int = 100,
    sequences: int = 32,
    seed: int = 0,
) -> xr.Dataset:
    """Show gratings in a random order, and average the response after each of them.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    engine : str or Engine
        A simulator; sequences are its trials.
    strength : float
        Contrast of the gratings.
    angles : array_like, optional
        Degrees on the circle of preferred angles; up to 18 all around it by default.
    stimulus : callable, optional
        As for `orientation_tuning`.
    signal : str, optional
        The state or output that is the response, by full name; the first output by default.
    unit : int, optional
        By default the one in the middle of the circuit.
    frame, lags : float or Brian2 quantity
        Seconds for which each grating is shown, and up to which the kernel goes.
    frames, sequences, seed : int
        Gratings in each sequence, number of sequences, and what makes their order.

    Returns
    -------
    xarray.Dataset
        ``kernel`` (lag, angle), ``strength`` (lag) and ``tuning`` (angle).
    """
    dynamics: Any = check_circuit(circuit).dynamics
    known = {**dynamics.channels, **circuit.states}
    name = name_among("signal", signal, known)
    shown, each = gratings(circuit, angles, stimulus)
    if angles is None and len(shown) > _ANGLES:
        keep = np.arange(_ANGLES) * len(shown) // _ANGLES
        shown, each = shown[keep], {key: value[keep] for key, value in each.items()}
    level, dt = contrast("strength", strength), time_step(engine, circuit)
    count, rows = positive_int("frames", frames), positive_int("sequences", sequences)
    numbers = count * rows * sum(value.shape[-1] for value in each.values())
    width = in_steps("frame", seconds("frame", frame), dt, numbers, least=1)
    reach = in_steps("lags", seconds("lags", lags), width * dt, 1, least=1)  # in frames
    if count <= 2 * reach:
        raise ValueError(f"frames = {count} must be more than twice the {reach} frames that lags reach back")
    order = np.random.default_rng(check_seed(seed)).integers(len(shown), size=(count, rows))
    inputs = {key: level * np.repeat(value[order], width, axis=0) for key, value in each.items()}
    trace = engine.simulate(circuit, inputs, count * width * dt, record=[name])[name]
    measured = check_index("unit", trace.shape[-1] // 2 if unit is None else unit, trace.shape[-1], "units")
    kernel = _kernel(trace[..., measured], order, width, reach, len(shown))
    spread = kernel.std(axis=1)
    variables = {
        "kernel": (("lag", "angle"), kernel),
        "strength": ("lag", spread),
        "tuning": ("angle", kernel[spread.argmax()]),
    }
    coordinates = {"lag": np.arange(len(kernel)) * dt, "angle": shown}
    facts = {"signal": name, "response": long_name(name), "measured_unit": measured, "contrast": level, "seed": seed}
    return xr.Dataset(variables, coords=coordinates).assign_attrs({**facts, "best_lag": float(spread.argmax() * dt)})


def _kernel(trace: np.ndarray, order: np.ndarray, width: int, reach: int, angles: int) -> np.ndarray:
    """Mean response (lags, angles) after the onset of each angle, minus that after all, of trace (steps + 1, rows)."""
    first = reach  # gratings before which the circuit has forgotten how it started
    onsets = np.arange(first, len(order) - reach)
    kernel = np.empty((reach * width, angles))
    for lag in range(reach * width):
        values, which = trace[onsets * width + lag], order[onsets]
        sums, counts = (np.bincount(which.ravel(), w, angles) for w in (values.ravel(), None))
        with np.errstate(invalid="ignore", divide="ignore"):
            kernel[lag] = sums / counts - values.mean()
    return kernel
