"""What is asked of theory: circuits at constant inputs, one row for each circuit and trial, and answers put together again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.boundary import check_states
from organics_neuro.core.circuits import AnyCircuit, check_circuit
from organics_neuro.core.ensembles import Ensemble, check_ensemble
from organics_neuro.core.theory.large import LARGE, LargeSystem
from organics_neuro.core.theory.systems import System

if TYPE_CHECKING:
    from organics_neuro.core.boundary import Values
    from organics_neuro.core.dynamics import Dynamics

#: One circuit, or several that share a model and are solved together.
Circuits = AnyCircuit | Sequence[AnyCircuit]
#: Numbers of the Jacobians that are made at a time (32 MiB).
_BLOCK = 2**22


@dataclass(frozen=True)
class Problem:
    """Circuits at constant inputs.

    Attributes
    ----------
    circuits : tuple of Circuit or JoinedCircuit
        One, or those of an ensemble.
    inputs : dict of ndarray
        Each (units,) or (rows, units).
    states : dict of ndarray
        States that were given, the same; none are missing if it is not empty.
    shape : tuple of int
        Leading axes of answers: (), (trials,), (circuits,) or (circuits, trials).
    ensemble : bool
        Whether several circuits were given.
    """

    circuits: tuple[AnyCircuit, ...]
    inputs: Mapping[Any, np.ndarray]
    states: Mapping[Any, np.ndarray]
    shape: tuple[int, ...]
    ensemble: bool

    @property
    def dynamics(self) -> Dynamics:
        """Of the first circuit: names, sizes and places of the states are those of all."""
        return self.circuits[0].dynamics

    @property
    def rows(self) -> int:
        """How many systems of equations there are to solve."""
        return int(np.prod(self.shape))

    def parts(self) -> Iterator[tuple[slice, System, np.ndarray]]:
        """Rows that are computed together, their equations, and the states given or where the circuits start."""
        large = self.dynamics.size > LARGE
        step = 1 if large else rows_at_a_time(self.dynamics.size)
        trials = self.rows // len(self.circuits) if self.rows else 1
        for first in range(0, self.rows, step):
            rows = slice(first, min(first + step, self.rows))
            dynamics = self.dynamics
            if self.ensemble and large:
                dynamics = self.circuits[first // trials].dynamics
            elif self.ensemble:
                which = np.arange(rows.start, rows.stop) // trials
                dynamics = Ensemble(self.circuits[which[0] : which[-1] + 1])
                dynamics = dynamics if trials == 1 else dynamics.take(which - which[0])
            inputs, states = ({n: _rows(v, rows) for n, v in given.items()} for given in (self.inputs, self.states))
            start = dynamics.pack({**dynamics.start(inputs), **states}, (rows.stop - rows.start,))
            yield rows, system_of(dynamics, inputs), start

    def answer(self, values: np.ndarray) -> np.ndarray:
        """Values by row, (rows, ...), with the leading axes of the question."""
        return values.reshape((*self.shape, *values.shape[1:]))

    def places(self, rows: np.ndarray) -> str:
        """Where the rows are of which an array says that something happened, for a message."""
        if not self.shape:
            return ""
        if not self.ensemble:
            return f" in {rows.sum()} of {rows.size} trials"
        affected = self.answer(rows)
        affected = affected if affected.ndim == 1 else affected.any(axis=1)
        first = f", the first of which is circuits[{int(affected.argmax())}]"
        return f" in {affected.sum()} of {affected.size} circuits" + first


def system_of(dynamics: Dynamics, inputs: Mapping) -> System:
    """The equations of a circuit at inputs (units,) or (rows, units), by the way that its size asks for."""
    return (LargeSystem if dynamics.size > LARGE else System)(dynamics, inputs)


def rows_at_a_time(size: int) -> int:
    """How many rows of ``size`` states are computed together, so that their Jacobians have room."""
    return max(1, _BLOCK // size**2)


def pose(circuits: Circuits, z: Values, states: Mapping | None = None, argument: str = "state") -> Problem:
    """The problem that a user poses, checked.

    Parameters
    ----------
    circuits : Circuit, JoinedCircuit or sequence of these
    z : array_like or dict, optional
    states : dict, optional
        By full name; states that are not named are where the circuit starts.
    argument : str
        What the caller calls them.
    """
    ensemble = isinstance(circuits, Sequence) and not isinstance(circuits, (str, bytes))
    several = check_ensemble(circuits) if ensemble else (check_circuit(circuits),)
    dynamics = several[0].dynamics
    inputs = dynamics.resolve_inputs(z)
    given = {} if states is None else dynamics.resolve_states(argument, states, inputs)
    given = {name: value for name, value in given.items() if name in (states or {})}
    if ensemble:
        shape, inputs, given = _by_circuit(len(several), inputs, given)
        return Problem(several, inputs, given, shape, True)
    _check_constant(inputs, 2, "(units,) or (trials, units)")
    check_states(argument, given)
    shape = _trials({**inputs, **given})
    return Problem(several, inputs, given, shape, False)


def constant_inputs(dynamics: Dynamics, z: Values) -> dict[Any, np.ndarray]:
    """Inputs by name, each (units,) or (trials, units), of a ``z`` that users give."""
    inputs = dynamics.resolve_inputs(z)
    _check_constant(inputs, 2, "(units,) or (trials, units)")
    return inputs


def _check_constant(inputs, most, wanted):
    for name, value in inputs.items():
        if value.ndim > most:
            raise ValueError(f"{name} has shape {value.shape}, but a steady state needs a constant input: {wanted}")


def _trials(arrays):
    """The leading axes (trials,) or () of arrays together."""
    try:
        return np.broadcast_shapes(*(value.shape[:-1] for value in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in arrays.items() if value.ndim > 1)
        raise ValueError(f"inputs and states differ in their number of trials: {shapes}") from None


def _by_circuit(count, inputs, states):
    """The leading axes of an ensemble, and its arrays as (units,) or (rows, units)."""
    _check_constant(inputs, 3, "(units,), (circuits, units) or (circuits, trials, units)")
    arrays = {**inputs, **states}
    for name, value in arrays.items():
        if value.ndim > 1 and value.shape[0] != count:
            raise ValueError(
                f"{name} has shape {value.shape}, but there are {count} circuits: give (units,), ({count}, units) or "
                f"({count}, trials, units)"
            )
    trials = _trials({name: value[0] for name, value in arrays.items() if value.ndim == 3})

    def flat(value):
        if value.ndim == 1:
            return value
        value = value if value.ndim == 3 else value[:, None]
        return np.broadcast_to(value, (count, *(trials or (1,)), value.shape[-1])).reshape(-1, value.shape[-1])

    return (count, *trials), *({name: flat(v) for name, v in given.items()} for given in (inputs, states))


def _rows(value, rows):
    return value if value.ndim == 1 or len(value) == 1 else value[rows]
