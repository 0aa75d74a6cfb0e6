"""Contrast discrimination: the smallest increment of contrast that an observer of the circuit can tell, with its noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from organics_neuro.core.boundary import number
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.names import Name
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.core.units import seconds
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.fluctuations import windowed_variance
from organics_neuro.experiments.protocol import Stimulus, check_noise, drive_of, held, name_among, pattern, scaled
from organics_neuro.experiments.registry import experiment

#: Contrasts that are needed for a curve through them.
_LEAST = 5


def draw(dataset: xr.Dataset, ax: Any = None):
    """The threshold against the pedestal, both on logarithmic axes.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.contrast_discrimination`, a sweep of it, or what is left after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, values = axes(ax), dataset["threshold"]
    ax.set(xscale="log", yscale="log")
    draw_curves(ax, values.sel(contrast=values.contrast > 0), "contrast")
    if (zero := values.sel(contrast=values.contrast == 0)).size == 1 and np.isfinite(zero.item()):
        ax.axhline(zero.item(), color="black", lw=1, ls="--", label="detection (no pedestal)")
    d = dataset.attrs["d_prime"]
    ax.set(
        xlabel="pedestal contrast",
        ylabel=f"contrast increment for d' = {d:g}",
        title=dataset.attrs.get("title", ""),
    )
    legend(ax)
    return ax


@experiment(
    "Contrast discrimination",
    axes={"contrast": ("pedestal contrast", "1")},
    columns={
        "signal": ("mean of the signal that is observed", "1"),
        "deviation": ("standard deviation of its average over the time of observation", "1"),
        "threshold": ("contrast increment that is just told", "1"),
        "sensitivity": ("change of the signal with contrast/its standard deviation", "1"),
        "settled": ("whether the circuit had come to rest", "1"),
    },
    engine={"duration": 20.0, "window": 0.1, "dt": 1e-4, "trials": 8, "transient": 0.3},
    source=(
        "Boynton, Demb, Glover & Heeger (1999), Neuronal basis of contrast discrimination, Vision Research 39:257-269"
    ),
    plot=draw,
)
def contrast_discrimination(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "theory",
    *,
    d_prime: float = 1.0,
    time: Any = 0.2,
    state: str | None = None,
    angle: float = 180.0,
    stimulus: Stimulus = None,
) -> xr.Dataset:
    """Thresholds of an observer who sees the units, weighted by their drive, for a limited time.

    The observer averages the signal over the time. Its variance follows from the power spectrum, sum over frequencies of
    power times sinc(f time)^2; d' is the change of the mean over the root of the mean of the two variances.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
        Pedestals, at least five, in rising order. Thresholds are found between them, so those above the last one are NaN.
    noise : dict
        As for `power_spectrum`. Thresholds depend on where the noise comes in, and are proportional to small noise.
    engine : str or Engine
        "theory" linearises around fixed points. Simulators measure spectra by Welch's method, with a resolution of
        half of 1/time, and need a long duration and several trials.
    d_prime : float
        How well the increment is told.
    time : float or Brian2 quantity
        Seconds of observation.
    state : str, optional
        Which state is observed, by full name; the first by default.
    angle, stimulus
        As for `contrast_response`.

    Returns
    -------
    xarray.Dataset
        Over contrast: ``signal``, ``deviation``, ``threshold``, ``sensitivity`` (d' of a small increment per unit of
        contrast) and ``settled``. The attribute ``noise`` says what was assumed.

    Raises
    ------
    ValueError
        If there is no noise, no stimulus, or too few contrasts.
    """
    contrasts = check_contrasts("contrasts", contrasts)
    if len(contrasts) < _LEAST or (np.diff(contrasts) <= 0).any():
        raise ValueError(f"contrasts must be at least {_LEAST} numbers in rising order, got {contrasts.tolist()}")
    given = check_noise(noise, engine, "every increment is told")
    criterion = number("d_prime", d_prime, "a number above 0", lambda d: d > 0)
    states: Any = check_circuit(circuit).states
    observed = name_among("state", state, states)
    shown = pattern(circuit, stimulus, angle)
    weights = drive_of(circuit, shown, Name.parse(observed).population)
    if weights is None or weights.shape != (states[observed],):
        raise ValueError(
            f"no input has one value for each unit of {observed!r}, so the observer has no weights for them"
        )
    weights = weights / np.linalg.norm(weights)
    inputs, window = scaled(shown, contrasts) | held(circuit, stimulus), seconds("time", time)
    rest = engine.settle(circuit, inputs)
    mean = rest.states[observed] @ weights
    variance = windowed_variance(circuit, inputs, noise, engine, {"observed": {observed: weights}}, window)
    deviation = np.sqrt(variance["observed"])
    threshold = _thresholds(contrasts, mean, deviation, criterion)
    slope = PchipInterpolator(contrasts, mean).derivative()(contrasts)
    columns = {"signal": mean, "deviation": deviation, "threshold": threshold, "sensitivity": slope / deviation}
    variables = {name: ("contrast", value) for name, value in {**columns, "settled": rest.settled}.items()}
    facts = {"d_prime": criterion, "time": window, "state": observed}
    return xr.Dataset(variables, coords={"contrast": contrasts}).assign_attrs(**facts, noise=given)


def _thresholds(contrasts: np.ndarray, mean: np.ndarray, deviation: np.ndarray, criterion: float) -> np.ndarray:
    """The increment at each contrast that changes the mean by ``criterion`` deviations; NaN beyond the last contrast."""
    if not np.isfinite([mean, deviation]).all():
        return np.full(len(contrasts), np.nan)
    signal, spread = PchipInterpolator(contrasts, mean), PchipInterpolator(contrasts, deviation**2)

    def excess(c: float, pedestal: float) -> float:
        d = (signal(c) - signal(pedestal)) / np.sqrt((spread(c) + spread(pedestal)) / 2)
        return float(d) - criterion

    found = np.full(len(contrasts), np.nan)
    for k, pedestal in enumerate(contrasts):
        beyond = [c for c in contrasts[k + 1 :] if excess(c, pedestal) >= 0]
        if beyond:
            found[k] = brentq(excess, pedestal, beyond[0], args=(pedestal,)) - pedestal
    return found
