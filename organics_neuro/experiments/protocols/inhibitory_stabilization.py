"""Inhibitory stabilization: more drive to inhibitory units lowers their own rate where excitation alone would run away."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import theory
from organics_neuro.core.boundary import known_name, list_of, shown
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.names import Name
from organics_neuro.core.reference import DT
from organics_neuro.core.units import magnitude
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.protocol import Stimulus, with_units
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, responses


def draw(dataset: xr.Dataset, ax: Any = None):
    """The mean over units of each output, minus what it is without the change, against the drive that is added.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.inhibitory_stabilization`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes(ax)
    names = [str(name) for name, value in dataset.data_vars.items() if "preferred_unit" in value.attrs]
    for k, name in enumerate(names):
        values = dataset[name].mean([d for d in dataset[name].dims if d != "change"])
        rest = float(np.interp(0, dataset["change"], values))
        ax.plot(dataset["change"], values - rest, "o-", ms=4, color=shade(k, len(names)), label=name)
    ax.axhline(0, color="0.6", lw=1)
    said = "paradoxical" if dataset.attrs["paradoxical"] == "True" else "not paradoxical"
    ax.set(
        xlabel=f"drive added to {dataset.attrs['target']}",
        ylabel="change of the mean response",
        title=f"{dataset.attrs.get('title', '')} ({said})",
    )
    legend(ax)
    return ax


@experiment(
    "Inhibitory stabilization",
    axes={"change": ("drive added to the inhibitory units", "1"), **AXES},
    columns=COLUMNS,
    engine={"duration": 1.0, "window": 0.2, "dt": DT},
    source=(
        "Tsodyks, Skaggs, Sejnowski & McNaughton (1997), Paradoxical effects of external modulation of inhibitory "
        "interneurons, Journal of Neuroscience 17:4382-4388; Ozeki, Finn, Schaffer, Miller & Ferster (2009), Neuron "
        "62:578-592"
    ),
    plot=draw,
)
def inhibitory_stabilization(
    circuit: Any,
    changes: ArrayLike,
    engine: Any = "theory",
    *,
    target: str,
    held: Sequence[str] | None = None,
    stimulus: Stimulus = None,
) -> xr.Dataset:
    """Add drive to inhibitory units, and ask whether the circuit would be stable without their feedback.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        With an input to its inhibitory units alone.
    changes : array_like, shape (changes,)
        What is added to the input of all inhibitory units, in rising order, around 0.
    engine : str or Engine
        Simulators show all changes as trials of one network; "theory" takes the fixed point.
    target : str
        Full name of the input of the inhibitory units.
    held : sequence of str, optional
        States of the inhibitory units, by full name; by default all of the population that has the input.
    stimulus : array_like or dict, optional
        Inputs by name while the drive is added.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit with the axes change and unit, and ``settled``. The attribute ``leading`` is the real part of
        the leading eigenvalue in 1/s, ``leading_held`` that with the inhibitory states held: above 0 the circuit is
        stabilized by inhibition. ``paradoxical`` says whether the mean of the inhibitory states falls with the drive,
        and ``slope`` by how much.

    Raises
    ------
    ValueError
        For a target that is no input, or if there are no other states.
    """
    dynamics: Any = check_circuit(circuit).dynamics
    name = Name.parse(known_name("input in target", target, [str(key) for key in dynamics.inputs]))
    steps = magnitude("changes", changes, dynamics.unit(name))
    if steps.ndim != 1 or not steps.size or (np.diff(steps) <= 0).any():
        raise ValueError(f"changes must be a list of numbers in rising order, got {shown(changes)}")
    states = [str(state) for state in dynamics.states]
    own = [s for s in states if Name.parse(s).population == name.population] if held is None else list_of("held", held)
    for state in own:
        known_name("state in held", state, states)
    if len(own) in (0, len(states)):
        raise ValueError("held must name the states of the inhibitory units, and leave out those of the others")
    inputs = dynamics.resolve_inputs(stimulus)
    added = {**inputs, name: inputs[name] + steps[:, None]}
    dataset = responses(circuit, engine, added, {"change": steps})
    return with_units(dataset).assign_attrs(target=target, held=", ".join(own), **_theory(circuit, inputs, name, own))


def _theory(circuit: Any, inputs: dict, name: Name, held: list[str]) -> dict[str, Any]:
    """What the linearised circuit says, as attributes."""
    point = theory.fixed_point(circuit, inputs)
    if not np.all(point.converged):
        return {"paradoxical": "not known", "slope": np.nan, "leading": np.nan, "leading_held": np.nan}
    dynamics = circuit.dynamics
    matrix = theory.jacobian(circuit, inputs, point.state)
    free = np.ones(dynamics.size, dtype=bool)
    for state in held:
        free[dynamics.slices[state]] = False
    leading = {"leading": matrix, "leading_held": matrix[np.ix_(free, free)]}
    values = {key: float(np.linalg.eigvals(each).real.max()) for key, each in leading.items()}
    if values["leading"] >= 0:
        return {"paradoxical": "not known", "slope": np.nan, **values}
    moved = theory.response(circuit, inputs, {str(name): 1.0}, state=point.state)
    slope = float(np.mean([moved[state].real.mean() for state in held]))
    return {"paradoxical": str(slope < 0), "slope": slope, **values}
