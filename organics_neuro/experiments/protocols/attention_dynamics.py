"""Dynamics of attention: how responses follow a field of gains that comes on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.units import seconds
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.protocol import (
    Stimulus,
    above_zero,
    held,
    in_steps,
    long_name,
    most_driven,
    name_among,
    pattern,
    scaled,
    time_step,
)
from organics_neuro.experiments.protocols.attention import gain_field, gain_names
from organics_neuro.experiments.registry import experiment

#: Part of the response below which a change is none.
_CHANGE = 1e-3
#: Milliseconds before attention comes at which the plot begins.
_BEFORE = 20.0


def draw(dataset: xr.Dataset, ax: Any = None):
    """The response against time, one curve for each contrast, relative to that before attention.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.attention_dynamics`, or what is left of it after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, values = axes(ax), dataset["response"] / dataset["before"]
    times = values.assign_coords(time=1e3 * values.time)
    draw_curves(ax, times, "time", parameters={"latency": 1e3 * dataset["latency"]}, note=": {latency:.1f} ms")
    for line in ax.get_lines():
        line.set_marker("")
    ax.axvline(0, color="0.6", lw=1, ls="--")
    ax.set(
        xlabel="time after attention comes (ms)",
        ylabel="response/response before",
        title=dataset.attrs.get("title", ""),
        xlim=(-_BEFORE, None),
    )
    near = times.sel(time=times.time >= -_BEFORE)
    low, high = float(near.min()), float(near.max())
    ax.set_ylim(low - 0.05 * (high - low) - 1e-3, high + 0.05 * (high - low) + 1e-3)
    legend(ax, title="time to half of the change", title_fontsize="small")
    return ax


@experiment(
    "Dynamics of attention",
    axes={"contrast": ("stimulus contrast", "1"), "time": ("time after attention comes", "s")},
    columns={
        "before": ("response before attention", "1"),
        "after": ("response at the end", "1"),
        "latency": ("time to half of the change", "s"),
        "peak": ("largest distance from the response before/the change at the end", "1"),
    },
    engine={"duration": 0.4, "dt": 1e-4},
    source=(
        "Reynolds & Heeger (2009), The normalization model of attention, Neuron 61:168-185; Denison, Carrasco & Heeger "
        "(2021), A dynamic normalization model of temporal attention, Nature Human Behaviour 5:1674-1685"
    ),
    plot=draw,
)
def attention_dynamics(
    circuit: Any,
    contrasts: ArrayLike,
    engine: Any = "reference",
    *,
    strength: float = 2.0,
    field: float = np.inf,
    gains: Sequence[str] = ("b",),
    delay: Any = 0.2,
    signal: str | None = None,
    angle: float = 180.0,
    stimulus: Stimulus = None,
) -> xr.Dataset:
    """Show a stimulus, wait until the circuit rests, and let attention multiply its gains.

    Parameters
    ----------
    circuit : Circuit
    contrasts : array_like, shape (contrasts,)
        Above 0.
    engine : str or Engine
        A simulator; its duration is the time after attention comes.
    strength, field, gains
        As for `attention`.
    delay : float or Brian2 quantity
        Seconds of the stimulus before attention comes.
    signal : str, optional
        The output or state that is the response, by full name; the first output by default.
    angle, stimulus
        As for `contrast_response`.

    Returns
    -------
    xarray.Dataset
        ``response`` (contrast, time) of the unit that the stimulus drives most, from the delay before to the end, and over
        contrast: ``before`` and ``after``; ``latency``, the time to half of the change; ``peak``, above 1 where the
        response overshoots. Both are NaN where attention changes the response by less than 0.1 % in the end.
    """
    levels, wait = above_zero(contrasts), seconds("delay", delay)
    multiplier, gains = gain_field(circuit, strength, field, angle), gain_names(gains, circuit)
    known = {**circuit.dynamics.channels, **circuit.states}
    name = name_among("signal", signal, known)
    shown, kept = pattern(circuit, stimulus, angle), held(circuit, stimulus)
    dt = time_step(engine, circuit)
    rest, width = float(engine.filled(duration=0.4).duration), circuit.size * len(levels)
    before, after = in_steps("delay", wait, dt, width), in_steps("duration", rest, dt, width)
    attended = np.arange(before + after) >= before
    inputs = {**kept, **scaled(shown, levels)}
    for gain in gains:
        usual = np.broadcast_to(kept.get(gain, circuit.parameters[gain]), (circuit.size,))
        over = usual * np.where(attended[:, None], multiplier, 1.0)
        inputs[gain] = np.broadcast_to(over[:, None], (len(over), len(levels), circuit.size))
    trace = engine.simulate(circuit, inputs, (before + after) * dt, record=[name])[name]
    unit = most_driven(circuit, shown, name, np.abs(trace[-1]).max(axis=0))
    response, time = trace[..., unit].T, (np.arange(before + after + 1) - before) * dt
    described = [_describe(time[before:], each[before:]) for each in response]
    facts = {"long_name": long_name(name), "units": "1"}
    variables: dict[str, Any] = {"response": (("contrast", "time"), response, facts)}
    variables |= {key: ("contrast", [each[key] for each in described]) for key in described[0]}
    dataset = xr.Dataset(variables, coords={"contrast": levels, "time": time})
    return dataset.assign_attrs(signal=name, measured_unit=unit, gains=", ".join(gains))


def _describe(time: np.ndarray, response: np.ndarray) -> dict[str, float]:
    """How a response gets from where it was to where it ends."""
    moved = response - response[0]
    change = moved[-max(2, len(moved) // 20) :].mean()
    facts = {"before": float(response[0]), "after": float(response[0] + change), "latency": np.nan, "peak": np.nan}
    if abs(change) < _CHANGE * max(abs(response[0]), 1e-300):
        return facts
    part = moved / change
    first = int(np.argmax(part >= 0.5))
    step = (0.5 - part[first - 1]) / (part[first] - part[first - 1])
    return {**facts, "latency": float(time[first - 1] + step * (time[1] - time[0])), "peak": float(part.max())}
