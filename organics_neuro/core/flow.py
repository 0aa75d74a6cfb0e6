"""The right-hand side of a circuit at constant inputs, made ready to be computed many times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.expressions import as_in_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from organics_neuro.core.dynamics import Dynamics


class Flow:
    """dx/dt of the states of a circuit, packed into an array (..., size), as a function of them.

    What each function of the circuit reads is looked up once, and not at every call: with few units, that takes longer
    than the arithmetic.

    Parameters
    ----------
    dynamics : Dynamics
    inputs : dict of ndarray
        Every input, each (..., units).
    """

    def __init__(self, dynamics: Dynamics, inputs: Mapping[Any, np.ndarray]):
        self._values: list[Any] = []  # of every variable, by its place; None where a call computes it
        states = {name: self._place() for name in dynamics.states}
        given = {name: self._place(value) for name, value in inputs.items()}
        parameters = {
            p: {name: self._place(value) for name, value in population.parameters.items()}
            for p, population in dynamics.populations.items()
        }
        couplings, missing = {}, self._place(0.0)
        self._states = [(states[name], where) for name, where in dynamics.slices.items()]
        self._couplings = []
        for c in dynamics.connections:
            function, places = dynamics.call(c, states, given, couplings, parameters, missing=missing)
            if c.written not in couplings:
                couplings[c.written] = self._place()
            self._couplings.append((function.bare, places, c.weights, couplings[c.written]))
        self._local = [
            (function.bare, places, [dynamics.slices[name] for name in names])
            for names, function, places in dynamics.local_calls(states, given, couplings, parameters, missing=missing)
        ]

    def _place(self, value=None):
        self._values.append(as_in_arrays(value))
        return len(self._values) - 1

    def __call__(self, vector: np.ndarray) -> np.ndarray:
        """dx/dt at states (..., size)."""
        values, result = self._values.copy(), np.empty(vector.shape)
        for place, where in self._states:
            values[place] = vector[..., where]
        with np.errstate(all="ignore"):
            for function, places, weights, written in self._couplings:
                brought = deliver(weights, function(*[values[k] for k in places])[0])
                values[written] = brought if values[written] is None else values[written] + brought
            for function, places, slices in self._local:
                for where, slope in zip(slices, function(*[values[k] for k in places]), strict=True):
                    result[..., where] = slope
        return result


def deliver(weights, source):
    """``weights`` applied to a source (..., units), or to one number that all source units share."""
    source = np.asarray(source)
    if source.shape[-1:] != (weights.shape[1],):
        source = np.broadcast_to(source, (*source.shape[:-1], weights.shape[1]))
    return weights.apply(source)
