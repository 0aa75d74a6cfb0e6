"""Maintenance in working memory: what is held stays, turns its phase, or moves, as fast as the recurrence says."""

from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core.boundary import number
from organics_neuro.core.pairs import join_complex
from organics_neuro.core.units import seconds
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.protocol import in_steps, time_step
from organics_neuro.experiments.protocols.working_memory import bump, check_memory, read_out
from organics_neuro.experiments.registry import experiment

#: Samples that are kept of each state.
_SAMPLES = 500


def draw(dataset: xr.Dataset, ax: Any = None):
    """The phase of what is held, the angle of its bump and its length against time.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.memory_maintenance`, or one quantity of a sweep of it.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes(ax)
    for name, scale in (("phase", 360.0), ("moved", 360.0), ("length", 1.0)):
        before = len(ax.get_lines())
        draw_curves(ax, dataset[name] / scale, "time")
        for line in ax.get_lines()[before:]:
            line.set(marker="", linestyle={"phase": "-", "moved": "--", "length": ":"}[name])
            words = {"phase": "turns of the phase", "moved": "turns around the ring", "length": "length"}[name]
            label = line.get_label()
            line.set_label(words if label.startswith("_") or not label else f"{words}, {label}")
    ax.set(xlabel="time of maintenance (s)", ylabel="turns, relative length", title=dataset.attrs.get("title", ""))
    legend(ax)
    return ax


@experiment(
    "Maintenance in working memory",
    axes={"time": ("time of maintenance", "s")},
    columns={
        "phase": ("phase of what is held, from that at the start", "degree"),
        "moved": ("angle of the bump, from that at the start", "degree"),
        "length": ("length of the vector of activity, relative to that at the start", "1"),
        "frequency": ("how often the phase goes around", "Hz"),
        "velocity": ("how fast the bump moves", "degree/s"),
        "decay": ("rate at which activity decays", "1/s"),
    },
    engine={"dt": 1e-3},
    source=(
        "Heeger & Mackey (2019), Oscillatory recurrent gated neural integrator circuits (ORGaNICs), a unifying theoretical "
        "framework for neural dynamics, PNAS 116:22783-22794"
    ),
    plot=draw,
)
def memory_maintenance(
    circuit: Any,
    engine: Any = "reference",
    *,
    target: float = 180.0,
    width: float = 60.0,
    leak: float = 0.0,
    delay: Any = 1.0,
) -> xr.Dataset:
    """Start with a bump of activity and closed gates, and follow what the recurrence makes of it.

    Sustained activity stays; with eigenvalues 1 + i omega tau its phase goes around, twice as fast with a time warp of
    two; a recurrence that translates moves the bump; a gate that leaks lets it decay at leak/((1 + leak) tau_y). Circuits
    with other weights are swept over: ``sweep("memory_maintenance", {"1": ..., "2": ...})``.

    Parameters
    ----------
    circuit : Circuit
        Of the model "working_memory" or one with the inputs z (complex), c_a and c_b, on a ring; weights are those of
        `organics_neuro.weights.memory_recurrence`.
    engine : str or Engine
        A simulator. "euler" makes what turns grow by abs(1 + i omega dt) in each step; see the method "rk4".
    target, width : float
        Angle of the bump, and its full width at half height, in degrees.
    leak : float
        How far the gate of the recurrence is open during maintenance.
    delay : float or Brian2 quantity
        Seconds of maintenance.

    Returns
    -------
    xarray.Dataset
        Over time: ``phase`` of the sum of the activity over units, ``moved``, the angle of its modulus, and ``length``; and
        what lines through them say: ``frequency``, ``velocity``, ``decay``.
    """
    check_memory(circuit)
    open_ = number("leak", leak, "a number that is not negative", lambda g: g >= 0)
    dt = time_step(engine, circuit)
    steps = in_steps("delay", seconds("delay", delay), dt, circuit.size, least=2)
    start = bump(circuit.size, target, 1.0, width)
    start = _held(circuit, start)
    inputs = {"z_re": np.zeros(circuit.size), "z_im": np.zeros(circuit.size), "c_a": open_, "c_b": 0.0}
    initial = {"y_re": start.real, "y_im": start.imag}
    every = max(1, steps // _SAMPLES)
    found = engine.simulate(circuit, inputs, steps * dt, initial=initial, record=["y_re", "y_im"], every=every)
    y = join_complex(found)["y"][:, 0]
    time = np.arange(len(y)) * every * dt
    seen = read_out(np.abs(y)[None], time, 0.0, target)
    phase = np.rad2deg(np.unwrap(np.angle(y.sum(axis=-1))))
    moved = np.rad2deg(np.unwrap(np.deg2rad(seen["angle"].values[0])))
    length = seen["length"].values[0]
    with np.errstate(divide="ignore"):
        slopes = [
            float(np.polyfit(time, values, 1)[0]) for values in (phase, moved, np.log(np.maximum(length, 1e-300)))
        ]
    variables = {"phase": phase - phase[0], "moved": moved - moved[0], "length": length}
    rates = {"frequency": slopes[0] / 360, "velocity": slopes[1], "decay": -slopes[2]}
    dataset = xr.Dataset({key: ("time", value) for key, value in variables.items()}, coords={"time": time})
    return dataset.assign(rates).assign_attrs(target=target, leak=open_)


def _held(circuit: Any, activity: np.ndarray) -> np.ndarray:
    """What of activity (units,) the recurrence holds: the modes whose eigenvalues have the real part 1."""
    weights = sum(
        factor * circuit.weights[name].to_dense()
        for name, factor in (("W_r_re", 1), ("W_r_im", 1j))
        if name in circuit.weights
    )
    values, modes = np.linalg.eig(weights)
    coordinates = np.linalg.solve(modes, activity.astype(complex))
    return modes @ np.where(np.abs(values.real - 1) < 1e-9, coordinates, 0)
