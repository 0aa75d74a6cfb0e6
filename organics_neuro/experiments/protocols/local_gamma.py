"""Local gamma: where contrast varies over space, each place resonates at the frequency of its own contrast."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import stimuli
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.protocol import check_noise, hertz, on_sheet
from organics_neuro.experiments.protocols.gamma import describe_peak
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, ax: Any = None):
    """The frequency of the peak at each place against its contrast, and what the contrast alone would say.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.local_gamma`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes(ax)
    local, alone = dataset["peak_frequency"], dataset["uniform_frequency"]
    order = np.argsort(dataset["contrast"].values, kind="stable")
    contrast = dataset["contrast"].values[order]
    ax.plot(contrast, alone.values[order], "--", color=shade(1, 2), label="the same contrast everywhere")
    ax.plot(contrast, local.values[order], "o", ms=4, color=shade(0, 2), label="where contrast varies")
    ax.set(
        xlabel="contrast at the place",
        ylabel="frequency of the peak (Hz)",
        title=dataset.attrs.get("title", ""),
    )
    legend(ax)
    return ax


@experiment(
    "Local gamma",
    axes={"position": ("position on the sheet, row by row", "1"), "frequency": ("frequency", "Hz")},
    columns={
        "contrast": ("contrast at the place", "1"),
        "power": ("power of the units of a place, weighted by their drive", "1/Hz"),
        "peak_frequency": ("frequency of the peak", "Hz"),
        "uniform_frequency": ("frequency of the peak with the same contrast everywhere", "Hz"),
    },
    engine={"duration": 20.0, "dt": 1e-4, "trials": 8, "transient": 0.3},
    source=(
        "Ray & Maunsell (2010), Differences in gamma frequencies across visual cortex restrict their possible use in "
        "computation, Neuron 67:885-896"
    ),
    plot=draw,
)
def local_gamma(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "theory",
    *,
    angle: float = 180.0,
    state: str = "y",
    resolution: Any = 1.0,
    highest: Any = 150.0,
    lowest: float = 5.0,
) -> xr.Dataset:
    """Show a grating whose contrast varies over a sheet, and find the peak of the spectrum at each place.

    Where the pool is narrower than the changes of contrast, each place resonates as its own contrast makes it; a wide pool
    makes one rhythm of all.

    Parameters
    ----------
    circuit : Circuit
        With positions, as `organics_neuro.sheet` makes it.
    contrasts : array_like, shape (height, width) or (width,)
        Contrast at each position.
    noise : dict
        As for `power_spectrum`. Shared noise of the input shows the resonance, ``{"z": Noise(1e-3, tau=2e-3, shared=True)}``;
        private noise excites passive modes, which hide it.
    engine : str or Engine
        "theory" linearises around the fixed point; simulators use Welch's method, and need a long duration.
    angle : float
        Of the grating.
    state : str
        Whose spectra.
    resolution, highest : float or Brian2 quantity
        Distance of the frequencies and the highest of them, in Hz.
    lowest : float
        Peaks below this frequency, in Hz, do not count.

    Returns
    -------
    xarray.Dataset
        ``power`` (position, frequency), and over position ``contrast``, ``peak_frequency`` and ``uniform_frequency``, that of
        the same place when all of the sheet has its contrast. NaN where there is no peak.
    """
    height, width = on_sheet(circuit)
    given = check_contrasts("contrasts", np.ravel(contrasts))
    shape = np.shape(contrasts)
    if shape not in ((height, width), (width,)) or (shape == (width,) and height > 1):
        raise ValueError(f"contrasts must have the shape of the sheet, ({height}, {width}), got {shape}")
    given_noise = check_noise(noise, engine, "there is no spectrum")
    step, top = hertz("resolution", resolution), hertz("highest", highest)
    lowest = hertz("lowest", lowest, zero=True)
    grating = stimuli.drive(circuit, stimuli.grating(circuit, angle)).reshape(-1, height * width)
    full = stimuli.grating(circuit, angle).reshape(-1, height * width)
    places = np.arange(height * width)
    how = {"resolution": step, "highest": top}
    signals = {f"place {k}": {state: _weights(grating, k)} for k in places}
    (name,) = circuit.inputs
    shown = stimuli.drive(circuit, (full * given).ravel())
    found = engine.spectrum(circuit, {name: shown[None]}, noise, signals, **how)
    power = np.array([found.power[key][0] for key in signals])
    peaks = [describe_peak(found.frequencies, each, lowest)[0] for each in power]
    distinct, which = np.unique(given, return_inverse=True)
    alone = []
    for contrast in distinct:
        here = [f"place {k}" for k in places[given == contrast]]
        flat = stimuli.drive(circuit, contrast * stimuli.grating(circuit, angle))
        same = engine.spectrum(circuit, {name: flat[None]}, noise, {key: signals[key] for key in here}, **how)
        alone.append(dict(zip(here, (same.power[key][0] for key in here), strict=True)))
    uniform = [describe_peak(found.frequencies, alone[which[k]][f"place {k}"], lowest)[0] for k in places]
    variables = {
        "power": (("position", "frequency"), power),
        "contrast": ("position", given),
        "peak_frequency": ("position", peaks),
        "uniform_frequency": ("position", uniform),
    }
    coordinates = {"position": places, "frequency": found.frequencies}
    facts = {"state": state, "noise": given_noise, "height": height, "width": width}
    return xr.Dataset(variables, coords=coordinates, attrs=facts)


def _weights(drive: np.ndarray, place: int) -> np.ndarray:
    """Weights (units,) of the units of one place, by their drive (tunings, places), of length 1."""
    weights = np.zeros_like(drive)
    weights[:, place] = drive[:, place]
    return weights.ravel() / np.linalg.norm(weights)
