"""Variability: how responses vary from trial to trial, from unit to unit together, and how contrast quenches it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import known_name, number
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.names import Name
from organics_neuro.core.stimuli import angles_around, check_contrasts, preferred
from organics_neuro.core.units import magnitude, seconds
from organics_neuro.experiments.drawing import axes, draw_curves, legend, logarithmic
from organics_neuro.experiments.fluctuations import output_and_slope, windowed_variance
from organics_neuro.experiments.protocol import (
    Stimulus,
    check_noise,
    gratings,
    held,
    most_driven,
    name_among,
    pattern,
    scaled,
    with_preferences,
)
from organics_neuro.experiments.registry import experiment

#: What the plot shows: its axis, and what is told of it.
_SHOWN = {
    "fano": ("contrast", "Fano factor of the spike count"),
    "variance": ("contrast", "variance of the state"),
    "correlation_by_angle": ("difference", "noise correlation"),
}


def draw(dataset: xr.Dataset, quantity: str = "fano", ax: Any = None):
    """One quantity of the unit that the stimulus drives most against contrast, or noise correlations against distance.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.variability`, a sweep of it, or what is left after a selection.
    quantity : {"fano", "variance", "correlation_by_angle"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    known_name("quantity", quantity, [name for name in _SHOWN if name in dataset])
    along, ylabel = _SHOWN[quantity]
    values, ax = dataset[quantity], axes(ax)
    if quantity == "variance" and "unit" in values.dims:
        values = values.isel(unit=dataset.attrs["measured_unit"])
    if along == "contrast" and float(values[along].min()) > 0:
        logarithmic(ax, values[along].values)
    draw_curves(ax, values, along)
    if quantity == "fano":
        ax.axhline(1, color="black", lw=1, ls="--", label="Poisson")
        ax.ticklabel_format(axis="y", useOffset=False)
    xlabel = "stimulus contrast" if along == "contrast" else "difference of preferred angles (degrees)"
    ax.set(xlabel=xlabel, ylabel=ylabel, title=dataset.attrs.get("title", ""))
    legend(ax)
    return ax


@experiment(
    "Variability",
    axes={
        "contrast": ("stimulus contrast", "1"),
        "unit": ("unit", "1"),
        "other": ("other unit", "1"),
        "difference": ("difference of preferred angles", "degree"),
        "preferred_angle": ("preferred angle", "degree"),
    },
    columns={
        "mean": ("mean of the state", "1"),
        "variance": ("variance of the state", "1"),
        "fano": ("variance of the spike count/its mean", "1"),
        "correlation": ("noise correlation of two units", "1"),
        "signal_correlation": ("correlation of two tuning curves", "1"),
        "correlation_by_angle": ("mean noise correlation of pairs", "1"),
        "signal_by_angle": ("mean signal correlation of pairs", "1"),
    },
    source=(
        "Churchland et al. (2010), Stimulus onset quenches neural variability: a widespread cortical phenomenon, Nature "
        "Neuroscience 13:369-378; Cohen & Kohn (2011), Measuring and interpreting neuronal correlations, Nature "
        "Neuroscience 14:811-819"
    ),
    engine={"duration": 20.0, "window": 0.1, "dt": 1e-4, "trials": 8, "transient": 0.3},
    plot=draw,
)
def variability(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "theory",
    *,
    state: str | None = None,
    output: str | None = None,
    maximum: Any = 100.0,
    time: Any = 0.1,
    angle: float = 180.0,
    stimulus: Stimulus = None,
) -> xr.Dataset:
    """Variance, Fano factor, and noise and signal correlations at several contrasts.

    Where noise comes in decides what contrast does to it: in the principal units of the two-type circuit it is
    quenched, in the normalizers it may be amplified first. The attribute ``noise`` says what was assumed.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        Under attention: sweep over a gain, ``sweep("variability", circuit, {"b": [0.5, 1]})``, or give a field of gains
        with ``stimulus={"b": field}``.
    contrasts : array_like, shape (contrasts,)
    noise : dict
        Noise by full name, as for `power_spectrum`. Correlations need noise that units share, ``Noise(..., shared=True)``.
    engine : str or Engine
        "theory" linearises around fixed points; simulators measure over time and trials.
    state : str, optional
        Whose variability, by full name; the first by default.
    output : str, optional
        The firing rate of the same units that makes spikes, by full name; the first by default.
    maximum : float or Brian2 quantity
        Spikes per second where the output is 1. Spikes are those of a Poisson process whose rate follows the output.
    time : float or Brian2 quantity
        Seconds in which spikes are counted.
    angle, stimulus
        As for `contrast_response`.

    Returns
    -------
    xarray.Dataset
        Over contrast: ``mean`` and ``variance`` (unit); ``fano`` of the unit that the stimulus drives most, NaN where it
        does not fire; ``correlation`` (unit, other). Where units have preferred angles also ``signal_correlation``
        (unit, other) of their tuning curves, and both correlations as means over pairs by ``difference``.

    Raises
    ------
    ValueError
        If there is no noise.
    """
    contrasts, window = check_contrasts("contrasts", contrasts), seconds("time", time)
    rate = number("maximum", magnitude("maximum", maximum, "hertz").tolist(), "a rate above 0", lambda r: r > 0)
    given = check_noise(noise, engine, "nothing varies")
    states: Any = check_circuit(circuit).states
    name = name_among("state", state, states)
    shown = pattern(circuit, stimulus, angle)
    inputs = scaled(shown, contrasts) | held(circuit, stimulus)
    moments, rest = engine.fluctuations(circuit, inputs, noise, name), engine.settle(circuit, inputs)
    deviation = np.sqrt(np.diagonal(moments.covariance, axis1=1, axis2=2))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = moments.covariance / (deviation[:, :, None] * deviation[:, None])
    unit = most_driven(circuit, shown, name, np.abs(moments.mean[-1]))
    own, level, slope = output_and_slope(circuit, circuit.dynamics.resolve_inputs(inputs), rest.states, name, output)
    readout = np.eye(states[name])[unit]
    counted = windowed_variance(circuit, inputs, noise, engine, {"unit": {name: readout}}, window)["unit"]
    fano = _fano(level[:, unit], slope[:, unit] ** 2 * counted, rate * window)
    variables = {
        "mean": (("contrast", "unit"), moments.mean),
        "variance": (("contrast", "unit"), deviation**2),
        "fano": ("contrast", fano),
        "correlation": (("contrast", "unit", "other"), correlation),
    }
    axes_ = {"contrast": contrasts, "unit": np.arange(states[name]), "other": np.arange(states[name])}
    dataset = xr.Dataset(variables, coords=axes_)
    if _own_angles(circuit, name):
        dataset = _by_angle(with_preferences(dataset, circuit), circuit, engine, own, contrasts.max())
    facts = {"state": name, "output": own, "measured_unit": unit, "time": window, "maximum": rate}
    return dataset.assign_attrs(**facts, noise=given)


def _own_angles(circuit: Any, state: str) -> bool:
    """Whether the units of a state are those whose preferred angles are known."""
    known = preferred(circuit).get("angle", ())
    return Name.parse(state).population is None and len({*np.round(known, 6)}) > 2


def _fano(level: np.ndarray, variance: np.ndarray, scale: float) -> np.ndarray:
    """Fano factors of Poisson counts whose mean varies: the mean is ``scale`` times the level."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(level > 0, 1 + scale * variance / level, np.nan)


def _by_angle(dataset: xr.Dataset, circuit: Any, engine: Any, output: str, contrast: float) -> xr.Dataset:
    """Signal correlations at one contrast, and both correlations by the difference of preferred angles."""
    _, each = gratings(circuit, angles_around(circuit), None)
    tuning = engine.settle(circuit, {key: contrast * value for key, value in each.items()}).outputs[output]
    with np.errstate(invalid="ignore", divide="ignore"):
        signal = np.corrcoef(tuning.T)
    prefers = dataset["preferred_angle"].values
    apart = np.abs((prefers[:, None] - prefers + 180) % 360 - 180).round(6)
    differences = np.unique(apart)[1:]
    pairs = [(apart == one) & ~np.eye(len(prefers), dtype=bool) for one in differences]
    noise = np.stack([dataset["correlation"].values[:, pair].mean(axis=1) for pair in pairs], axis=1)
    return dataset.assign(
        signal_correlation=(("unit", "other"), signal),
        correlation_by_angle=(("contrast", "difference"), noise),
        signal_by_angle=("difference", [signal[pair].mean() for pair in pairs]),
    ).assign_coords(difference=differences)
