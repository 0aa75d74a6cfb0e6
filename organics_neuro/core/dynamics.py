"""The equations of a whole circuit as functions, whatever its number of populations.

A circuit is populations (a model, a number of units, parameters) and connections between them. The right-hand side
follows by evaluating the source expression of each connection, applying its weights, and evaluating the local
equations; its derivatives are in `organics_neuro.core.linearisation`. Connections with a delay are parts of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from organics_neuro.core import expressions
from organics_neuro.core.boundary import Values, by_name, check_names, check_units_axis, known_name
from organics_neuro.core.declaration import check_no_circle
from organics_neuro.core.flow import Flow, deliver
from organics_neuro.core.linearisation import Linearisation
from organics_neuro.core.names import Name
from organics_neuro.core.pairs import split_complex
from organics_neuro.core.populations import Connection, Population, add_up, check_positive, full_name


@lru_cache(maxsize=256)
def _derivatives(model, backend):
    return expressions.compile_function(model.arguments, model.derivatives.values(), backend)


@lru_cache(maxsize=1024)
def _local(model, text, backend):
    """The variables that an expression reads, and a list with the expression as a function of them."""
    expression = model.expression(text)
    names = tuple(sorted(s.name for s in expression.free_symbols))
    return names, expressions.compile_function(names, [expression], backend)


@lru_cache(maxsize=256)
def _external(name, text, backend):
    return expressions.compile_function([name], [expressions.parse(text)], backend)


class Dynamics:
    """Right-hand side and Jacobian of populations joined by connections.

    States and inputs are dictionaries from full names ("y", or "e.y" in a joined circuit) to arrays whose last axis
    is the units; leading axes are trials. A parameter that is among the inputs takes the place of the circuit's own.
    """

    def __init__(
        self,
        populations: Mapping[Any, Population],
        connections: Sequence[Connection],
        external: Mapping[Any, int],
    ):
        self.populations = populations
        written = {c.written for c in connections}
        self.inputs: dict[Any, int] = {
            Name(p, name): population.size
            for p, population in populations.items()
            for name in population.model.inputs
            if Name(p, name) not in written
        }
        self.inputs.update(external)
        #: Value of each input until it is set, in SI units.
        self.defaults: dict[Any, float] = dict.fromkeys(self.inputs, 0.0) | {
            Name(p, n): value
            for p, population in populations.items()
            for n, value in population.model.defaults.items()
            if Name(p, n) not in written
        }
        #: Every parameter by its full name, with the number of units of its population: they may be given like inputs.
        self.parameters: dict[Any, int] = {
            Name(p, n): pop.size for p, pop in populations.items() for n in pop.parameters
        }
        #: In an order in which each comes after those that its source reads.
        self.connections = self._ordered(connections)
        #: Variables that receive what other units do; the other connections deliver inputs.
        self.recurrent = tuple(dict.fromkeys(c.written for c in self.connections if not c.external))
        self.states: dict[Any, int] = {Name(p, s): pop.size for p, pop in populations.items() for s in pop.model.states}
        ends = np.cumsum(list(self.states.values()))
        self.slices = {
            name: slice(int(end) - n, int(end)) for (name, n), end in zip(self.states.items(), ends, strict=True)
        }
        self.size = int(ends[-1])

    def _ordered(self, connections):
        graph = {c.written: set() for c in connections}
        for c in connections:
            graph[c.written] |= {name for name in self.reads(c) if name in graph}
        order = check_no_circle(graph, lambda circle: f"couplings read each other in a circle: {' <- '.join(circle)}")
        if not any(graph.values()):
            return tuple(connections)  # as declared
        return tuple(sorted(connections, key=lambda c: order.index(c.written)))

    @property
    def has_delays(self) -> bool:
        """Whether a connection has a delay."""
        return any(c.delay for c in self.connections)

    def reads(self, connection) -> set[Name]:
        """Full names of the variables that the source of a connection reads."""
        if connection.external:
            return {connection.source}
        model = self.populations[connection.source].model
        return {Name(connection.source, variable) for variable in model.reads(connection.expression)}

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
    def initial(self) -> dict[Any, np.ndarray]:
        """Where the states start with the inputs at their defaults, each of shape (units,)."""
        return self.start(self.resolve_inputs(None))

    def start(self, inputs: Mapping) -> dict[Any, np.ndarray]:
        """Where the states start with these inputs, each of shape (..., units); of inputs that change, the first counts."""
        inputs = {name: value[0] if value.ndim == 3 else value for name, value in inputs.items()}
        start = {}
        for p, population in self.populations.items():
            for state in population.model.states:
                value = population.initial.get(state)
                if value is None:
                    value = self.evaluate(p, population.model.initial.get(state, "0"), {}, inputs)
                value = np.asarray(value, dtype=float)
                leading = value.shape[:-1] if value.ndim > 1 else ()
                start[Name(p, state)] = np.array(np.broadcast_to(value, (*leading, population.size)))
        return start

    @cached_property
    def start_reads(self):
        """Full names of the inputs and parameters that the start of the states depends on."""
        return {
            Name(p, variable)
            for p, population in self.populations.items()
            for state, text in population.model.initial.items()
            if state not in population.initial
            for variable in population.model.reads(text)
        }

    # --- evaluation ---------------------------------------------------------------------------------------------

    def evaluate(self, population, text, states, inputs):
        """An expression of a population's states, inputs and parameters; missing variables count as 0."""
        pop = self.populations[population]
        names, function = _local(pop.model, text, expressions.NUMPY)
        return function(*self.arguments(population, names, states, inputs, {}, pop.parameters))[0]

    def outputs(self, states: Mapping, inputs: Mapping, couplings: Mapping | None = None) -> dict[Any, np.ndarray]:
        """Every output by its full name, shape (..., units) or (..., channels)."""
        if couplings is None:
            couplings = self.couplings(states, inputs)
        known, result = {**inputs, **couplings}, {}
        leading = np.broadcast_shapes(*(np.shape(value)[:-1] for value in (*states.values(), *inputs.values())))
        for p, population in self.populations.items():
            for name in population.outputs:
                value = self.evaluate(p, population.model.outputs[name].source, states, known)
                value = np.broadcast_to(value, (*leading, population.size))
                weights = population.readouts.get(name)
                result[Name(p, name)] = value if weights is None else weights.apply(value)
        return result

    @cached_property
    def channels(self) -> dict[Any, int]:
        """Number of values of each output by its full name: units, or channels where it has weights."""
        return {
            Name(p, name): population.readouts[name].shape[0] if name in population.readouts else population.size
            for p, population in self.populations.items()
            for name in population.outputs
        }

    def time_constants(self, inputs: Mapping) -> np.ndarray:
        """Time constant of each equation in seconds, 1 where the model has none, shape (..., size)."""
        values = []
        for p, population in self.populations.items():
            model = population.model
            for state in model.states:
                has = model.has_time_constant(state)
                value = np.asarray(self.evaluate(p, model.time_constant(state), {}, inputs) if has else 1.0)
                values.append(np.broadcast_to(value, (*value.shape[:-1], population.size)))
        leading = np.broadcast_shapes(*(value.shape[:-1] for value in values))
        return np.concatenate([np.broadcast_to(v, (*leading, v.shape[-1])) for v in values], axis=-1)

    def arguments(self, population, names, states, inputs, couplings, parameters, missing=0.0):
        """Values of variables of a population, in order; those that nothing gives are 0 or what is ``missing``."""

        def value(name):
            full = full_name(population, name)
            for known in (inputs, states, couplings):
                if full in known:
                    return known[full]
            return parameters.get(name, missing)

        return [value(name) for name in names]

    def source(self, connection, states, inputs, parameters, backend=expressions.NUMPY, couplings=None):
        """The source expression of a connection, before its weights are applied.

        ``couplings`` are what the connections before it deliver.
        """
        function, values = self.call(connection, states, inputs, couplings or {}, parameters, backend)
        return function(*values)[0]

    def call(self, connection, states, inputs, couplings, parameters, backend=expressions.NUMPY, missing=0.0):
        """The function that gives a list with the source of a connection, and its arguments, which are what is given."""
        if connection.external:
            return _external(connection.external, connection.expression, backend), [inputs[connection.source]]
        p = connection.source
        names, function = _local(self.populations[p].model, connection.expression, backend)
        return function, self.arguments(p, names, states, inputs, couplings, parameters[p], missing)

    def source_now(self, connection, states, inputs, couplings):
        """`source` in NumPy, with the parameters of the circuit."""
        return self.source(connection, states, inputs, self._parameters(), couplings=couplings)

    def combine(self, states, inputs, couplings, parameters, backend):
        """Time derivatives of the states, given what the connections deliver."""
        result = {}
        for names, function, values in self.local_calls(states, inputs, couplings, parameters, backend):
            result.update(zip(names, function(*values), strict=True))
        return result

    def local_calls(self, states, inputs, couplings, parameters, backend=expressions.NUMPY, missing=0.0):
        """By population: names of the states, the function that gives their time derivatives, and its arguments."""
        for p, population in self.populations.items():
            model = population.model
            values = self.arguments(p, model.arguments, states, inputs, couplings, parameters[p], missing)
            yield [full_name(p, s) for s in model.states], _derivatives(model, backend), values

    def _parameters(self):
        return {p: population.parameters for p, population in self.populations.items()}

    def couplings(self, states: Mapping, inputs: Mapping, brought: Mapping | None = None) -> dict[Any, np.ndarray]:
        """What the connections deliver, by the full name of the variable that they write.

        ``brought`` is what `organics_neuro.core.delays.Past` has for connections with a delay; without it these deliver
        what they would if nothing changed.
        """
        delivered, parameters = {}, self._parameters()
        for k, c in enumerate(self.connections):
            if brought and k in brought:
                add_up(delivered, c.written, brought[k])
                continue
            source = self.source(c, states, inputs, parameters, couplings=delivered)
            add_up(delivered, c.written, deliver(c.weights, source))
        return delivered

    def right_hand_side(self, states, inputs, couplings=None):
        """dx/dt of every state, as a dictionary of arrays; ``couplings`` given are held fixed."""
        if couplings is None:
            couplings = self.couplings(states, inputs)
        return self.combine(states, inputs, couplings, self._parameters(), expressions.NUMPY)

    def flow(self, vector, inputs):
        """`right_hand_side` as an array (..., size) for states packed into ``vector``; see also `Flow`."""
        return Flow(self, inputs)(vector)

    def jacobian(self, vector, inputs):
        """The Jacobian (..., size, size) at states (..., size); of changes that are slower than all delays."""
        return sum(self.jacobian_parts(vector, inputs))

    def jacobian_parts(self, vector, inputs):
        """The Jacobian in two parts: of the local equations with the couplings fixed, and of the couplings."""
        local, coupled = Linearisation(self, vector, inputs).parts(self.slices)
        return local, sum(coupled.values())

    def derivatives(self, vector, inputs, columns):
        """Derivatives of dx/dt at states (..., size), by states or inputs.

        Parameters
        ----------
        vector : ndarray, shape (..., size)
        inputs : dict of ndarray
        columns : dict of str to slice
            By what, and in which columns of the result.

        Returns
        -------
        dict of float to ndarray
            By delay in seconds, each (..., size, columns).
        """
        local, coupled = Linearisation(self, vector, inputs).parts(columns)
        return {**coupled, 0.0: local + coupled[0.0]}

    # --- what users give ----------------------------------------------------------------------------------------

    def name_inputs(self, z: Any) -> dict[Any, Any]:
        """``z`` as a dictionary by full name, values untouched.

        Parameters
        ----------
        z : array_like, dict or None
            One array if the circuit has one input; a dictionary by full name of inputs and parameters otherwise.
        """
        if z is None:
            return {}
        if not isinstance(z, Mapping):
            if len(self.inputs) != 1:
                raise ValueError(
                    f"this circuit has the inputs {', '.join(map(repr, self.inputs)) or 'none'}; give them as a dictionary {{name: array}}"
                )
            return {next(iter(self.inputs)): z}
        z = split_complex(z, (*self.inputs, *self.parameters))
        for name in z:
            known_name("input", name, (*self.inputs, *self.parameters))
        return {Name.parse(name): value for name, value in z.items()}

    def resolve_inputs(self, z: Values) -> dict[Any, np.ndarray]:
        """Check ``z`` (see `name_inputs`) and complete it to one array (..., units) for each input.

        Inputs that are not given are at their defaults. Parameters that are given come after the inputs.
        """
        given = self.name_inputs(z)
        complete = {**self.defaults, **given}
        sizes = {**self.inputs, **self.parameters}
        result = {n: check_units_axis(n, value, sizes[n], self.unit(n)) for n, value in complete.items()}
        for name in given:
            if result[name].ndim > 2 and not len(result[name]):
                raise ValueError(f"{name} has shape {result[name].shape}, and so no steps; give one at least")
            population, variable = name.population, name.variable
            if name in self.parameters:
                check_positive(self.populations[population].model, variable, result[name])
        return result

    def resolve_states(self, argument, given, inputs=None):
        """Check the states ``given`` as ``argument`` and complete them by where the circuit starts.

        Parameters
        ----------
        argument : str
            Name of the argument, for error messages.
        given : dict or None
            Arrays (..., units) by full name.
        inputs : dict of ndarray, optional
            What `resolve_inputs` returned, on which the start may depend.
        """
        given = split_complex(by_name(argument, given), self.states)
        check_names(argument, "state", given, self.states)
        start = {**(self.initial if inputs is None else self.start(inputs)), **given}
        return {
            name: check_units_axis(f"{argument} {name!r}", start[name], n, self.unit(name))
            for name, n in self.states.items()
        }

    def unit(self, name):
        """Name of the unit of a variable by its full name; inputs with a size of their own have none."""
        name = Name.parse(name)
        return self.populations[name.population].model.units.get(name.variable, "1")
