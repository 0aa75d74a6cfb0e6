"""Working memory: a target is shown and held, and a distractor comes while the gates are closed, or not quite."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import number, shown
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.pairs import join_complex
from organics_neuro.core.units import magnitude, seconds
from organics_neuro.experiments.drawing import axes, curves, labels, legend, shade
from organics_neuro.experiments.protocol import in_steps, time_step
from organics_neuro.experiments.registry import experiment

#: What a circuit must have to be one of working memory.
_NEEDED = ("z_re", "z_im", "c_a", "c_b")
#: Samples that are kept of each state.
_SAMPLES = 500


def draw(dataset: xr.Dataset, ax: Any = None):
    """The remembered angle against time, one curve for each opening of the gates, with what was shown and when.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.working_memory`, or what is left of it after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, facts = axes(ax), dataset.attrs
    for name, start, end in (
        ("target", 0.0, facts["target_off"]),
        ("distractor", facts["distractor_on"], facts["distractor_off"]),
    ):
        ax.axvspan(start, end, color="0.9", lw=0)
        ax.annotate(
            name, ((start + end) / 2, 0.98), xycoords=("data", "axes fraction"), ha="center", va="top", fontsize="small"
        )
        ax.plot([start, end], [facts[name]] * 2, color="black", lw=1, ls=":")
    lines = curves(dataset["angle"], "time")
    for k, (curve, label) in enumerate(zip(lines, labels(lines), strict=True)):
        ax.plot(curve.time, curve, color=shade(k, len(lines)), lw=2, label=label)
    ax.set(
        xlabel="time (s)",
        ylabel="remembered angle (degrees)",
        title=facts.get("title", ""),
        ylim=(0, 360),
        yticks=range(0, 361, 90),
    )
    legend(ax, title="opening of the gates", title_fontsize="small")
    return ax


@experiment(
    "Working memory",
    axes={
        "gate": ("opening of the gates while the distractor is shown", "1"),
        "time": ("time", "s"),
        "unit": ("unit", "1"),
        "preferred_angle": ("preferred angle", "degree"),
    },
    columns={
        "modulus": ("modulus of the activity", "1"),
        "angle": ("remembered angle", "degree"),
        "length": ("length of the vector of activity, relative to that at the end of the target", "1"),
        "error": ("remembered angle at the end, from that of the target", "degree"),
    },
    engine={"dt": 1e-3},
    source=(
        "Heeger & Mackey (2019), Oscillatory recurrent gated neural integrator circuits (ORGaNICs), a unifying theoretical "
        "framework for neural dynamics, PNAS 116:22783-22794"
    ),
    plot=draw,
)
def working_memory(
    circuit: Any,
    gates: ArrayLike = (0.0, 0.1, 1.0, 100.0),
    engine: Any = "reference",
    *,
    target: float = 180.0,
    distractor: float = 90.0,
    strength: float = 1.0,
    width: float = 60.0,
    show: Any = 0.2,
    delay: Any = 0.4,
    opening: float = 100.0,
    close: Any = 0.05,
) -> xr.Dataset:
    """Show a target with open gates, close them, show a distractor, and read out what is remembered.

    The target stays for the time ``close`` after the gates were told to close: what is held does not decay while they are
    closing, as input and recurrence then change places.

    Parameters
    ----------
    circuit : Circuit
        Of the model "working_memory" or one with the inputs z (complex), c_a and c_b, on a ring.
    gates : array_like, shape (gates,)
        How far both gates open while the distractor is shown; 0 keeps them closed.
    engine : str or Engine
        A simulator. "euler" makes what turns grow by abs(1 + i omega dt) in each step; see the method "rk4".
    target, distractor : float
        Angles in degrees.
    strength, width : float
        Of the bumps that are shown: height, and full width at half of it, in degrees.
    show, delay : float or Brian2 quantity
        Seconds for which target and distractor are shown, and of the delays after each of them.
    opening : float
        How far the gates open for the target.
    close : float or Brian2 quantity
        Seconds for which the target stays while the gates close; many of their time constants.

    Returns
    -------
    xarray.Dataset
        ``modulus`` (gate, time, unit); ``angle`` (gate, time), the phase of its first harmonic around the ring, NaN while
        there is no activity; ``length`` (gate, time); and ``error`` (gate), where the angle ends, from that of the target.
        The attributes say when what was shown.

    Raises
    ------
    ValueError
        For a circuit without gates.
    """
    check_memory(circuit)
    gates = magnitude("gates", gates, "1")
    if gates.ndim != 1 or not gates.size or (gates < 0).any():
        raise ValueError(f"gates must be a list of numbers that are not negative, got {shown(gates)}")
    times = {key: seconds(key, value) for key, value in (("show", show), ("close", close), ("delay", delay))}
    ends = np.cumsum([times["show"], times["close"], times["delay"], times["show"], times["close"], times["delay"]])
    dt = time_step(engine, circuit)
    steps = in_steps("the time of show, close and delay", float(ends[-1]), dt, circuit.size * (2 + gates.size))
    now = (np.arange(steps) + 0.5) * dt
    open_, hold = now < ends[0], now < ends[1]
    again, last = (now >= ends[2]) & (now < ends[3]), (now >= ends[2]) & (now < ends[4])
    bumps = [bump(circuit.size, angle, strength, width) for angle in (target, distractor)]
    z = hold[:, None] * bumps[0] + last[:, None] * bumps[1]
    wide = number("opening", opening, "a number above 0", lambda g: g > 0)
    command = wide * open_[:, None] + gates * again[:, None]
    commands = np.repeat(command[..., None], circuit.size, axis=2)
    inputs = {"z_re": z[:, None], "z_im": np.zeros(circuit.size), "c_a": commands, "c_b": commands}
    every = max(1, steps // _SAMPLES)
    found = engine.simulate(circuit, inputs, steps * dt, record=["y_re", "y_im"], every=every)
    modulus = np.abs(join_complex(found)["y"]).swapaxes(0, 1)
    time = np.arange(modulus.shape[1]) * every * dt
    dataset = read_out(modulus, time, ends[1], target).assign_coords(gate=gates)
    facts = {"target": target, "distractor": distractor, "target_off": ends[1]}
    return dataset.assign_attrs({**facts, "distractor_on": ends[2], "distractor_off": ends[4]})


def check_memory(circuit: Any) -> None:
    """Raise `ValueError` for a circuit that is none of working memory."""
    if not isinstance(circuit, Circuit) or not set(_NEEDED) <= set(circuit.inputs):
        raise ValueError(
            "the experiment needs a circuit with the inputs z, c_a and c_b; make one of the model 'working_memory'"
        )


def bump(units: int, angle: float, strength: float, width: float) -> np.ndarray:
    """A bump of activity (units,) around an angle."""
    angle = number("target and distractor", angle, "angles in degrees", lambda _: True)
    half = np.deg2rad(number("width", width, "above 0 and below 360 degrees", lambda w: 0 < w < 360)) / 2
    strength = number("strength", strength, "a number above 0", lambda s: s > 0)
    distance = 2 * np.pi * np.arange(units) / units - np.deg2rad(angle)
    return strength * np.exp(np.log(2) / (1 - np.cos(half)) * (np.cos(distance) - 1))


def read_out(modulus: np.ndarray, time: np.ndarray, held: float, target: float) -> xr.Dataset:
    """What activity (gates, samples, units) says about the angle."""
    units = modulus.shape[-1]
    angles = np.arange(units) * 360 / units
    vector = modulus @ np.exp(1j * np.deg2rad(angles))
    length = np.linalg.norm(modulus, axis=-1)
    seen = np.abs(vector) > 1e-9 * max(float(length.max()), 1e-300)
    angle = np.where(seen, np.rad2deg(np.angle(vector)) % 360, np.nan)
    at = min(int(np.searchsorted(time, held)), len(time) - 1)
    error = (angle[:, -1] - target + 180) % 360 - 180
    variables = {
        "modulus": (("gate", "time", "unit"), modulus),
        "angle": (("gate", "time"), angle),
        "length": (("gate", "time"), length / length[:, [at]]),
        "error": ("gate", error),
    }
    coordinates = {"time": time, "unit": np.arange(units), "preferred_angle": ("unit", angles)}
    return xr.Dataset(variables, coords=coordinates)
