"""Bifurcation diagram: fixed points along a parameter, with folds and Hopf bifurcations, and limit cycles where they are born."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core import theory
from organics_neuro.core.boundary import Values, shown
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.theory.continuation import Along
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.protocol import name_among
from organics_neuro.experiments.registry import experiment

#: How bifurcations are marked and called.
_MARKS = {"fold": ("s", "fold"), "hopf": ("D", "Hopf bifurcation"), "branch": ("^", "crossing of branches")}


def draw(dataset: xr.Dataset, state: str | None = None, unit: int = 0, ax: Any = None):
    """A unit of a state against the parameter: stable points as lines, unstable ones dashed, bifurcations as marks.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.bifurcation`.
    state : str, optional
        By full name; the first by default.
    unit : int
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    known = [str(name) for name, value in dataset.data_vars.items() if value.attrs.get("kind") == "state"]
    name = name_among("state", state, known)
    values = dataset[name].isel({dataset[name].dims[-1]: unit})
    ax, drawn = axes(ax), set()
    for number in np.unique(dataset["branch"].values):
        here = np.flatnonzero(dataset["branch"].values == number)
        stable = dataset["unstable_modes"].values[here] == 0
        edges = np.flatnonzero(np.diff(stable)) + 1
        for part in np.split(np.arange(len(here)), edges):
            wide = here[part[0] : part[-1] + 2]  # up to the next part, so that there is no gap
            kind = "stable" if stable[part[0]] else "unstable"
            style = {"ls": "-" if stable[part[0]] else "--", "color": shade(0, 2), "lw": 2 if stable[part[0]] else 1}
            ax.plot(dataset["value"][wide], values[wide], **style, label=None if kind in drawn else kind)
            drawn.add(kind)
    for k, kind in enumerate(dataset["kind"].values):
        mark, label = _MARKS[str(kind)]
        label += f", {dataset['frequency'].values[k]:.3g} Hz" if dataset["frequency"].values[k] else ""
        found = dataset[f"{name}_there"].isel({dataset[f"{name}_there"].dims[-1]: unit})
        ax.plot(dataset["where"][k], found[k], mark, color=shade(1, 2), ms=7, label=label)
    ax.set(xlabel=dataset.attrs["along"], ylabel=f"{name} at the fixed point", title=dataset.attrs.get("title", ""))
    legend(ax)
    return ax


@experiment(
    "Bifurcation diagram",
    axes={"point": ("point of a branch", "1"), "bifurcation": ("bifurcation", "1")},
    columns={
        "branch": ("number of the branch", "1"),
        "value": ("the parameter", "1"),
        "leading": ("real part of the leading eigenvalue", "1/s"),
        "unstable_modes": ("number of modes that grow", "1"),
        "kind": ("kind of the bifurcation", "1"),
        "where": ("the parameter at the bifurcation", "1"),
        "frequency": ("frequency of the mode", "Hz"),
    },
    source="Kuznetsov (2004), Elements of Applied Bifurcation Theory, Springer; Keller (1977), pseudo-arclength continuation",
    plot=draw,
)
def bifurcation(
    circuit: Any,
    along: Along,
    start: float,
    end: float,
    *,
    z: Values = None,
    guesses: Mapping | None = None,
    step: float = 0.02,
) -> xr.Dataset:
    """Continue fixed points along a parameter, each branch around its folds.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        Of up to 1000 states.
    along, start, end
        As for `organics_neuro.theory.bifurcation`: a parameter or an input by name, or a function of the value.
    z : array_like or dict, optional
        Input of shape (units,).
    guesses : dict, optional
        States near which branches begin at ``start``, each (guesses, units); by default the one fixed point to which the
        circuit leads.
    step : float
        Longest step, relative to the range.

    Returns
    -------
    xarray.Dataset
        Over point: ``value`` of the parameter, ``branch``, each state (point, unit), ``leading`` and ``unstable_modes``. Over
        bifurcation: ``kind``, ``where`` and ``frequency``, and each state as ``y_there``.

    Warns
    -----
    ConvergenceWarning
        If a branch was not followed to the end of the range.
    """
    dynamics: Any = check_circuit(circuit).dynamics
    starts = _guesses(dynamics, guesses)
    branches = [theory.bifurcation(circuit, z, along, start, end, guess, step=step) for guess in starts]
    events = [event for branch in branches for event in branch.bifurcations]
    variables: dict[str, Any] = {
        "branch": ("point", np.concatenate([np.full(len(each), k) for k, each in enumerate(branches)])),
        "value": ("point", np.concatenate([each.value for each in branches])),
        "leading": ("point", np.concatenate([each.leading.real for each in branches])),
        "unstable_modes": ("point", np.concatenate([each.unstable_modes for each in branches])),
        "kind": ("bifurcation", np.array([event.kind for event in events], dtype=str)),
        "where": ("bifurcation", np.array([event.value for event in events], dtype=float)),
        "frequency": ("bifurcation", np.array([event.frequency for event in events], dtype=float)),
    }
    for name, units in dynamics.states.items():
        axis = f"{name}_unit"
        there = np.array([event.state[name] for event in events]).reshape(-1, units)
        facts = {"long_name": f"{name} at the fixed point", "units": "1"}
        points = np.concatenate([each.state[name] for each in branches])
        variables[str(name)] = (("point", axis), points, {**facts, "kind": "state"})
        variables[f"{name}_there"] = (
            ("bifurcation", axis),
            there,
            {**facts, "long_name": f"{name} at the bifurcation"},
        )
    return xr.Dataset(
        variables, attrs={"along": along if isinstance(along, str) else getattr(along, "__name__", "parameter")}
    )


def _guesses(dynamics: Any, guesses: Mapping | None) -> list[dict | None]:
    if guesses is None:
        return [None]
    given = dynamics.resolve_states("guesses", guesses)
    counts = {len(value) for value in given.values() if value.ndim == 2}
    if len(counts) != 1:
        raise ValueError(f"guesses must be states of one shape (guesses, units), got {shown(guesses)}")
    count = counts.pop()
    wide = {name: np.broadcast_to(value, (count, value.shape[-1])) for name, value in given.items()}
    return [{name: value[k] for name, value in wide.items()} for k in range(count)]
