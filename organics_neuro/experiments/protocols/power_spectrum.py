"""Power spectrum: how noise makes a circuit fluctuate around its response to a stimulus."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.names import Name
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, curves, labels, legend, shade
from organics_neuro.experiments.protocol import Stimulus, drive_of, held, hertz, name_among, pattern, scaled
from organics_neuro.experiments.registry import experiment

#: Highest frequency of a spectrum, in Hz.
_HIGHEST = 500


def draw(dataset: xr.Dataset, theory: xr.Dataset | None = None, signal: str | None = None, ax: Any = None):
    """Power against frequency, one curve for each contrast and whatever else varies.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.power_spectrum`, or what is left of it after a selection.
    theory : xarray.Dataset, optional
        The same with ``engine="theory"``, drawn as lines over the measured curves.
    signal : {"coherent", "mean"}, optional
        The first that the dataset has by default.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    known = [str(name) for name in dataset.data_vars]
    shown = name_among("signal", signal, known)
    if theory is not None and not np.isin(dataset.contrast, theory.contrast).all():
        raise ValueError(f"theory must have the contrasts {dataset.contrast.values}, got {theory.contrast.values}")
    lines = curves(dataset[shown], "frequency")
    ax = axes(ax)
    for k, (curve, label) in enumerate(zip(lines, labels(lines), strict=True)):
        color = shade(k, len(lines))
        alpha = 1 if theory is None else 0.45
        ax.plot(curve.frequency, curve, color=color, alpha=alpha, lw=2.5, label=label)
        if theory is not None:
            expected = theory[shown]
            if "contrast" in expected.dims:
                expected = expected.isel(
                    contrast=int(np.argmin(np.abs(theory.contrast.values - curve.contrast.item())))
                )
            ax.plot(theory.frequency, expected, color=color, lw=1)
    unit = dataset[shown].attrs.get("units", "1/Hz")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="frequency (Hz)",
        ylabel=f"power ({unit})",
        title=dataset.attrs.get("title", ""),
    )
    legend(ax)
    return ax


@experiment(
    "Power spectrum",
    axes={"contrast": ("stimulus contrast", "1"), "frequency": ("frequency", "Hz")},
    columns={
        "coherent": ("power of the units, weighted by their drive", "1/Hz"),
        "mean": ("power of the mean of the units", "1/Hz"),
    },
    source="Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946",
    engine={"duration": 4.0, "dt": 5e-5, "trials": 16, "transient": 0.3},
    plot=draw,
)
def power_spectrum(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "brian",
    *,
    state: str | None = None,
    angle: float = 180.0,
    stimulus: Stimulus = None,
    frequencies: ArrayLike | None = None,
    resolution: Any = 2.0,
) -> xr.Dataset:
    """Power spectral density of a state at several contrasts.

    Two signals are analysed: the *coherent* mode, the sum over units weighted by their drive (normalized to length
    1), in which the circuit's resonance lives, and the *mean* of the units. In the mean, noise that is private to
    each unit hides the resonance.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
    noise : dict
        Noise by full name, as for `CircuitGroup` and `organics_neuro.theory.power_spectrum`; a network of one's own
        (`organics_neuro.engines.Network`) has its own.
    engine : str or Engine
        Simulators use Welch's method; "theory" linearises around the fixed point.
    state : str, optional
        Which state to analyse, by full name; the first of the circuit by default. With `organics_neuro.engines.Network` also
        what it measures beside the circuit, such as ``"lif.firing_rate"``: the power of the mean rate is in Hz.
    angle, stimulus
        As for `contrast_response`.
    frequencies : array_like, optional
        For "theory", in Hz; by default those that simulators measure.
    resolution : float or Brian2 quantity
        Distance of the frequencies, in Hz.

    Returns
    -------
    xarray.Dataset
        ``coherent`` (unless no input has one value for each unit of the state) and ``mean`` with the axes contrast and
        frequency: two-sided power per Hz, so that the integral over positive and negative frequencies is the variance.

    Raises
    ------
    ValueError
        For arguments that do not fit, and where there is no noise that the state could show.
    """
    contrasts = check_contrasts("contrasts", contrasts)
    states: Any = check_circuit(circuit).states
    analysed = name_among("state", state, [*states, *engine.beside])
    resolution = hertz("resolution", resolution, _HIGHEST)
    shown = pattern(circuit, stimulus, angle)
    if not any(np.any(value) for value in shown.values()):
        raise ValueError("the stimulus is 0 everywhere, so there is no response to fluctuate around")
    signals = _signals(circuit, shown, analysed, states.get(analysed))
    how = {"frequencies": frequencies, "resolution": resolution, "highest": _HIGHEST}
    found = engine.spectrum(circuit, scaled(shown, contrasts) | held(circuit, stimulus), noise, signals, **how)
    if not any(np.any(value) for value in found.power.values()):
        raise ValueError(
            f"without noise {analysed} does not fluctuate, so its power is 0; give noise={{{str(analysed)!r}: 1e-3}}"
        )
    attributes = {"units": "Hz"} if engine.beside.get(analysed) == "Hz" else {}  # of a rate in Hz, per Hz
    variables = {key: (("contrast", "frequency"), value, attributes) for key, value in found.power.items()}
    dataset = xr.Dataset(variables, coords={"contrast": contrasts, "frequency": found.frequencies})
    return dataset.assign_attrs(state=str(analysed), noise="none" if noise is None else str(dict(noise)))


def _signals(circuit: Any, shown: dict, state: str, units: int | None) -> dict[str, dict[str, np.ndarray | None]]:
    """What is analysed, as weights of units; of what is not part of the circuit, the mean."""
    if units is None:
        return {"mean": {state: None}}
    drive, signals = drive_of(circuit, shown, Name.parse(state).population), {}
    if drive is not None and drive.shape == (units,):
        signals["coherent"] = {state: drive / np.linalg.norm(drive)}
    return {**signals, "mean": {state: np.full(units, 1 / units)}}
