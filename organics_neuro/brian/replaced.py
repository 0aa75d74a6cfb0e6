"""Units of a circuit that take the value of a state from outside: lines of equations, the order, and checks."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from organics_neuro.brian.inputs import declare_added, sum_of
from organics_neuro.core.boundary import check_names, known_name
from organics_neuro.core.expressions import FUNCTIONS, symbol
from organics_neuro.core.units import plain_array

if TYPE_CHECKING:
    from organics_neuro.brian.group import CircuitGroup

#: Where in the slot "groups" they take their value, from the order of the group: after it has arrived, before the
#: couplings of the circuit read it.
_TAKES = -1.5


def check_replaced(
    replaced: Mapping[str, ArrayLike], circuit: Any, population: str | None, taken: Container[str]
) -> dict[str, np.ndarray]:
    """The units that are replaced, by state, as arrays of bool (units,).

    Raises
    ------
    ValueError, TypeError
        For an unknown state, a mask that does not fit, a state that something reads with its sign, or a model that has a
        variable of the name of one that is added.
    """
    own = circuit.populations[population]
    check_names("replaced", "state", replaced, own.model.states)
    masks = {}
    for name, given in replaced.items():
        mask = plain_array(f"replaced[{name!r}]", given)
        if mask.dtype != bool or mask.shape != (own.size,):
            raise ValueError(
                f"replaced[{name!r}] must be an array of True and False of shape ({own.size},), got {mask.dtype} of shape "
                f"{mask.shape}"
            )
        for connection in circuit.dynamics.connections:
            reads = not connection.external and connection.source == population
            if reads and not _reads_rectified(own.model, connection.expression, name):
                raise ValueError(
                    f"units of {name!r} cannot be replaced by neurons, which have no negative rates: the weights "
                    f"{connection.key!r} read {connection.expression!r}; rectified_pairs(circuit) makes a circuit whose "
                    f"weights read relu({name})"
                )
        for added in (f"replaced_{name}", f"outside_{name}", f"drive_{name}"):
            if added in taken:
                raise ValueError(
                    f"replaced units of {name!r} add a variable {added!r} to the group, but the model has one of that name; "
                    "rename it"
                )
        masks[name] = mask
    return masks


def replaced_lines(name: str, slope: str, time_constant: str, unit: str) -> list[str]:
    """The variables that a state with replaced units adds to a group."""
    return [
        f"replaced_{name} : 1 (constant)",
        f"outside_{name} : {unit}",
        f"drive_{name} = {name} + ({time_constant})*({slope}) : {unit}",
    ]


def take_from_outside(group: CircuitGroup) -> None:
    """Let the replaced units of a group take their value, what its sources bring, at the beginning of each step."""
    declare_added(group, [f"outside_{name}" for name in group.replaced])
    for name, mask in group.replaced.items():
        group.variables[f"replaced_{name}"].set_value(np.tile(mask, group.trials).astype(float))
        brought = f"(outside_{name} + {sum_of(f'outside_{name}')})"
        code = f"{name} = replaced_{name}*{brought} + (1 - replaced_{name})*{name}"
        group.run_regularly(code, when="groups", order=group.order + _TAKES, name=f"{group.name}_{name}_replaced")


def supply(group: CircuitGroup, state: str, units: ArrayLike | None = None) -> None:
    """Note that units of a group have a source; arguments as for `CircuitGroup.supply`."""
    known_name("state that was replaced", state, group.replaced)
    given = np.ones(group.units, bool) if units is None else np.asarray(units)
    if given.dtype != bool or given.shape != (group.units,):
        raise ValueError(
            f"units must be an array of True and False of shape ({group.units},), got {given.dtype} of shape {given.shape}"
        )
    group.supplied[state] = group.supplied[state] | given


def check_supplied(group: CircuitGroup) -> None:
    """Raise `ValueError` if a unit that was replaced gets no value."""
    for name, supplied in group.supplied.items():
        if not supplied.all():
            missing = np.flatnonzero(~supplied)
            raise ValueError(
                f"the replaced units {missing[:8].tolist()} of {group.name}.{name} have no source; give them one with "
                f"spikes_to_rate(spikes, {group.name}, target={name!r}), or set outside_{name} yourself and say "
                f"{group.name}.supply({name!r})"
            )


def _reads_rectified(model: Any, text: str, state: str) -> bool:
    """Whether an expression depends on a state through its positive part only."""
    y = symbol(state)
    positive = {FUNCTIONS["relu"].symbolic(y): sp.Dummy(real=True)}
    return y not in model.expression(text).xreplace(positive).free_symbols
