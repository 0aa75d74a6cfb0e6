"""Gamma: the resonance of a circuit in its power spectrum, and how its peak moves with contrast."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.experiments.drawing import axes, curves, labels, legend, shade
from organics_neuro.experiments.protocol import Stimulus, hertz, name_among
from organics_neuro.experiments.protocols.power_spectrum import power_spectrum
from organics_neuro.experiments.registry import experiment

#: Frequencies, in Hz, above which the plot ends: three times the highest peak.
_SHOWN = 3


def draw(dataset: xr.Dataset, ax: Any = None):
    """Power against frequency, one curve for each contrast, with the peak of each.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.gamma`, or what is left of it after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    signal = next(str(name) for name, value in dataset.data_vars.items() if "frequency" in value.dims)
    known = {"peak": dataset["peak_frequency"], "height": dataset["peak_power"], "q": dataset["quality"]}
    lines = curves(dataset[signal].assign_coords({f"fit_{k}": v for k, v in known.items()}), "frequency")
    ax = axes(ax)
    for k, (curve, label) in enumerate(
        zip(lines, labels([c.drop_vars([f"fit_{n}" for n in known]) for c in lines]), strict=True)
    ):
        color, (peak, height, q) = shade(k, len(lines)), (curve.coords[f"fit_{name}"].item() for name in known)
        if np.isfinite(peak):
            label += f": {peak:.1f} Hz" + (f", Q = {q:.1f}" if np.isfinite(q) else "")
            ax.plot(peak, height, "o", ms=5, color=color)
        else:
            label += ": no peak"
        ax.plot(curve.frequency, curve, color=color, label=label)
    highest = float(dataset["peak_frequency"].max())
    last = float(dataset["frequency"].max())
    ax.set(
        yscale="log",
        xlabel="frequency (Hz)",
        ylabel=f"power ({dataset[signal].attrs.get('units', '1/Hz')})",
        title=dataset.attrs.get("title", ""),
        xlim=(0, min(last, _SHOWN * highest) if np.isfinite(highest) else last),
    )
    inside = dataset[signal].where(dataset["frequency"] <= ax.get_xlim()[1])
    ax.set_ylim(0.8 * float(inside.min()), 1.5 * float(inside.max()))
    legend(ax, loc="upper right")  # curves fall
    return ax


@experiment(
    "Gamma oscillations",
    axes={"contrast": ("stimulus contrast", "1"), "frequency": ("frequency", "Hz")},
    columns={
        "coherent": ("power of the units, weighted by their drive", "1/Hz"),
        "mean": ("power of the mean of the units", "1/Hz"),
        "peak_frequency": ("frequency of the peak", "Hz"),
        "peak_power": ("power at the peak", "1/Hz"),
        "bandwidth": ("width of the peak at half of its power", "Hz"),
        "quality": ("frequency of the peak/its width", "1"),
    },
    engine={"duration": 20.0, "dt": 5e-5, "trials": 8, "transient": 0.3},
    source=(
        "Ray & Maunsell (2010), Differences in gamma frequencies across visual cortex restrict their possible use in "
        "computation, Neuron 67:885-896; Heeger & Zemlianova (2020), PNAS 117:22494-22505"
    ),
    plot=draw,
)
def gamma(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "theory",
    *,
    signal: str | None = None,
    state: str | None = None,
    angle: float = 180.0,
    stimulus: Stimulus = None,
    resolution: Any = 1.0,
    lowest: float = 5.0,
) -> xr.Dataset:
    """Peak, bandwidth and quality of the resonance at several contrasts.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
    noise : dict
        As for `power_spectrum`. Where the noise comes in moves the peak: noise in the normalizers lowers it.
    engine : str or Engine
        "theory" linearises around the fixed point; simulators use Welch's method, whose spectra are noisy: give them a
        long duration and several trials.
    signal : {"coherent", "mean"}, optional
        As in `power_spectrum`; the first that there is by default.
    state, angle, stimulus
        As for `power_spectrum`; the state may be a firing rate that the engine measures.
    resolution : float or Brian2 quantity
        Distance of the frequencies, in Hz.
    lowest : float
        Peaks below this frequency, in Hz, do not count.

    Returns
    -------
    xarray.Dataset
        The spectrum (contrast, frequency), and over contrast: ``peak_frequency`` and ``peak_power`` between the samples,
        by a parabola; ``bandwidth`` at half of the power, and ``quality``. NaN where the spectrum has no peak, or
        does not fall to half of it on both sides.
    """
    lowest = hertz("lowest", lowest, zero=True)
    options = {"state": state, "angle": angle, "stimulus": stimulus, "resolution": resolution}
    spectra = power_spectrum.function(circuit, contrasts, noise, engine, **options)
    known = [str(name) for name in spectra.data_vars]
    chosen = name_among("signal", signal, known)
    frequency, power = spectra["frequency"].values, spectra[chosen].values
    found = [describe_peak(frequency, each, lowest) for each in power]
    names = ("peak_frequency", "peak_power", "bandwidth", "quality")
    attributes = {"peak_power": spectra[chosen].attrs}
    columns = {
        name: ("contrast", [each[k] for each in found], attributes.get(name, {})) for k, name in enumerate(names)
    }
    return spectra[[chosen]].assign(columns).assign_attrs(signal=chosen)


def describe_peak(frequency: np.ndarray, power: np.ndarray, lowest: float) -> tuple[float, float, float, float]:
    """Peak frequency, power there, width at half of it, and quality."""
    nothing = (np.nan,) * 4
    use = np.flatnonzero(frequency >= lowest)
    if len(use) < 3:
        return nothing
    top = use[power[use].argmax()]
    if top in (use[0], len(frequency) - 1):
        return nothing
    logarithm = np.log(power[top - 1 : top + 2])
    curvature = logarithm[0] - 2 * logarithm[1] + logarithm[2]
    shift = 0.5 * (logarithm[0] - logarithm[2]) / curvature if curvature else 0.0
    peak = frequency[top] + shift * (frequency[top + 1] - frequency[top])
    height = float(np.exp(logarithm[1] - 0.25 * (logarithm[0] - logarithm[2]) * shift))
    below = power < height / 2
    left, right = np.flatnonzero(below[:top]), np.flatnonzero(below[top:])
    if not len(left) or not len(right):
        return float(peak), height, np.nan, np.nan
    edges = [_crossing(frequency, power, k, height / 2) for k in (left[-1], top + right[0] - 1)]
    width = edges[1] - edges[0]
    return float(peak), height, width, float(peak / width)


def _crossing(frequency: np.ndarray, power: np.ndarray, k: int, level: float) -> float:
    """Where the spectrum passes a level between the samples k and k + 1."""
    part = (level - power[k]) / (power[k + 1] - power[k])
    return float(frequency[k] + part * (frequency[k + 1] - frequency[k]))
