"""Adaptation: how tuning curves change after a grating was shown for some time."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import stimuli
from organics_neuro.core.boundary import probability
from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.units import seconds
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.protocol import (
    contrast,
    gratings,
    in_steps,
    long_name,
    name_among,
    time_step,
    with_preferences,
    with_units,
)
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, unit: int | None = None, ax: Any = None):
    """Tuning curves before and after, of the unit that the adaptor drives most and of its neighbours on both sides.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.adaptation`.
    unit : int, optional
        Show this one alone.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, facts = axes(ax), dataset.attrs
    count, middle = dataset.sizes["unit"], facts["adapted_unit"]
    step = max(1, count // 9)
    chosen = [(middle - step) % count, middle, (middle + step) % count] if unit is None else [unit]
    for k, one in enumerate(chosen):
        here, color = dataset["response"].isel(unit=one), shade(k, len(chosen))
        ax.plot(here.angle, here.sel(adapted="before"), "--", color=color)
        ax.plot(here.angle, here.sel(adapted="after"), "-", color=color, label=f"unit {one}")
    ax.plot([], [], "k--", label="before")
    ax.plot([], [], "k-", label="after")
    ax.axvline(facts["adaptor"], color="0.6", lw=1, ls=":")
    ax.set(
        xlabel="angle of the grating (degrees)",
        ylabel=f"{facts['response']} (normalized)",
        title=dataset.attrs.get("title", ""),
        xticks=range(0, 361, 90),
    )
    legend(ax)
    return ax


@experiment(
    "Adaptation",
    axes={
        "adapted": ("before or after adaptation", "1"),
        "angle": ("angle of the grating", "degree"),
        "unit": ("unit", "1"),
        "preferred_angle": ("preferred angle", "degree"),
    },
    columns={
        "response": ("response to a test", "1"),
        "preference": ("angle to which a unit responds most", "degree"),
        "shift": ("change of the preferred angle, away from the adaptor if above 0", "degree"),
        "ratio": ("largest response after adaptation/before", "1"),
        "correlation": ("mean correlation of the responses of two units over angles", "1"),
    },
    engine={"dt": 1e-3},
    source=(
        "Dragoi, Sharma & Sur (2000), Adaptation-induced plasticity of orientation tuning in adult visual cortex, Neuron "
        "28:287-298; Benucci, Saleem & Carandini (2013), Adaptation maintains population homeostasis in primary visual "
        "cortex, Nature Neuroscience 16:724-729"
    ),
    plot=draw,
)
def adaptation(
    circuit: Any,
    engine: Any = "reference",
    *,
    adaptor: float = 180.0,
    strength: float = 1.0,
    test: float = 0.2,
    angles: ArrayLike | None = None,
    time: Any = 2.0,
    show: Any = 0.1,
    window: Any = 0.02,
    signal: str | None = None,
    biased: float = 0.35,
) -> xr.Dataset:
    """Measure tuning curves, show an adaptor, and measure them again.

    Parameters
    ----------
    circuit : Circuit
        With slow states, as `organics_neuro.adapting` and `organics_neuro.depressing` attach them, and preferred angles.
    engine : str or Engine
        A simulator.
    adaptor, strength : float
        Angle and contrast of the adaptor.
    test : float
        Contrast of the tests.
    angles : array_like, optional
        Of the tests, in degrees on the circle of preferred angles; up to 72 all around it by default.
    time, show, window : float or Brian2 quantity
        Seconds for which the adaptor is shown, and each test after it, and at the end of the test in which responses are
        averaged. Tests should be short for the adaptation, and long for the circuit.
    signal : str, optional
        The output or state that is the response, by full name; the first output by default.
    biased : float
        Part of the stimuli over which correlations are taken that is the adaptor; the other angles share the rest.

    Returns
    -------
    xarray.Dataset
        ``response`` (adapted, angle, unit), for "before" and "after"; ``preference`` (adapted, unit), the angle of the
        first harmonic of the tuning curve; ``shift`` and ``ratio`` (unit); ``correlation`` (adapted), the mean over pairs of
        units.
    """
    if not isinstance(check_circuit(circuit), Circuit) or "angle" not in stimuli.preferred(circuit):
        raise ValueError(
            "the experiment needs a circuit whose units have preferred angles, such as organics_neuro.ring"
        )
    known = {**circuit.dynamics.channels, **circuit.states}
    name = name_among("signal", signal, known)
    level, weak, often = contrast("strength", strength), contrast("test", test), probability("biased", biased)
    dt = time_step(engine, circuit)
    last = in_steps("window", seconds("window", window), dt, 1, least=1)
    shown, each = gratings(circuit, angles, None)
    if len(shown) < 3:
        raise ValueError(f"angles must be three or more, so that a tuning curve has a preference, got {shown.tolist()}")
    _, adapt = gratings(circuit, [adaptor], None)
    start = engine.simulate(circuit, {k: 0 * v[0] for k, v in adapt.items()}, seconds("time", time), every=None)
    rest = {key: value[-1, 0] for key, value in start.items()}
    held = {key: level * value[0] for key, value in adapt.items()}
    adapted = engine.simulate(circuit, held, seconds("time", time), initial=rest, every=None)
    states = {"before": rest, "after": {key: value[-1, 0] for key, value in adapted.items()}}
    tests = {key: weak * value for key, value in each.items()}
    found = []
    for initial in states.values():
        trace = engine.simulate(circuit, tests, seconds("show", show), initial=initial, record=[name])[name]
        found.append(trace[-last:].mean(axis=0))
    response = np.array(found)
    prefer = np.rad2deg(np.angle(np.einsum("sau,a->su", response, np.exp(1j * np.deg2rad(shown))))) % 360
    variables = {
        "response": (("adapted", "angle", "unit"), response, {"long_name": long_name(name), "units": "1"}),
        "preference": (("adapted", "unit"), prefer),
        "shift": ("unit", _shift(prefer, adaptor)),
        "ratio": ("unit", response[1].max(axis=0) / np.maximum(response[0].max(axis=0), 1e-300)),
        "correlation": ("adapted", [_correlation(one, shown, adaptor, often) for one in response]),
    }
    dataset = with_units(xr.Dataset(variables, coords={"adapted": list(states), "angle": shown}))
    apart = np.abs((stimuli.preferred(circuit)["angle"] - adaptor + 180) % 360 - 180)
    facts = {"signal": name, "response": long_name(name), "adaptor": float(adaptor), "strength": level, "test": weak}
    return with_preferences(dataset, circuit).assign_attrs(**facts, adapted_unit=int(apart.argmin()))


def _shift(prefer: np.ndarray, adaptor: float) -> np.ndarray:
    """How far preferred angles (before and after, units) moved away from the adaptor."""
    moved = (prefer[1] - prefer[0] + 180) % 360 - 180
    return moved * np.sign(np.round((prefer[0] - adaptor + 180) % 360 - 180, 6))


def _correlation(response: np.ndarray, angles: np.ndarray, adaptor: float, biased: float) -> float:
    """Mean correlation of pairs of units over stimuli (angles, units), among which the adaptor is more frequent."""
    nearest = int(np.abs((angles - adaptor + 180) % 360 - 180).argmin())
    weights = np.full(len(angles), (1 - biased) / (len(angles) - 1))
    weights[nearest] = biased
    around = response - weights @ response
    covariance = (weights[:, None] * around).T @ around
    deviation = np.sqrt(np.diagonal(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / (deviation[:, None] * deviation)
    return float(correlation[~np.eye(len(deviation), dtype=bool)].mean())
