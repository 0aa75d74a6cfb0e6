"""Coherence: how two areas fluctuate together, which is ahead, and which tells the other's future (Granger causality)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import known_name, list_of
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.names import Name
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, curves, labels, legend, shade
from organics_neuro.experiments.granger import granger
from organics_neuro.experiments.protocol import Stimulus, check_noise, held, hertz, pattern, scaled
from organics_neuro.experiments.registry import experiment

#: What the plot shows: columns, how they are drawn and called, and the label of the axis.
_SHOWN = {
    "coherence": ({"coherence": ("-", "")}, "squared coherence"),
    "phase": ({"phase": ("-", "")}, "phase of the first area (degrees)"),
    "granger": ({"forward": ("-", "first to second"), "backward": ("--", "second to first")}, "Granger causality"),
}


def draw(dataset: xr.Dataset, quantity: str = "coherence", ax: Any = None):
    """Coherence, phase or Granger causality against frequency, one colour for each contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.coherence`, a sweep of it, or what is left after a selection.
    quantity : {"coherence", "phase", "granger"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    columns, ylabel = _SHOWN[known_name("quantity", quantity, _SHOWN)]
    ax = axes(ax)
    for name, (style, way) in columns.items():
        lines = curves(dataset[name], "frequency")
        for k, (curve, label) in enumerate(zip(lines, labels(lines), strict=True)):
            text = ", ".join(part for part in (label, way) if part)
            if quantity == "phase":  # no line where it goes around
                curve = curve.where(np.abs(np.diff(curve, append=curve[-1:])) < 180)
            ax.plot(curve["frequency"], curve, style, color=shade(k, len(lines)), label=text)
    ax.set(xlabel="frequency (Hz)", ylabel=ylabel, title=dataset.attrs.get("title", ""))
    if quantity == "coherence":
        ax.set_ylim(0, None)
    legend(ax)
    return ax


@experiment(
    "Coherence of two areas",
    axes={"contrast": ("stimulus contrast", "1"), "frequency": ("frequency", "Hz")},
    columns={
        "coherence": ("squared coherence of the areas", "1"),
        "phase": ("phase of the first area, ahead of the second", "degree"),
        "forward": ("Granger causality from the first area to the second", "1"),
        "backward": ("Granger causality from the second area to the first", "1"),
    },
    source=(
        "Bosman et al. (2012), Attentional stimulus selection through selective synchronization between monkey visual "
        "areas, Neuron 75:875-888; Dhamala, Rangarajan & Ding (2008), Estimating Granger causality from Fourier and "
        "wavelet transforms of time series data, Physical Review Letters 100:018701"
    ),
    engine={"duration": 20.0, "dt": 1e-4, "trials": 16, "transient": 0.3},
    plot=draw,
)
def coherence(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "theory",
    *,
    states: Sequence[str] | None = None,
    signal: str = "coherent",
    stimulus: Stimulus = None,
    angle: float = 180.0,
    resolution: Any = 2.0,
    highest: Any = 250.0,
) -> xr.Dataset:
    """Coherence, phase and Granger causality between two areas at several contrasts.

    Causality is that of the spectra, factorized (Wilson 1972). It is 0 where there is no path from one area to the other,
    and tells nothing of the strength of a synapse.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        Two areas or more, as `organics_neuro.hierarchy` joins them; of one circuit, two states.
    contrasts : array_like, shape (contrasts,)
    noise : dict
        Noise by full name, as for `power_spectrum`. Areas that have no noise of their own are coherent at all
        frequencies, and have no causality.
    engine : str or Engine
        "theory" linearises around fixed points; simulators use Welch's method: give them a long duration and many trials.
    states : sequence of two str, optional
        What is compared, by full name; the first states of the first two populations by default.
    signal : {"coherent", "mean"}
        The sum over units weighted by their mean response at the highest contrast, or the mean over units.
    stimulus, angle
        As for `contrast_response`.
    resolution, highest : float or Brian2 quantity
        Distance of the frequencies and the highest of them, in Hz. Causality uses spectra up to twice the highest, which
        must be so high that they are far below their peaks there.

    Returns
    -------
    xarray.Dataset
        Over contrast and frequency: ``coherence`` (squared, 0 to 1), ``phase``, and Granger causality ``forward`` (first to
        second) and ``backward``, NaN where the spectra have no factor.

    Raises
    ------
    ValueError
        If there is no noise, or only one state.
    """
    contrasts = check_contrasts("contrasts", contrasts)
    known_name("signal", signal, ("coherent", "mean"))
    given = check_noise(noise, engine, "nothing fluctuates", "{'v1.y': ..., 'v2.y': ...}")
    names = _two_states(circuit, states)
    step, top = hertz("resolution", resolution), hertz("highest", highest)
    shown = pattern(circuit, stimulus, angle)
    inputs = scaled(shown, contrasts) | held(circuit, stimulus)
    signals = _signals(circuit, engine, inputs, names, signal, int(np.argmax(contrasts)))
    how = {"resolution": step, "highest": 2 * top, "pairs": [("first", "second")]}
    found = engine.spectrum(circuit, inputs, noise, signals, **how)
    first, second, cross = found.power["first"], found.power["second"], found.cross[("first", "second")]
    with np.errstate(invalid="ignore", divide="ignore"):
        coherent = np.abs(cross) ** 2 / (first * second)
    ways = np.array([_causality(*each) for each in zip(first, second, cross, strict=True)])
    columns = {
        "coherence": coherent,
        "phase": np.rad2deg(np.angle(cross)),
        "forward": ways[:, 0],
        "backward": ways[:, 1],
    }
    variables = {name: (("contrast", "frequency"), value) for name, value in columns.items()}
    facts = {"first": names[0], "second": names[1], "signal": signal, "noise": given}
    dataset = xr.Dataset(variables, coords={"contrast": contrasts, "frequency": found.frequencies}, attrs=facts)
    return dataset.sel(frequency=dataset["frequency"] <= top)


def _two_states(circuit: Any, given: Sequence[str] | None) -> list[str]:
    states: Any = check_circuit(circuit).states
    if given is None:
        of_each: dict = {}
        for name in states:
            of_each.setdefault(Name.parse(name).population, str(name))
        given = list(of_each.values())[:2] if len(of_each) > 1 else [str(name) for name in states][:2]
    names = [known_name("state in states", name, [str(s) for s in states]) for name in list_of("states", given)]
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(f"states must name two different states, got {names}")
    return names


def _signals(circuit: Any, engine: Any, inputs: Any, names: list[str], signal: str, best: int) -> dict[str, dict]:
    """Weights of the units in the signal of each area, of length 1."""
    rest = engine.settle(circuit, inputs).states if signal == "coherent" else None
    signals = {}
    for key, name in zip(("first", "second"), names, strict=True):
        weights = np.ones(circuit.states[name]) if rest is None else rest[name][best]
        length = np.linalg.norm(weights)
        if not length > 0:
            raise ValueError(
                f"{name!r} does not respond to the stimulus, so its units have no weights; give signal='mean'"
            )
        signals[key] = {name: weights / length}
    return signals


def _causality(first: np.ndarray, second: np.ndarray, cross: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Granger causality both ways at the frequencies f, 2f, ...; what is at 0 Hz is taken to be as at the first of them."""
    spectra = np.array([[first, cross], [cross.conj(), second]]).transpose(2, 0, 1)
    whole = np.concatenate([spectra[:1].real.astype(complex), spectra])
    try:
        forward, backward = granger(whole)
    except ConvergenceError:
        return np.full(len(first), np.nan), np.full(len(first), np.nan)
    return forward[1:], backward[1:]
