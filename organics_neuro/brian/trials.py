"""How the neurons of a group are laid out: trials, units of a trial, cells of a unit."""

from __future__ import annotations

from math import prod
from typing import NamedTuple, TypeVar

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.brian.kernels.runner import whole
from organics_neuro.core.boundary import positive_int

G = TypeVar("G", bound=b2.Group)
_NAMES = ("trials", "units", "cells")


class Layout(NamedTuple):
    """Neuron ``(trial * units + unit) * cells + cell`` of a group."""

    trials: int
    units: int
    cells: int = 1

    @property
    def per_trial(self) -> int:
        """Neurons of one trial."""
        return self.units * self.cells


def set_trials(group: G, trials: int, cells: int = 1) -> G:
    """Say how many trials the neurons of a group are: neuron ``(trial * units + unit) * cells + cell``.

    A `CircuitGroup` and the neurons of `rate_to_spikes` know it by themselves. Of a group that was not told, couplings
    take all neurons for those of one trial.

    Parameters
    ----------
    group : NeuronGroup
        Any group of Brian2, not a part of one.
    trials : int
        Independent repetitions, which couplings keep apart.
    cells : int
        Neurons that stand for one unit: couplings without weights give all of them what the unit has, and take their
        mean for it.

    Returns
    -------
    NeuronGroup
        The same group; it has the attributes ``trials``, ``units`` (of a trial) and ``cells`` from now on.

    Raises
    ------
    ValueError, TypeError
        If the number of neurons is no multiple of ``trials * cells``, the group knows its trials already, or one of
        its variables has the name of an attribute.

    Examples
    --------
    ``lif = on.set_trials(b2.NeuronGroup(8*12, ...), trials=8)``
    """
    if not isinstance(group, b2.Group) or not hasattr(group, "__len__") or group is not whole(group):
        raise TypeError(f"group must be a group of neurons, and not a part of one, got {type(group).__name__}")
    trials, cells = positive_int("trials", trials), positive_int("cells", cells)
    known, made = layout_of(group), Layout(trials, len(group) // (trials * cells), cells)
    if known not in (None, made):
        raise ValueError(
            f"{group.name!r} has {known.trials} trials of {known.units} units with {known.cells} cells already"
        )
    if len(group) % (trials * cells):
        raise ValueError(
            f"{group.name!r} has {len(group)} neurons, which are no multiple of {trials} trials x {cells} cells"
        )
    for name in _NAMES:
        if name in group.variables:
            raise ValueError(
                f"the variable {name!r} of {group.name!r} has a name that says how neurons are laid out; rename it"
            )
    vars(group).update(zip(_NAMES, made, strict=True))
    return group


def split(values: ArrayLike, *shape: int) -> np.ndarray:
    """Values whose first axis is the neurons with as many axes as ``shape`` says: (trials, units) or (trials, units, cells).

    Raises
    ------
    ValueError
        If there is not one row for each neuron.
    """
    values = np.array(values)  # a copy: the values of a state change as the simulation goes on
    if values.shape[:1] != (prod(shape),):
        raise ValueError(f"values must have {prod(shape)} rows, one per neuron, got shape {values.shape}")
    return values.reshape(*shape, *values.shape[1:])


def layout_of(group: b2.Group) -> Layout | None:
    """The layout of a group that knows its own, or of a part of one that is whole trials; None for all others.

    Raises
    ------
    ValueError
        For a part that is not whole trials.
    """
    circuit = whole(group)
    known = vars(circuit)  # not the variables of a plain group
    if known.get("trials") is None or known.get("units") is None:
        return None
    layout = Layout(known["trials"], known["units"], known.get("cells", 1))
    if group is circuit:
        return layout
    if layout.trials == 1:
        return Layout(1, len(group))
    if group.start % layout.per_trial or group.stop % layout.per_trial:
        raise ValueError(
            f"{group.name!r} is the neurons {group.start} to {group.stop - 1} of {circuit.name!r}, which are not "
            f"whole trials of {layout.per_trial} units; take a multiple of {layout.per_trial} neurons from a multiple of "
            f"{layout.per_trial} on"
        )
    return layout._replace(trials=(group.stop - group.start) // layout.per_trial)


def matched(source: b2.Group, target: b2.Group, broadcast: bool = False) -> tuple[Layout, Layout]:
    """The layouts of both ends of a coupling, which have the same trials; one trial for a group that knows none.

    Parameters
    ----------
    source, target : Group
    broadcast : bool
        Whether a source of one trial may reach all trials of the target.

    Raises
    ------
    ValueError
        If the trials differ.
    """
    ends = {"source": source, "target": target}
    known = {which: layout_of(group) for which, group in ends.items()}
    found = {which: layout or Layout(1, len(ends[which])) for which, layout in known.items()}
    ours, theirs = found["source"].trials, found["target"].trials
    if ours == theirs or (broadcast and ours == 1):
        return found["source"], found["target"]
    wide = "; broadcast=True lets all trials of the target receive the same" if ours == 1 and not broadcast else ""
    for which, other in (("source", "target"), ("target", "source")):
        if known[which] is None:
            name, trials = ends[which].name, found[other].trials
            raise ValueError(
                f"the {which} {name!r} does not say how many trials it has, but the {other} {ends[other].name!r} has {trials}; "
                f"say set_trials({name}, {trials}){wide}"
            )
    raise ValueError(
        f"the source {source.name!r} has {ours} trials, but the target {target.name!r} has {theirs}; both must have the "
        f"same{wide}"
    )
