"""Phase plane of a circuit of two states: its flow, nullclines, fixed points and trajectories."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import theory
from organics_neuro.core.boundary import Values, positive_int, shown
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.theory.problems import constant_inputs
from organics_neuro.core.units import real_numbers
from organics_neuro.experiments.drawing import axes, shade
from organics_neuro.experiments.protocol import long_name, time_step
from organics_neuro.experiments.registry import experiment

#: Guesses along each axis from which fixed points are searched.
_GUESSES = 13


def draw(dataset: xr.Dataset, ax: Any = None):
    """The flow as streamlines, the nullclines, fixed points (filled if stable) and trajectories.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.phase_plane`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.lines import Line2D

    ax, (first, second) = axes(ax), dataset.attrs["states"].split(", ")
    x, y = dataset["x"].values, dataset["y"].values
    flow = [dataset[name].transpose("y", "x").values for name in ("flow_x", "flow_y")]
    even_y = np.linspace(y[0], y[-1], len(y))
    ax.streamplot(x, even_y, *flow, color="0.8", linewidth=0.6, arrowsize=0.7, density=1.1, zorder=0)
    handles = []
    for k, (values, name) in enumerate(zip(flow, (first, second), strict=True)):
        ax.contour(x, y, values, levels=[0], colors=[shade(k, 2)], linewidths=1.8)
        handles.append(Line2D([], [], color=shade(k, 2), lw=1.8, label=f"d{name}/dt = 0"))
    for k in range(dataset.sizes.get("start", 0)):
        path = dataset[["path_x", "path_y"]].isel(start=k)
        ax.plot(path["path_x"], path["path_y"], color="black", lw=1)
        ax.plot(path["path_x"][0], path["path_y"][0], "k.", ms=4)
    if dataset.sizes.get("start", 0):
        handles.append(Line2D([], [], color="black", lw=1, label="trajectory"))
    for stable, label in ((True, "stable"), (False, "unstable")):
        those = dataset["stable"].values == stable
        style = {"marker": "o", "ms": 7, "mec": "black", "mfc": "black" if stable else "white", "ls": ""}
        if those.any():
            ax.plot(dataset["fixed_x"].values[those], dataset["fixed_y"].values[those], zorder=5, **style)
            handles.append(Line2D([], [], label=f"{label} fixed point", **style))
    ax.set(
        xlim=(x[0], x[-1]),
        ylim=(y[0], y[-1]),
        xlabel=dataset["x"].attrs["long_name"],
        ylabel=dataset["y"].attrs["long_name"],
        title=dataset.attrs.get("title", ""),
    )
    ax.legend(handles=handles, fontsize="small", framealpha=0.9, loc="upper left")
    return ax


@experiment(
    "Phase plane",
    axes={"point": ("fixed point", "1"), "start": ("trajectory", "1"), "time": ("time", "s")},
    columns={
        "flow_x": ("rate of change of the first state", "1/s"),
        "flow_y": ("rate of change of the second state", "1/s"),
        "fixed_x": ("first state at the fixed point", "1"),
        "fixed_y": ("second state at the fixed point", "1"),
        "stable": ("whether the fixed point is stable", "1"),
        "leading": ("real part of the leading eigenvalue", "1/s"),
        "frequency": ("frequency of the leading mode", "Hz"),
        "path_x": ("first state of a trajectory", "1"),
        "path_y": ("second state of a trajectory", "1"),
    },
    engine={"duration": 0.1, "dt": 1e-4},
    source="Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946",
    figure="1 and 2",
    plot=draw,
)
def phase_plane(
    circuit: Any,
    z: Values = None,
    engine: Any = "reference",
    *,
    x: tuple[float, float] = (-1.5, 1.5),
    y: tuple[float, float] = (0.0, 1.5),
    points: int = 101,
    starts: ArrayLike = (),
) -> xr.Dataset:
    """Everything that a circuit of two states can do at a constant input.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        With two states in all, such as one unit of the two-type circuit.
    z : array_like or dict
        Its input.
    engine : str or Engine
        A simulator, for the trajectories.
    x, y : (float, float)
        The window: lowest and highest value of the first and of the second state.
    points : int
        Samples along each side of the window.
    starts : array_like, shape (trajectories, 2)
        Where trajectories start.

    Returns
    -------
    xarray.Dataset
        ``flow_x`` and ``flow_y`` (x, y), whose zeros are the nullclines; the fixed points in the window that
        `organics_neuro.theory.fixed_points` finds, which starts from a grid in it as well, in the order of the first state:
        ``fixed_x``, ``fixed_y``, ``stable``, ``leading`` and ``frequency`` (point); and, with ``starts``, ``path_x`` and
        ``path_y`` (start, time).

    Raises
    ------
    ValueError
        For a circuit with other than two states.
    """
    dynamics: Any = check_circuit(circuit).dynamics
    if dynamics.size != 2:
        raise ValueError(f"a phase plane has two states, but the circuit has {dynamics.size}; take one unit of it")
    names = [f"{name}" for name, units in circuit.states.items() for _ in range(units)]
    window, inputs = [_side("x", x), _side("y", y)], constant_inputs(dynamics, z)
    grid = [np.linspace(low, high, positive_int("points", points)) for low, high in window]
    states = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1)
    with np.errstate(all="ignore"):
        flow = dynamics.flow(states.reshape(-1, 2), inputs).reshape(states.shape)
    found = _fixed_points(circuit, inputs, window)
    leading = np.empty(0, dtype=complex)
    if len(found):
        leading = theory.eigenvalues(circuit, inputs, dynamics.unpack(found))[:, 0]
    labels = names if len(set(names)) == 2 else [f"{name} of unit {k}" for k, name in enumerate(names)]
    coordinates = {
        side: (side, each, {"long_name": long_name(n)}) for side, each, n in zip("xy", grid, labels, strict=True)
    }
    variables: dict[str, Any] = {f"flow_{side}": (("x", "y"), flow[..., k]) for k, side in enumerate("xy")}
    variables |= {f"fixed_{side}": ("point", found[:, k]) for k, side in enumerate("xy")}
    variables |= {"stable": ("point", leading.real < 0), "leading": ("point", leading.real)}
    variables["frequency"] = ("point", np.abs(leading.imag) / (2 * np.pi))
    dataset = xr.Dataset(variables, coords=coordinates).assign_attrs(states=", ".join(labels))
    return dataset.merge(_paths(circuit, inputs, engine, starts), combine_attrs="override")


def _side(name: str, values: Any) -> tuple[float, float]:
    given = real_numbers(name, values)
    if given.shape != (2,) or not given[0] < given[1]:
        raise ValueError(f"{name} must be the lowest and the highest value of a window, got {shown(values)}")
    return float(given[0]), float(given[1])


def _fixed_points(circuit: Any, inputs: Any, window: list) -> np.ndarray:
    """Fixed points (points, 2) in the window, in the order of the first state."""
    sides = [np.linspace(low, high, _GUESSES) for low, high in window]
    low, high = window[1]
    sides[1] = np.concatenate([sides[1], low + np.geomspace(1e-3, 1, 8) * (high - low)])  # dense where a is small
    guesses = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
    found = theory.fixed_points(circuit, inputs, circuit.dynamics.unpack(guesses))
    states = circuit.dynamics.pack(found.state, (len(found),))
    inside = ((states >= np.min(window, axis=1)) & (states <= np.max(window, axis=1))).all(axis=1)
    return states[inside][np.lexsort(states[inside].T[::-1])]


def _paths(circuit: Any, inputs: Any, engine: Any, starts: ArrayLike) -> xr.Dataset:
    given = real_numbers("starts", starts)
    if not given.size:
        return xr.Dataset()
    if given.ndim != 2 or given.shape[1] != 2:
        raise ValueError(f"starts must have shape (trajectories, 2), got {given.shape}")
    trace = engine.simulate(circuit, inputs, initial=circuit.dynamics.unpack(given))
    paths = np.concatenate([value for value in trace.values()], axis=-1)
    time = np.arange(len(paths)) * time_step(engine, circuit)
    variables = {f"path_{side}": (("start", "time"), paths[..., k].T) for k, side in enumerate("xy")}
    return xr.Dataset(variables, coords={"time": time})
