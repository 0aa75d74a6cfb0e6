"""What a `CircuitGroup` reads where its equations name an input: the input itself, what couplings add, and noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import brian2 as b2

from organics_neuro.brian.kernels.private import declare_sum, grow_sum

#: Sums of what couplings add to an input are called so; no variable of a user begins with it.
_ADDED = "organics_added_"


def received(inputs: Iterable[str], noisy: Mapping[str, str]) -> dict[str, str]:
    """What takes the place of each input where it is read; ``noisy`` is the noise of those that have any."""
    return {name: f"({name} + {sum_of(name)}" + (f" + {noisy[name]})" if name in noisy else ")") for name in inputs}


def sum_of(name: str) -> str:
    """The variable that holds what couplings add to the variable ``name``."""
    return f"{_ADDED}{name}"


def declare_added(group: b2.NeuronGroup, inputs: Iterable[str]) -> None:
    """Give a group the sums that `received` names, for those ``inputs`` that are its own variables."""
    for name in inputs:
        declare_sum(group, sum_of(name), like=name)


def add_to(group: b2.NeuronGroup, name: str) -> str:
    """A new variable of a group which is added to its input ``name`` from now on; its name."""
    return grow_sum(group, sum_of(name))
