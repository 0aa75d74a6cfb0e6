"""Where filtered spikes go: an input that a circuit adds up, units that it replaces, or a plain variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from organics_neuro.brian.group import CircuitGroup
from organics_neuro.brian.inputs import add_to
from organics_neuro.brian.kernels.runner import target_variable, whole
from organics_neuro.brian.spiking.ends import check_units, weights_between
from organics_neuro.brian.trials import Layout
from organics_neuro.core.boundary import check_text
from organics_neuro.core.errors import unknown_name
from organics_neuro.core.operators import Operator, Sparse


@dataclass(frozen=True)
class Plain:
    """A variable that nothing else sets."""

    group: b2.Group
    target: str
    layout: Layout

    def weights(self, source: Layout, given: Operator | ArrayLike | None, names: tuple[str, str]) -> Operator:
        """Weights (neurons of the target, units of the source) of one trial."""
        return weights_between(source, self.layout, given, names)

    def take(self, _weights: Operator) -> str:
        """The variable to be written from now on."""
        return self.target


class Added(Plain):
    """An input of a circuit: each source adds to it."""

    def take(self, _weights: Operator) -> str:
        return add_to(self.group, self.target)


class Replaced(Plain):
    """Units of a circuit that take their value from outside."""

    def weights(self, source: Layout, given: Operator | ArrayLike | None, names: tuple[str, str]) -> Operator:
        chosen = np.flatnonzero(self.group.replaced[self.target])
        if given is None and source.units == len(chosen) < self.layout.units:
            ones = np.ones(len(chosen)), (chosen, np.arange(len(chosen)))
            return Sparse(sparse.csr_array(ones, shape=(self.layout.units, len(chosen))))
        return super().weights(source, given, names)

    def take(self, weights: Operator) -> str:
        reached = np.any(weights.to_dense() != 0, axis=1)
        self.group.supply(self.target, reached)
        return add_to(self.group, f"outside_{self.target}")


def place_of(group: b2.Group, target: str, gain: b2.Quantity, layout: Layout) -> Plain:
    """Where a drive of the dimension of ``gain`` goes for the variable ``target`` of a group.

    Raises
    ------
    ValueError, TypeError
        If there is no such variable, or something else sets it.
    UnitError
        If the units differ.
    """
    circuit, target = whole(group), check_text("the target variable", target)
    if not isinstance(circuit, CircuitGroup):
        check_target(group, target, gain.dim)
        return Plain(group, target, layout)
    if circuit is not group:
        raise ValueError(
            f"the target must be all trials of {circuit.name!r}, got {len(group)} of its {len(circuit)} neurons"
        )
    model = circuit.circuit.model
    inputs = (*model.inputs, *model.external)
    if target in inputs:
        owner = circuit.external.get(target, circuit)
        check_units("gain", gain.dim, f"{group.name}.{target}", owner.variables[target].dim)
        return Added(owner, target, Layout(layout.trials, len(owner) // layout.trials))
    if target in circuit.replaced:
        check_units("gain", gain.dim, f"{group.name}.{target}", circuit.variables[target].dim)
        return Replaced(circuit, target, layout)
    listed = ", ".join(map(repr, inputs))
    if target in model.states:
        raise ValueError(
            f"{group.name}.{target} is a state, which the circuit itself sets; drive one of its inputs, {listed}, or make the "
            f"group with replaced={{{target!r}: mask}}"
        )
    if target in model.units:
        raise ValueError(f"{group.name}.{target} is set by the circuit itself; drive one of its inputs, {listed}")
    if target not in circuit.variables:
        raise ValueError(f"{group.name!r}: {unknown_name('target', target, inputs)}")
    check_target(group, target, gain.dim)
    return Plain(group, target, layout)


def check_target(group: b2.Group, target: str, dim: Any, what: str = "gain") -> None:
    """Raise an error unless a coupling may write a variable, and it has the dimension ``dim``."""
    variable = target_variable(group, target)
    check_units(what, dim, f"{group.name}.{target}", variable.dim)
