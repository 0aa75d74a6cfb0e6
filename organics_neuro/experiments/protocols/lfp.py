"""LFP proxy: the spectrum of the sum of absolute synaptic drives, as an electrode records it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.drives import drives
from organics_neuro.core.names import Name
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.core.units import magnitude
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.protocol import Stimulus, check_noise, held, hertz, name_among, pattern, scaled
from organics_neuro.experiments.registry import experiment

#: Difference of a state, relative to the largest, for the derivative of the potential.
_DIFFERENCE = 1e-6


def draw(dataset: xr.Dataset, ax: Any = None):
    """Power of the potential against frequency, one curve for each contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.lfp`, a sweep of it, or what is left after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes(ax)
    draw_curves(ax, dataset["power"], "frequency")
    for line in ax.get_lines():
        line.set_marker("")
    ax.set(xscale="log", yscale="log", xlabel="frequency (Hz)", ylabel="power of the LFP proxy (1/Hz)")
    ax.set_title(dataset.attrs.get("title", ""))
    legend(ax)
    return ax


@experiment(
    "LFP proxy",
    axes={"contrast": ("stimulus contrast", "1"), "frequency": ("frequency", "Hz")},
    columns={
        "power": ("power of the LFP proxy", "1/Hz"),
        "level": ("LFP proxy at the steady state", "1"),
        "low": ("power at the lowest frequency", "1/Hz"),
        "high": ("mean power between 30 and 80 Hz", "1/Hz"),
    },
    source=(
        "Mazzoni et al. (2015), Computing the local field potential (LFP) from integrate-and-fire network models, PLoS "
        "Computational Biology 11:e1004584; Henrie & Shapley (2005), LFP power spectra in V1 cortex: the graded effect of "
        "stimulus contrast, Journal of Neurophysiology 94:479-490"
    ),
    engine={"duration": 10.0, "dt": 1e-4, "trials": 8, "transient": 0.3},
    plot=draw,
)
def lfp(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "theory",
    *,
    weights: ArrayLike | None = None,
    state: str | None = None,
    angle: float = 180.0,
    stimulus: Stimulus = None,
    resolution: Any = 2.0,
    highest: Any = 200.0,
) -> xr.Dataset:
    """Spectrum of a field potential at several contrasts.

    The potential is the weighted sum over units of the absolute values of the terms that drive a state, such as
    ``abs(b*z) + abs((1 - sqrt(a))*recurrent)``, as `organics_neuro.lfp` records it in Brian2. Its spectrum is that of its
    linear part around the steady response.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
    noise : dict
        As for `power_spectrum`.
    engine : str or Engine
        "theory" linearises around the fixed point; simulators use Welch's method.
    weights : array_like, shape (units,), optional
        How near the electrode is to each unit; the mean over units by default.
    state : str, optional
        Whose drives, by full name; the first by default.
    angle, stimulus
        As for `contrast_response`.
    resolution, highest : float or Brian2 quantity
        Distance of the frequencies and the highest of them, in Hz.

    Returns
    -------
    xarray.Dataset
        ``power`` (contrast, frequency), two-sided, and over contrast ``level``, the potential itself, and the power ``low``,
        at the lowest frequency, and ``high``, between 30 and 80 Hz.
    """
    levels = check_contrasts("contrasts", contrasts)
    given = check_noise(noise, engine, "the potential does not fluctuate")
    states: Any = check_circuit(circuit).states
    name = name_among("state", state, states)
    step, top = hertz("resolution", resolution), hertz("highest", highest)
    near = np.full(states[name], 1 / states[name]) if weights is None else magnitude("weights", weights, "1")
    if near.shape != (states[name],):
        raise ValueError(f"weights must have the shape ({states[name]},), one number for each unit, got {near.shape}")
    shown, kept = pattern(circuit, stimulus, angle), held(circuit, stimulus)
    potential = _Potential(circuit, name, near)
    power, level = [], []
    for one in levels:
        inputs = scaled(shown, [one]) | kept
        rest = engine.settle(circuit, inputs).states
        value, slopes = potential.linear(
            {key: v[0] for key, v in rest.items()}, {k: np.ravel(v) for k, v in inputs.items()}
        )
        found = engine.spectrum(circuit, inputs, noise, {"lfp": slopes}, resolution=step, highest=top)
        power.append(found.power["lfp"][0])
        level.append(value)
    frequency = found.frequencies
    high = (frequency >= 30) & (frequency <= 80)
    variables = {
        "power": (("contrast", "frequency"), power),
        "level": ("contrast", level),
        "low": ("contrast", [each[0] for each in power]),
        "high": ("contrast", [each[high].mean() if high.any() else np.nan for each in power]),
    }
    facts = {"state": name, "noise": given, "potential": potential.text}
    return xr.Dataset(variables, coords={"contrast": levels, "frequency": frequency}, attrs=facts)


class _Potential:
    """The sum of the absolute drives of a state, and its derivatives."""

    def __init__(self, circuit: Any, state: str, near: np.ndarray):
        name = Name.parse(state)
        self._dynamics, self._population, self._near = circuit.dynamics, name.population, near
        self.text = drives(circuit.populations[name.population].model, name.variable)

    def _at(self, states: dict, inputs: dict) -> np.ndarray:
        known = {**inputs, **self._dynamics.couplings(states, inputs)}
        value = self._dynamics.evaluate(self._population, self.text, states, known)
        return np.broadcast_to(value, (*np.shape(value)[:-1], len(self._near))) @ self._near

    def linear(self, states: dict, inputs: dict) -> tuple[float, dict[str, np.ndarray]]:
        """The potential, and its derivatives by each state (units,)."""
        dynamics = self._dynamics
        inputs = dynamics.resolve_inputs(inputs)
        x = dynamics.pack(states)
        size = _DIFFERENCE * max(float(np.abs(x).max()), 1e-6)
        moved = size * np.eye(len(x))
        sides = [self._at(dynamics.unpack(x + sign * moved), inputs) for sign in (1, -1)]
        slopes = dynamics.unpack((sides[0] - sides[1]) / (2 * size))
        return float(self._at(states, inputs)), {str(name): value for name, value in slopes.items()}
