"""Spike-field coherence: how well spikes follow the phase of a field potential, by frequency and contrast."""

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.signal import csd

from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.names import FIRING_RATE
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, curves, legend, shade
from organics_neuro.experiments.protocol import Stimulus, held, hertz, name_among, pattern, scaled, time_step
from organics_neuro.experiments.registry import experiment

#: Seconds between samples; highest frequency in Hz.
_EVERY, _HIGHEST = 1e-3, 200.0


def draw(dataset: xr.Dataset, ax: Any = None):
    """Coherence of all spikes with the field against frequency, one curve for each contrast, and the level of chance.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.spike_field_coherence`, or what is left of it after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, lines = axes(ax), curves(dataset["coherence"], "frequency")
    for k, curve in enumerate(lines):
        label = f"contrast {curve.contrast.item():g}" if "contrast" in curve.coords else ""
        ax.plot(curve.frequency, curve, color=shade(k, len(lines)), label=label)
    ax.axhline(float(dataset["chance"]), color="0.6", ls=":", label="chance (p = 0.05)")
    ax.set(xlabel="frequency (Hz)", ylabel="spike-field coherence", title=dataset.attrs.get("title", ""))
    ax.set(xlim=(0, float(dataset["frequency"].max())), ylim=(0, None))
    legend(ax)
    return ax


@experiment(
    "Spike-field coherence",
    axes={
        "contrast": ("stimulus contrast", "1"),
        "frequency": ("frequency", "Hz"),
        "neuron": ("unit whose neurons fire", "1"),
    },
    columns={
        "coherence": ("squared coherence of the mean of all spikes with the field", "1"),
        "unit_coherence": ("squared coherence of the spikes of a unit with the field", "1"),
        "field_power": ("power of the field", "1/Hz"),
        "rate": ("firing rate", "Hz"),
        "peak_frequency": ("frequency of the largest coherence", "Hz"),
        "peak_coherence": ("largest coherence", "1"),
        "chance": ("coherence that independent signals exceed in one of twenty frequencies", "1"),
    },
    engine={"duration": 4.0, "dt": 1e-4, "trials": 8, "transient": 0.3},
    source="Fries, Reynolds, Rorie & Desimone (2001), Modulation of oscillatory neuronal synchronization by selective visual attention, Science 291:1560-1563",
    plot=draw,
)
def spike_field_coherence(
    circuit: Any,
    contrasts: ArrayLike,
    engine: Any = "brian",
    *,
    spikes: str | None = None,
    field: str | None = None,
    angle: float = 180.0,
    stimulus: Stimulus = None,
    resolution: Any = 4.0,
    lowest: float = 15.0,
) -> xr.Dataset:
    """Coherence of the spikes of neurons with a field potential, at several contrasts.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
    engine : Engine
        `organics_neuro.engines.Network` with ``measure=["cells.firing_rate", "lfp.lfp"]``.
    spikes : str, optional
        Whose spikes: the first firing rate that the engine measures by default.
    field : str, optional
        The field: by default the first other variable that it measures, else the mean of the first state.
    angle, stimulus
        As for `contrast_response`.
    resolution : float or Brian2 quantity
        Distance of the frequencies, in Hz; Welch's method takes pieces of its inverse.
    lowest : float
        Peaks below this frequency, in Hz, do not count.

    Returns
    -------
    xarray.Dataset
        ``coherence``, squared and between 0 and 1, of the mean of all spikes, and ``field_power``, two-sided, both
        (contrast, frequency); ``unit_coherence`` (contrast, neuron, frequency), which is small for few cells: the noise
        of their spikes is not in the field. ``rate`` (contrast, neuron), ``peak_frequency`` and ``peak_coherence``
        (contrast,), and ``chance``.

    Raises
    ------
    ValueError
        For arguments that do not fit, or an engine that measures no spikes.
    """
    contrasts, beside = check_contrasts("contrasts", contrasts), engine.beside
    resolution, lowest = hertz("resolution", resolution, _HIGHEST), hertz("lowest", lowest, zero=True)
    rates = [name for name in beside if name.endswith(f".{FIRING_RATE}")]
    if not rates:
        raise ValueError(
            f"the engine {engine.name} measures no spikes; use engines.Network(build, measure=['cells.firing_rate', 'lfp.lfp'])"
        )
    fields = [*(name for name in beside if name not in rates), *map(str, check_circuit(circuit).states)]
    fired = name_among("spikes", spikes, rates)
    potential = name_among("field", field, fields)
    every = max(1, round(_EVERY / time_step(engine, circuit)))
    rate, trials = 1 / (every * engine.dt), engine.trials or 1
    pieces = engine.duration * resolution * trials
    if pieces < 2:
        raise ValueError(
            f"{trials} trials of {engine.duration:g} s are too short for a resolution of {resolution:g} Hz; give more"
        )
    shown = scaled(pattern(circuit, stimulus, angle), np.repeat(contrasts, trials)) | held(circuit, stimulus)
    one = replace(engine, trials=None)  # the inputs hold the repetitions
    length = engine.transient + engine.duration
    found = one.simulate(circuit, shown, length, record=[fired, potential], every=every)
    start = round(engine.transient * rate) + 1  # the first sample is before anything has fired
    train, signal = (found[name][start:] for name in (fired, potential))
    frequency, made = _coherences(train, signal.mean(axis=-1), rate, resolution, len(contrasts))
    use = np.flatnonzero(frequency >= lowest)
    if not len(use):
        raise ValueError(f"lowest = {lowest:g} Hz must be below the highest frequency, {frequency[-1]:g} Hz")
    best = use[np.nan_to_num(made["coherence"])[:, use].argmax(axis=1)]
    mean = train.reshape(len(train), len(contrasts), trials, -1).mean(axis=(0, 2))
    return xr.Dataset(
        {
            "coherence": (("contrast", "frequency"), made["coherence"]),
            "unit_coherence": (("contrast", "neuron", "frequency"), made["unit_coherence"]),
            "field_power": (("contrast", "frequency"), made["field_power"]),
            "rate": (("contrast", "neuron"), mean),
            "peak_frequency": ("contrast", frequency[best]),
            "peak_coherence": ("contrast", made["coherence"][np.arange(len(contrasts)), best]),
            "chance": 1 - 0.05 ** (1 / (pieces - 1)),
        },
        coords={"contrast": contrasts, "frequency": frequency, "neuron": np.arange(mean.shape[-1])},
    ).assign_attrs(spikes=fired, field=potential)


def _coherences(
    train: np.ndarray, field: np.ndarray, rate: float, resolution: float, conditions: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Frequencies, and what is measured of spike trains (samples, conditions * trials, neurons) and a field (samples, conditions * trials)."""
    frequency, field_power = _cross(field, field, rate, resolution, conditions)
    power = field_power.real

    def squared(spikes: np.ndarray, field: np.ndarray, power: np.ndarray) -> np.ndarray:
        cross, own = (_cross(spikes, other, rate, resolution, conditions)[1] for other in (field, spikes))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.abs(cross) ** 2 / (own.real * power)

    each = squared(train, np.broadcast_to(field[..., None], train.shape), power[..., None])
    return frequency, {
        "coherence": squared(train.mean(axis=-1), field, power),
        "unit_coherence": np.moveaxis(each, 1, 2),
        "field_power": power / 2,  # one-sided to two-sided
    }


def _cross(
    first: np.ndarray, second: np.ndarray, rate: float, resolution: float, conditions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cross-spectra, averaged over pieces and trials: (conditions, frequencies, ...)."""
    frequency, density = csd(first, second, rate, nperseg=round(rate / resolution), axis=0)
    inside = (frequency > 0) & (frequency <= _HIGHEST)
    density = density[inside]
    density = density.reshape(len(density), conditions, -1, *density.shape[2:]).mean(axis=2)
    return frequency[inside], np.moveaxis(density, 0, 1)
