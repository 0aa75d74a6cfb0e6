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
    """Derivatives of the right-hand side of a `Dynamics` at some states, as matrices and as products with vectors.

    Parameters
    ----------
    dynamics : Dynamics
    vector : ndarray, shape (..., size)
        Leading axes are those of the results too.
    inputs : dict of ndarray
    """

    def __init__(self, dynamics: Dynamics, vector: np.ndarray, inputs: Mapping):
        self.dynamics, self.leading = dynamics, vector.shape[:-1]
        states = dynamics.unpack(vector)
        known = (states, inputs, dynamics.couplings(states, inputs))
        #: Partial derivatives of the local equations: (rows of the state, name of the variable, values).
        self.local: list[tuple[slice, Name, np.ndarray]] = []
        for p, population in dynamics.populations.items():
            pairs, function = _partials(population.model)
            values = function(*dynamics.arguments(p, population.model.arguments, *known, population.parameters))
            self.local += [
                (dynamics.slices[Name(p, state)], Name(p, variable), self._wide(value, population.size))
                for (state, variable), value in zip(pairs, values, strict=True)
            ]
        #: Derivatives of the source of each connection, by the name of what it reads.
        self.slopes = [(c, self._source_slopes(c, *known)) for c in dynamics.connections]

    def _wide(self, value, units):
        return np.broadcast_to(value, (*self.leading, units))

    def _source_slopes(self, connection, states, inputs, delivered):
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
        return {name: self._wide(v, c.weights.shape[1]) for name, v in zip(names, values, strict=True)}

    def parts(self, columns: Mapping[Any, slice]) -> tuple[np.ndarray, dict]:
        """Derivatives of dx/dt by the states or inputs that ``columns`` names.

        Returns
        -------
        local : ndarray, shape (..., size, columns)
            Of the local equations with the couplings fixed.
        coupled : dict of float to ndarray
            Of the couplings, by delay in seconds; there is always one for 0.
        """
        responses = self._responses(columns)
        shape = (*self.leading, self.dynamics.size, max(where.stop for where in columns.values()))
        local, coupled = np.zeros(shape), {0.0: np.zeros(shape)}
        for rows, name, value in self.local:
            if name in columns:
                diagonal = np.arange(rows.start, rows.stop), np.arange(columns[name].start, columns[name].stop)
                local[(..., *diagonal)] += value
            for (column, delay), response in responses.get(name, {}).items():
                part = coupled.setdefault(delay, np.zeros(shape))
                part[..., rows, columns[column]] += value[..., None] * response
        return local, coupled

    def product(self, changes: np.ndarray) -> np.ndarray:
        """The Jacobian times ``changes`` of the states, both (..., size), without a matrix; as for changes slower than all delays."""
        return self.driven(self.dynamics.unpack(changes))

    def driven(self, changes: Mapping[Any, np.ndarray]) -> np.ndarray:
        """The change of dx/dt (..., size) with ``changes`` of states and inputs by name, as `product`."""
        moved = dict(changes)
        for c, slopes in self.slopes:
            read = [slope * moved[name] for name, slope in slopes.items() if name in moved]
            if read:
                add_up(moved, c.written, c.weights.apply(sum(read)))
        leading = np.broadcast_shapes(*(np.shape(value)[:-1] for value in changes.values()))
        result = np.zeros((*leading, self.dynamics.size))
        for rows, name, value in self.local:
            if name in moved:
                result[..., rows] += value * moved[name]
        return result

    def transposed(self, weights: np.ndarray, columns: Mapping[Any, slice]) -> np.ndarray:
        """The transposed derivatives by ``columns`` times ``weights`` (..., size) of the states, (..., columns), without a matrix."""
        received: dict[Any, Any] = {}
        for rows, name, value in self.local:
            add_up(received, name, value * weights[..., rows])
        for c, slopes in reversed(self.slopes):  # each before those that its source reads
            if c.written in received:
                back = c.weights.apply_transposed(np.ascontiguousarray(received[c.written]))
                for name, slope in slopes.items():
                    add_up(received, name, slope * back)
        result = np.zeros((*weights.shape[:-1], max(where.stop for where in columns.values())))
        for name, where in columns.items():
            result[..., where] = received.get(name, 0.0)
        return result

    def _responses(self, columns):
        """Derivatives of what connections deliver, by the variable that they write, what is moved and the delay."""
        responses = {}
        for c, slopes in self.slopes:
            response = responses.setdefault(c.written, {})
            weights = c.weights.to_dense() if any(n in columns or n in responses for n in slopes) else None
            for name, slope in slopes.items():
                scaled = weights * slope[..., None, :] if name in columns or name in responses else None
                if name in columns:
                    add_up(response, (name, c.delay), scaled)
                for (column, delay), before in responses.get(name, {}).items():
                    add_up(response, (column, delay + c.delay), scaled @ before)
        return responses
