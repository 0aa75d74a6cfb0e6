"""Step response: how a circuit follows a stimulus that comes on, and how much faster it is at high contrast."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import check_index
from organics_neuro.core.circuits import check_circuit
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.protocol import (
    Stimulus,
    above_zero,
    held,
    long_name,
    most_driven,
    name_among,
    pattern,
    scaled,
    time_step,
)
from organics_neuro.experiments.registry import experiment

#: A response overshoots if its peak is higher than where it settles by this fraction.
_OVERSHOOT = 1e-3
#: Fraction of the trace, at its end, whose mean is where the response settles.
_END = 0.1


def draw(dataset: xr.Dataset, ax: Any = None):
    """The response against time, one curve for each contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.step_response`, or what is left of it after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    values, ax = dataset["response"], axes(ax)
    times = values.assign_coords(time=1e3 * values.time)
    draw_curves(ax, times, "time", parameters={"latency": 1e3 * dataset["latency"]}, note=": {latency:.1f} ms")
    for line in ax.get_lines():
        line.set_marker("")
    last = _interesting(dataset)
    ax.set(
        xlabel="time after the onset of the stimulus (ms)",
        ylabel=f"{values.attrs.get('long_name', 'response')} (normalized)",
        title=dataset.attrs.get("title", ""),
        xlim=(0, 1e3 * last),
    )
    legend(
        ax,
        loc="upper right",
        ncols=2 if len(ax.get_lines()) > 4 else 1,
        title="time to half of the response",
        title_fontsize="small",
    )
    return ax


def _interesting(dataset: xr.Dataset) -> float:
    """The time until which something happens: later, all responses are within 1 % of where they settle."""
    values, time = dataset["response"], dataset["time"].values
    moves = np.abs(values - dataset["steady"]) > 0.01 * np.abs(dataset["steady"])
    moving = moves.any([d for d in moves.dims if d != "time"]).values
    return float(time[min(np.flatnonzero(moving)[-1] + 2, len(time) - 1)]) if moving.any() else float(time[-1])


@experiment(
    "Step response",
    axes={"contrast": ("stimulus contrast", "1"), "time": ("time after the onset of the stimulus", "s")},
    columns={
        "steady": ("where the response settles", "1"),
        "latency": ("time to half of where the response settles", "s"),
        "overshoot": ("largest response/where it settles", "1"),
        "time_to_peak": ("time to the largest response", "s"),
        "settled": ("whether the response had come to rest", "1"),
    },
    engine={"duration": 0.5, "dt": 1e-4},
    source=(
        "Carandini, Heeger & Movshon (1997), Linearity and normalization in simple cells of the macaque primary visual "
        "cortex, Journal of Neuroscience 17:8621-8644"
    ),
    plot=draw,
)
def step_response(
    circuit: Any,
    contrasts: ArrayLike,
    engine: Any = "reference",
    *,
    signal: str | None = None,
    unit: int | None = None,
    angle: float = 180.0,
    stimulus: Stimulus = None,
) -> xr.Dataset:
    """Show a stimulus to a circuit at rest and follow its response.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
        Above 0.
    engine : str or Engine
        A simulator. Its duration should be several of the slowest time constants; a step that is too large makes
        overshoots of its own with "euler".
    signal : str, optional
        The state or output that is the response, by full name; the first state by default.
    unit : int, optional
        By default the one that the stimulus drives most.
    angle, stimulus
        As for `contrast_response`.

    Returns
    -------
    xarray.Dataset
        ``response`` (contrast, time) of one unit, minus what it is at rest, and over contrast: ``steady``, its mean over the last
        tenth; ``latency``, the time to half of that; ``overshoot``, the largest response as a multiple of it;
        ``time_to_peak``, NaN without an overshoot; and ``settled``, whether the end drifts by less than 1 %.
    """
    contrasts = above_zero(contrasts)
    known = {**check_circuit(circuit).states, **circuit.dynamics.channels}
    name = name_among("signal", signal, known)
    shown, kept = pattern(circuit, stimulus, angle), held(circuit, stimulus)
    dark = {key: np.zeros_like(value) for key, value in shown.items()}
    length = getattr(engine, "duration", None)  # theory has none
    quiet = engine if length is None else engine.filled(window=_END * length)
    rest = quiet.settle(circuit, dark | kept)
    start = {key: value[0] for key, value in rest.states.items()}
    found = engine.simulate(circuit, scaled(shown, contrasts) | kept, initial=start, record=[name])[name]
    best = most_driven(circuit, shown, name, np.abs(found[-1] - found[0]).max(axis=0))
    measured = check_index("unit", best if unit is None else unit, found.shape[-1], "units")
    trace = found[..., measured].T - found[0, :, measured][:, None]
    time = np.arange(trace.shape[1]) * time_step(engine, circuit)
    variables = {"response": (("contrast", "time"), trace, {"long_name": long_name(name), "units": "1"})}
    described = [_describe(time, response) for response in trace]
    variables |= {key: ("contrast", [each[key] for each in described]) for key in described[0]}
    dataset = xr.Dataset(variables, coords={"contrast": contrasts, "time": time})
    return dataset.assign_attrs(signal=name, measured_unit=measured)


def _describe(time: np.ndarray, response: np.ndarray) -> dict[str, float | bool]:
    last = response[-max(2, round(_END * len(response))) :]
    steady, half = last.mean(), len(last) // 2
    if steady < 0:  # a response that falls is described as one that rises
        return {**_describe(time, -response), "steady": float(steady)}
    overshoot = response.max() / steady if steady else np.nan
    above = np.flatnonzero(response >= steady / 2)
    first = above[0] if len(above) and steady else 0
    latency = np.nan
    if first > 0:
        part = (steady / 2 - response[first - 1]) / (response[first] - response[first - 1])
        latency = time[first - 1] + part * (time[first] - time[first - 1])
    peaks = overshoot > 1 + _OVERSHOOT
    return {
        "steady": float(steady),
        "latency": float(latency),
        "overshoot": float(overshoot),
        "time_to_peak": float(time[response.argmax()]) if peaks else np.nan,
        "settled": bool(abs(last[half:].mean() - last[:half].mean()) <= 0.01 * abs(steady)),
    }
