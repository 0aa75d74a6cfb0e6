"""The equations of a whole circuit as functions, whatever its number of populations.

A circuit is populations (a model, a number of units, parameters) and connections between them. The right-hand side
follows by evaluating the source expression of each connection, applying its weights, and evaluating the local
equations; the Jacobian is J = ∂f/∂x + Σ_k ∂f/∂c_k W_k ∂g_k/∂x, with all derivatives from SymPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from organics_neuro.core import expressions
from organics_neuro.core.boundary import check_names, check_units_axis, known_name
from organics_neuro.core.model import CircuitModel
from organics_neuro.core.names import Name
from organics_neuro.core.operators import Operator


@dataclass(frozen=True)
class Population:
    """Units that share a model: ``size`` of them, with ``parameters`` (floats or arrays of shape (size,))."""

    model: CircuitModel
    size: int
    parameters: Mapping
    initial: Mapping


@dataclass(frozen=True)
class Connection:
    """``target.variable = weights @ expression(source)``.

    ``source`` names a population or, if ``external``, an input with a size of its own, which ``expression``
    calls ``external``. ``key`` is the name of the weights in the circuit.
    """

    key: str
    target: str | None
    variable: str
    weights: Operator
    source: str | None
    expression: str
    external: str | None = None


@lru_cache(maxsize=256)
def _derivatives(model, backend):
    return expressions.compile_function(model.arguments, model.derivatives.values(), backend)


@lru_cache(maxsize=1024)
def _local(model, text, backend):
    """The variables that an expression reads, and the expression as a function of them."""
    expression = model.expression(text)
    names = tuple(sorted(s.name for s in expression.free_symbols))
    function = expressions.compile_function(names, [expression], backend)
    return names, lambda *values: function(*values)[0]


@lru_cache(maxsize=256)
def _external(name, text, backend):
    function = expressions.compile_function([name], [expressions.parse(text)], backend)
    return lambda value: function(value)[0]


@lru_cache(maxsize=256)
def _partials(model):
    """Pairs (state, variable) whose partial derivative is not zero, and the function of all of them."""
    variables = (*model.states, *model.inputs, *model.targets)
    found = {(s, v): expressions.derivative(f, v) for s, f in model.derivatives.items() for v in variables}
    found = {pair: d for pair, d in found.items() if d != 0}
    return tuple(found), expressions.compile_function(model.arguments, found.values())


@lru_cache(maxsize=1024)
def _source_partials(model, text):
    return _nonzero_partials(model.expression(text), (*model.states, *model.inputs), model.arguments)


@lru_cache(maxsize=256)
def _external_partials(name, text):
    return _nonzero_partials(expressions.parse(text), (name,), (name,))


def _nonzero_partials(expression, variables, arguments):
    """The variables by which the partial derivative is not zero, and the function of all of these derivatives."""
    found = {v: expressions.derivative(expression, v) for v in variables}
    found = {v: d for v, d in found.items() if d != 0}
    return tuple(found), expressions.compile_function(arguments, found.values())


class Dynamics:
    """Right-hand side and Jacobian of populations joined by connections.

    States and inputs are dictionaries from full names ("y", or "e.y" in a joined circuit) to arrays whose last axis
    is the units; leading axes are trials.
    """

    def __init__(self, populations, connections, external):
        self.populations = populations
        self.connections = connections
        written = {Name(c.target, c.variable) for c in connections}
        self.inputs = {
            Name(p, name): population.size
            for p, population in populations.items()
            for name in population.model.inputs
            if Name(p, name) not in written
        }
        self.inputs.update(external)
        #: Variables that receive what other units do; the other connections deliver inputs.
        self.recurrent = tuple(Name(c.target, c.variable) for c in connections if not c.external)
        self.states = {Name(p, s): pop.size for p, pop in populations.items() for s in pop.model.states}
        ends = np.cumsum(list(self.states.values()))
        self.slices = {
            name: slice(int(end) - n, int(end)) for (name, n), end in zip(self.states.items(), ends, strict=True)
        }
        self.size = int(ends[-1])

    # --- vectors and dictionaries -------------------------------------------------------------------------------

    def pack(self, states, leading=()):
        """States as one array (..., size) in the order of `states`; leading axes, and ``leading``, broadcast."""
        arrays = [np.asarray(states[name], dtype=float) for name in self.states]
        leading = np.broadcast_shapes(leading, *(a.shape[:-1] for a in arrays))
        return np.concatenate([np.broadcast_to(a, (*leading, a.shape[-1])) for a in arrays], axis=-1)

    def unpack(self, vector):
        """The inverse of `pack`."""
        return {name: vector[..., where] for name, where in self.slices.items()}

    @cached_property
    def initial(self):
        """Where the states start, each of shape (units,)."""
        start = {}
        for p, population in self.populations.items():
            for state in population.model.states:
                value = population.initial.get(state)
                if value is None:
                    value = self.evaluate(p, population.model.initial.get(state, "0"), {}, {})
                start[Name(p, state)] = np.array(np.broadcast_to(value, (population.size,)), dtype=float)
        return start

    # --- evaluation ---------------------------------------------------------------------------------------------

    def evaluate(self, population, text, states, inputs):
        """An expression of a population's states, inputs and parameters; missing variables count as 0."""
        pop = self.populations[population]
        names, function = _local(pop.model, text, expressions.NUMPY)
        return function(*self._arguments(population, names, states, inputs, {}, pop.parameters))

    def rates(self, states):
        """Firing rates that the models declare, by the full name of their state."""
        return {
            Name(p, state): self.evaluate(p, text, states, {})
            for p, population in self.populations.items()
            for state, text in population.model.rates.items()
        }

    def _arguments(self, population, names, states, inputs, couplings, parameters):
        def value(name):
            if name in parameters:
                return parameters[name]
            full = Name(population, name)
            return next((known[full] for known in (states, couplings, inputs) if full in known), 0.0)

        return [value(name) for name in names]

    def source(self, connection, states, inputs, parameters, backend=expressions.NUMPY):
        """The source expression of a connection, before its weights are applied."""
        if connection.external:
            return _external(connection.external, connection.expression, backend)(inputs[connection.source])
        p = connection.source
        names, function = _local(self.populations[p].model, connection.expression, backend)
        return function(*self._arguments(p, names, states, inputs, {}, parameters[p]))

    def combine(self, states, inputs, couplings, parameters, backend):
        """Time derivatives of the states, given what the connections deliver."""
        result = {}
        for p, population in self.populations.items():
            model = population.model
            values = _derivatives(model, backend)(
                *self._arguments(p, model.arguments, states, inputs, couplings, parameters[p])
            )
            result.update((Name(p, s), v) for s, v in zip(model.states, values, strict=True))
        return result

    def _parameters(self):
        return {p: population.parameters for p, population in self.populations.items()}

    def couplings(self, states, inputs):
        """What each connection delivers, by the full name of the variable that it writes."""
        delivered, parameters = {}, self._parameters()
        for c in self.connections:
            delivered[Name(c.target, c.variable)] = deliver(c.weights, self.source(c, states, inputs, parameters))
        return delivered

    def right_hand_side(self, states, inputs, couplings=None):
        """dx/dt of every state, as a dictionary of arrays; ``couplings`` given are held fixed."""
        if couplings is None:
            couplings = self.couplings(states, inputs)
        return self.combine(states, inputs, couplings, self._parameters(), expressions.NUMPY)

    def flow(self, vector, inputs, couplings=None):
        """`right_hand_side` as an array (..., size) for states packed into ``vector``."""
        rhs = self.right_hand_side(self.unpack(vector), inputs, couplings)
        leading = vector.shape[:-1]
        return np.concatenate([np.broadcast_to(rhs[name], (*leading, n)) for name, n in self.states.items()], axis=-1)

    def jacobian(self, vector, inputs):
        """The Jacobian (size, size) at one state, shape (size,)."""
        return sum(self.jacobian_parts(vector, inputs))

    def jacobian_parts(self, vector, inputs):
        """The Jacobian in two parts: of the local equations with the couplings fixed, and of the couplings."""
        return self._derivatives(vector, inputs, self.slices)

    def derivatives(self, vector, inputs, columns):
        """Derivatives of dx/dt at one state, shape (size,), by states or inputs.

        Parameters
        ----------
        vector : ndarray, shape (size,)
        inputs : dict of ndarray
        columns : dict of str to slice
            By what, and in which columns of the result.

        Returns
        -------
        dict of float to ndarray
            By delay in seconds, each (size, columns).
        """
        return {0.0: sum(self._derivatives(vector, inputs, columns))}

    def _derivatives(self, vector, inputs, columns):
        """`derivatives` in two parts: of the local equations with the couplings fixed, and of the couplings."""
        states = self.unpack(vector)
        delivered, parameters = self.couplings(states, inputs), self._parameters()
        local, coupled = np.zeros((2, self.size, max(where.stop for where in columns.values())))
        sensitivity = {}  # ∂f/∂c: how the states of a population respond to what its connections deliver
        for p, population in self.populations.items():
            pairs, function = _partials(population.model)
            values = function(*self._arguments(p, population.model.arguments, states, inputs, delivered, parameters[p]))
            for (state, variable), value in zip(pairs, values, strict=True):
                row, value = self.slices[Name(p, state)], np.broadcast_to(value, (population.size,))
                sensitivity.setdefault((p, variable), []).append((row, value))
                if Name(p, variable) in columns:
                    local[row, columns[Name(p, variable)]] += np.diag(value)
        for c in self.connections:
            slopes = self._source_slopes(c, states, inputs, delivered)
            for name in slopes.keys() & columns.keys():
                weights = c.weights.to_dense() * slopes[name]
                for row, response in sensitivity.get((c.target, c.variable), ()):
                    coupled[row, columns[name]] += response[:, None] * weights
        return local, coupled

    def _source_slopes(self, connection, states, inputs, delivered):
        """Derivatives of a source expression, each (source units,), by full name of the state or input."""
        c = connection
        if c.external:
            found, function = _external_partials(c.external, c.expression)
            names, values = [c.source] * len(found), function(inputs[c.source])
        else:
            model = self.populations[c.source].model
            found, function = _source_partials(model, c.expression)
            names = [Name(c.source, variable) for variable in found]
            parameters = self.populations[c.source].parameters
            values = function(*self._arguments(c.source, model.arguments, states, inputs, delivered, parameters))
        n = c.weights.shape[1]
        return {name: np.broadcast_to(value, (n,)) for name, value in zip(names, values, strict=True)}

    # --- what users give ----------------------------------------------------------------------------------------

    def name_inputs(self, z):
        """``z`` as a dictionary by full name, values untouched.

        Parameters
        ----------
        z : array_like, dict or None
            One array if the circuit has one input; a dictionary by full name otherwise.
        """
        if z is None:
            return {}
        if not isinstance(z, Mapping):
            if len(self.inputs) != 1:
                raise ValueError(
                    f"this circuit has the inputs {', '.join(map(repr, self.inputs)) or 'none'}; give them as a dictionary {{name: array}}"
                )
            return {next(iter(self.inputs)): z}
        for name in z:
            known_name("input", name, self.inputs)
        return dict(z)

    def resolve_inputs(self, z):
        """Check ``z`` (see `name_inputs`) and complete it to one array (..., units) for each input; those not given are 0."""
        z = self.name_inputs(z)
        return {
            name: check_units_axis(name, z.get(name, np.zeros(n)), n, self.unit(name))
            for name, n in self.inputs.items()
        }

    def resolve_states(self, argument, given):
        """Check the states ``given`` as ``argument`` and complete them by where the circuit starts.

        Parameters
        ----------
        argument : str
            Name of the argument, for error messages.
        given : dict or None
            Arrays (..., units) by full name.
        """
        given = given or {}
        check_names(argument, "state", given, self.states)
        start = {**self.initial, **given}
        return {
            name: check_units_axis(f"{argument} {name!r}", start[name], n, self.unit(name))
            for name, n in self.states.items()
        }

    def unit(self, name):
        """Name of the unit of a state or an input, by its full name; inputs with a size of their own have none."""
        name = Name.parse(name)
        return self.populations[name.population].model.units.get(name.variable, "1")


def deliver(weights, source):
    """``weights`` applied to a source (..., units), or to one number that all source units share."""
    source = np.asarray(source)
    return weights.apply(np.broadcast_to(source, (*source.shape[:-1], weights.shape[1])))
