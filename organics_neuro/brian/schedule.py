"""`Schedule`: what a group does in each step, in its order, and what of it is one piece of code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from organics_neuro.brian.kernels.step import WholeStep

if TYPE_CHECKING:
    from organics_neuro.brian.group import CircuitGroup


class Entry(NamedTuple):
    """One thing that happens in a step.

    ``place`` is the slot and the order in it, ``does`` what happens, and ``together`` whether it is part of the code of the
    state update.
    """

    name: str
    place: tuple[str, float]
    does: str
    together: bool


@dataclass(frozen=True)
class Schedule:
    """Projections and state update of a group, in the order in which they take effect.

    What is ``together`` is one piece of code, at the place of the state update: in C++ programs, where nothing that runs
    in between reads what a projection writes, or writes what it reads. This is known once the group is in a network.
    """

    group: str
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        lines = [f"{self.group}, in each step:"]
        width = max(len(entry.name) for entry in self.entries)
        for entry in self.entries:
            place = f"{entry.place[0]}, {entry.place[1]:g}"
            lines.append(
                f"  {entry.name:{width}}  {place:12}  {entry.does}{'  (with the states)' if entry.together else ''}"
            )
        return "\n".join(lines)


def schedule_of(group: CircuitGroup) -> Schedule:
    """The schedule of a group, in the networks that hold it now."""
    updater = group.state_updater
    together = updater.together() if isinstance(updater, WholeStep) else []
    entries = [
        Entry(
            projection.name,
            (projection.when, float(projection.order)),
            f"{projection.runner.expression} -> {projection.runner.target_name}, {projection.operator!r}",
            projection.runner in together,
        )
        for projection in group.projections.values()
    ]
    states = ", ".join(group.equations.diff_eq_names)
    entries.append(Entry(updater.name, (updater.when, float(updater.order)), f"{states} move", bool(together)))
    return Schedule(group.name, tuple(sorted(entries, key=lambda entry: (entry.place[0] != "start", entry.place[1]))))
