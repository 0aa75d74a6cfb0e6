"""What all couplings check: the variable that is read, units, weights, and the place in the schedule."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from organics_neuro.brian.group import CircuitGroup
from organics_neuro.brian.kernels.private import DIMENSIONLESS
from organics_neuro.brian.kernels.runner import whole
from organics_neuro.brian.projection import Projection
from organics_neuro.brian.trials import Layout
from organics_neuro.core.boundary import check_text, known_name, shown
from organics_neuro.core.delays import delay_steps
from organics_neuro.core.errors import UnitError
from organics_neuro.core.operators import Operator, Sparse, as_operator, identity

#: Where couplings run in the slot "groups", counted from the order of the circuit: what arrives from neurons first, then
#: (at -1) the couplings of the circuit itself, what leaves it last; the states follow.
ARRIVES, LEAVES = -2.0, -1e-6
_UNITS = ("length", "mass", "time", "current", "temperature", "substance", "luminosity")
_NAMES = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")


def check_group(name: str, group: Any) -> None:
    """Raise `TypeError` unless ``group``, the value of an argument, is a group of neurons."""
    if not isinstance(group, b2.Group) or not hasattr(group, "__len__"):
        raise TypeError(f"{name} must be a group of neurons, got {shown(group)}")


def source_of(group: b2.Group, rate: str) -> b2.Group:
    """The group that holds the variable ``rate`` of ``group``: outputs with weights have a group of their own.

    Raises
    ------
    ValueError
        If there is no such variable.
    """
    circuit, rate = whole(group), check_text("rate", rate)
    if not isinstance(circuit, CircuitGroup):
        known_name("variable", rate, _public(group))
        return group
    outputs, states = circuit.circuit.model.outputs, circuit.circuit.model.states
    if rate not in (*group.variables, *circuit.external):
        readable = [name for name in outputs if name in group.variables or name in circuit.external]
        known_name("output", rate, [*readable, *states])
    return circuit.external.get(rate, group)


def _public(group: b2.Group) -> list[str]:
    return [name for name, variable in group.variables.items() if not name.startswith("_") and hasattr(variable, "dim")]


def quantity(name: str, value: Any, least: float | None = None) -> b2.Quantity:
    """One finite number with or without a unit; raises `TypeError` or `ValueError` otherwise, or if it is below ``least``."""
    try:
        made = b2.Quantity(value)
        number = float(np.asarray(made))
    except (TypeError, ValueError, RuntimeError, b2.DimensionMismatchError):
        raise TypeError(f"{name} must be one number with a unit, got {shown(value)}") from None
    if not np.isfinite(number) or (least is not None and number < least):
        kind = "finite" if least is None else f"finite and not below {least:g}"
        raise ValueError(f"{name} must be {kind}, got {value!s}")
    return made


def in_unit(name: str, value: Any, unit: b2.Quantity, least: float | None = None) -> b2.Quantity:
    """`quantity` with the dimension of ``unit``; raises `UnitError` for another one."""
    made = quantity(name, value, least)
    if made.dim is not unit.dim:
        raise UnitError(f"{name} = {value!s} has the unit {unit_name(made.dim)}, but must have {unit_name(unit.dim)}")
    return made


def delay_of(what: str, delay: Any, group: b2.Group) -> b2.Quantity:
    """The delay of ``what``, in whole steps of ``group``; raises the errors of `in_unit`, or `ValueError` for other times."""
    delay = in_unit("delay", delay, 1 * b2.ms, least=0)
    if delay > 0 * b2.ms:
        delay_steps(what, float(delay), float(whole(group).clock.dt_))
    return delay


def check_units(what: str, found: Any, target: str, wanted: Any) -> None:
    """Raise `UnitError`, with both units, if two dimensions differ."""
    if found is not wanted:
        raise UnitError(f"{what} has the unit {unit_name(found)}, but {target} has the unit {unit_name(wanted)}")


def unit_name(dim: Any) -> str:
    """The unit of a dimension in words."""
    return "1" if dim is DIMENSIONLESS else repr(b2.get_unit(dim))


def as_text(value: b2.Quantity) -> str:
    """A quantity as an expression of Brian2."""
    dim = b2.get_dimensions(value)
    powers = {name: dim.get_dimension(unit) for name, unit in zip(_NAMES, _UNITS, strict=True)}
    return "*".join(
        [repr(float(np.asarray(value))), *(f"{name}**{power!r}" for name, power in powers.items() if power)]
    )


def rectified(text: str, dim: Any) -> str:
    """An expression of Brian2 in which negative values count as 0."""
    one = as_text(b2.Quantity(1.0, dim=dim))
    return f"clip({text}, 0*{one}, inf*{one})"


def weights_between(
    source: Layout, target: Layout, weights: Operator | ArrayLike | None, names: tuple[str, str]
) -> Operator:
    """Weights (neurons of the target, units of the source) of one trial.

    Without weights each unit reaches its own cells; weights with one row for each unit of the target reach all of its
    cells.
    """
    if weights is None:
        if source.units != target.units:
            raise ValueError(
                f"the source {names[0]!r} has {source.units} units and the target {names[1]!r} {target.units}; give weights of "
                f"shape ({target.units}, {source.units})"
            )
        operator = identity(source.units)
    else:
        operator = as_operator(weights, f"{names[0]} -> {names[1]}")
    if operator.shape == (target.per_trial, source.units):
        return operator
    if operator.shape != (target.units, source.units):
        raise ValueError(
            f"weights of shape {operator.shape} do not fit: from {names[0]!r} to {names[1]!r} they must have the shape "
            f"({target.units}, {source.units})"
        )
    rows = np.repeat(np.arange(target.units), target.cells)
    return Sparse(sparse.csr_array(operator.to_dense())[rows])


def project(
    source: b2.Group,
    target: b2.Group,
    operator: Operator,
    trials: int,
    text: str,
    variable: str,
    order: float,
    **options: Any,
) -> Projection:
    """A projection at a stated place in the slot "groups": before the states of both groups move."""
    made = Projection(source, target, operator, source=text, target=variable, trials=trials, **options)
    made.run_at("groups", min(whole(source).order, whole(target).order) + order)
    return made
