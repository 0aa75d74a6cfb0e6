"""What a cell is as a circuit: weights by their structure, time constants for a step, states where it starts."""

from __future__ import annotations

from typing import Any

from organics_neuro.core.circuits import Circuit
from organics_neuro.core.operators import identity
from organics_neuro.core.units import UNITS, seconds
from organics_neuro.nn.constraints import Constraint, constraints_of
from organics_neuro.nn.copies import array, in_double
from organics_neuro.nn.effective import value_of


def circuit_of(cell: Any, dt: Any = None) -> Circuit:
    """The circuit of a cell, as `organics_neuro.nn.CircuitCell.to_circuit` says."""
    dt = cell.dt if dt is None else seconds("dt", dt)
    double = in_double(cell)
    weights = {name: _operator(double, name) for name in cell.model.weights}
    initial = {name: array(getattr(double, f"initial_{name}")) for name in cell.states}
    ratio = _ratio(cell, dt)
    parameters = {n: array(v) * ratio ** UNITS[cell.model.units[n]][2] for n, v in double._values().items()}
    parameters |= {n: dt / array(value_of(double, step)) for n, step in cell.steps.items()}
    if cell.model.step:
        parameters[cell.model.step] = dt
    # as the cell holds it: in float32 0.003 is another number
    carried = {n: float(getattr(double, f"initial_{n}")[0]) for n in cell.fields if n not in cell.states}
    return Circuit(cell.model, weights, size=cell.hidden_size, initial=initial, made_for=dt, **parameters, **carried)


def _ratio(cell, dt):
    """By how much time is stretched if a step stands for ``dt``."""
    units = cell.model.units
    timed = [name for name in units if name not in cell.model.parameters and UNITS[units[name]][2]]
    if timed and dt != cell.dt:
        raise ValueError(
            f"dt = {dt:g} s must be that of the layer, {cell.dt:g} s: {timed[0]!r} has the unit {units[timed[0]]}"
        )
    return dt / cell.dt


def _operator(cell, name):
    """Weights with the structure that their constraint gives them."""
    if name in cell._buffers:
        return identity(cell.hidden_size)
    value = array(value_of(cell, name))
    constraints = constraints_of(cell, name)
    return constraints[-1].operator(value) if constraints and isinstance(constraints[-1], Constraint) else value
