"""A circuit linearised around a state: J = ∂f/∂x + Σ_k ∂f/∂c_k dc_k/dx.

What a connection delivers moves by dc_k/dx = W_k (∂g_k/∂x + Σ_j ∂g_k/∂c_j dc_j/dx), where c_j are what its source reads
of other connections; delays along such a chain add up. All partial derivatives come from SymPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core import expressions
from organics_neuro.core.names import Name
from organics_neuro.core.populations import add_up

if TYPE_CHECKING:
    from organics_neuro.core.dynamics import Dynamics


@lru_cache(maxsize=256)
def _partials(model):
    """Pairs (state, variable) whose partial derivative is not zero, and the function of all of them."""
    variables = (*model.states, *model.inputs, *model.targets)
    found = {(s, v): expressions.derivative(f, v) for s, f in model.derivatives.items() for v in variables}
    found = {pair: d for pair, d in found.items() if d != 0}
    return tuple(found), expressions.compile_function(model.arguments, found.values())


@lru_cache(maxsize=1024)
def _source_partials(model, text):
    variables = (*model.states, *model.inputs, *model.targets)
    return _nonzero_partials(model.expression(text), variables, model.arguments)


@lru_cache(maxsize=256)
def _external_partials(name, text):
    return _nonzero_partials(expressions.parse(text), (name,), (name,))


def _nonzero_partials(expression, variables, arguments):
    """The variables by which the partial derivative is not zero, and the function of all of these derivatives."""
    found = {v: expressions.derivative(expression, v) for v in variables}
    found = {v: d for v, d in found.items() if d != 0}
    return tuple(found), expressions.compile_function(arguments, found.values())


class Linearisation:
    """Derivatives of the right-hand side of a `Dynamics`."""

    def __init__(self, dynamics: Dynamics):
        self.dynamics = dynamics

    def parts(self, vector: np.ndarray, inputs: Mapping, columns: Mapping[Any, slice]) -> tuple[np.ndarray, dict]:
        """Derivatives of dx/dt at one state, shape (size,), by the states or inputs that ``columns`` names.

        Returns
        -------
        local : ndarray, shape (size, columns)
            Of the local equations with the couplings fixed.
        coupled : dict of float to ndarray
            Of the couplings, by delay in seconds; there is always one for 0.
        """
        dynamics = self.dynamics
        states = dynamics.unpack(vector)
        known = (states, inputs, dynamics.couplings(states, inputs))
        responses = self._responses(*known, columns)
        shape = dynamics.size, max(where.stop for where in columns.values())
        local, coupled = np.zeros(shape), {0.0: np.zeros(shape)}
        for p, population in dynamics.populations.items():
            model = population.model
            pairs, function = _partials(model)
            values = function(*dynamics.arguments(p, model.arguments, *known, population.parameters))
            for (state, variable), value in zip(pairs, values, strict=True):
                row, value = dynamics.slices[Name(p, state)], np.broadcast_to(value, (population.size,))
                if Name(p, variable) in columns:
                    local[row, columns[Name(p, variable)]] += np.diag(value)
                for (column, delay), response in responses.get(Name(p, variable), {}).items():
                    part = coupled.setdefault(delay, np.zeros(shape))
                    part[row, columns[column]] += value[:, None] * response
        return local, coupled

    def _responses(self, states, inputs, delivered, columns):
        """Derivatives of what connections deliver, by the variable that they write, what is moved and the delay."""
        responses = {}
        for c in self.dynamics.connections:
            response = responses.setdefault(c.written, {})
            slopes = self._source_slopes(c, states, inputs, delivered)
            weights = c.weights.to_dense() if any(n in columns or n in responses for n in slopes) else None
            for name, slope in slopes.items():
                if name in columns:
                    add_up(response, (name, c.delay), weights * slope)
                for (column, delay), before in responses.get(name, {}).items():
                    add_up(response, (column, delay + c.delay), weights * slope @ before)
        return responses

    def _source_slopes(self, connection, states, inputs, delivered):
        """Derivatives of a source expression, each (source units,), by full name of what it reads."""
        c = connection
        if c.external:
            found, function = _external_partials(c.external, c.expression)
            names, values = [c.source] * len(found), function(inputs[c.source])
        else:
            population = self.dynamics.populations[c.source]
            found, function = _source_partials(population.model, c.expression)
            names = [Name(c.source, variable) for variable in found]
            arguments = population.model.arguments
            values = function(
                *self.dynamics.arguments(c.source, arguments, states, inputs, delivered, population.parameters)
            )
        n = c.weights.shape[1]
        return {name: np.broadcast_to(value, (n,)) for name, value in zip(names, values, strict=True)}
