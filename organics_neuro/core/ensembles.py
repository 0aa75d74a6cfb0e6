"""Circuits of one model as one `Dynamics` with an axis of circuits, so that all of them are computed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.circuits.base import check_circuit
from organics_neuro.core.dynamics import Dynamics

if TYPE_CHECKING:
    from organics_neuro.core.circuits import AnyCircuit
    from organics_neuro.core.operators import Operator


class Stack:
    """Weights of several circuits: row k of what they are applied to meets the matrix of circuit k.

    Parameters
    ----------
    matrices : ndarray, shape (circuits, m, n)
    """

    def __init__(self, matrices: np.ndarray):
        self.matrices = matrices
        self.shape = matrices.shape[1:]

    def apply(self, x: np.ndarray) -> np.ndarray:
        """(circuits, n) to (circuits, m)."""
        return np.matmul(self.matrices, x[..., None])[..., 0]

    def apply_transposed(self, x: np.ndarray) -> np.ndarray:
        """(circuits, m) to (circuits, n)."""
        return np.matmul(x[..., None, :], self.matrices)[..., 0, :]

    def to_dense(self) -> np.ndarray:
        """All matrices, (circuits, m, n)."""
        return self.matrices

    @property
    def is_identity(self) -> bool:
        """Whether every matrix is the identity."""
        return self.shape[0] == self.shape[1] and bool((self.matrices == np.eye(self.shape[0])).all())

    def take(self, rows: Any) -> Stack:
        """The weights of some circuits."""
        return Stack(self.matrices[rows])


class Ensemble(Dynamics):
    """`Dynamics` of circuits that share a model: every array of states has a first axis, the circuits.

    Parameters
    ----------
    circuits : sequence of Circuit or JoinedCircuit
        Checked by `check_ensemble`.
    """

    def __init__(self, circuits: Sequence[AnyCircuit]):
        first = circuits[0]
        populations = {
            p: replace(
                population,
                parameters=_stacked([c.populations[p].parameters for c in circuits], population.size),
                initial=_stacked([c.populations[p].initial for c in circuits], population.size),
                readouts={},
            )
            for p, population in first.populations.items()
        }
        by_place = zip(*(c.connections for c in circuits), strict=True)
        connections = [replace(same[0], weights=_together([c.weights for c in same])) for same in by_place]
        super().__init__(populations, connections, first.external)

    def take(self, rows: Any) -> Ensemble:
        """Some circuits of the ensemble, by their indices; an index may come again."""
        part = object.__new__(Ensemble)
        part.__dict__.update(self.__dict__)
        part.__dict__.pop("initial", None)  # which is that of all circuits
        part.populations = {
            p: replace(
                population, parameters=_rows(population.parameters, rows), initial=_rows(population.initial, rows)
            )
            for p, population in self.populations.items()
        }
        part.connections = tuple(
            replace(c, weights=c.weights.take(rows)) if isinstance(c.weights, Stack) else c for c in self.connections
        )
        return part


def check_ensemble(circuits: Sequence) -> tuple[AnyCircuit, ...]:
    """``circuits`` as a tuple, if they differ in nothing but weights, parameters and initial states.

    Raises
    ------
    TypeError, ValueError
        With the index of the first one that is no circuit, or that differs.
    """
    if not len(circuits):
        raise ValueError("circuits is empty; give one circuit or more")
    for k, circuit in enumerate(circuits):
        try:
            check_circuit(circuit)
        except TypeError as error:
            raise TypeError(f"circuits[{k}]: {error}") from None
        first = circuits[0]
        if (what := _difference(first, circuit)) is not None:
            raise ValueError(
                f"circuits[{k}] has other {what} than circuits[0]; circuits that are solved together share all but weights, "
                "parameters and initial states, so call once for each kind of circuit"
            )
    return tuple(circuits)


def _difference(first, circuit):
    """What distinguishes the structure of two circuits, or None."""
    here, there = first.populations, circuit.populations
    if list(here) != list(there):
        return "populations"
    for p in here:
        if here[p].model is not there[p].model and here[p].model != there[p].model:
            return "models"
        if here[p].size != there[p].size:
            return "numbers of units"
        if set(here[p].initial) != set(there[p].initial):
            return "states with an initial value of their own"
    if first.external != circuit.external:
        return "inputs"
    structure = [[replace(c, weights=None) for c in x.connections] for x in (first, circuit)]
    return None if structure[0] == structure[1] else "couplings"


def _stacked(given: Sequence[Mapping], units: int) -> dict:
    """Values by name: as they are where all circuits have the same, else (circuits, units)."""
    result = {}
    for name, first in given[0].items():
        values = [g[name] for g in given]
        if all(v is first or np.array_equal(v, first) for v in values):
            result[name] = first
        else:
            result[name] = np.array([np.broadcast_to(v, (units,)) for v in values], dtype=float)
    return result


def _together(operators: Sequence[Operator]) -> Operator | Stack:
    """One operator where all circuits have the same, else a stack of matrices."""
    first = operators[0]
    if all(o is first or (type(o) is type(first) and o == first) for o in operators):
        return first
    return Stack(np.array([o.to_dense() for o in operators]))


def _rows(values: Mapping, rows: Any) -> dict:
    return {name: value[rows] if np.ndim(value) > 1 else value for name, value in values.items()}
