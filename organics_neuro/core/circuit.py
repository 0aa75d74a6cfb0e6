"""`Circuit`: a model with weights and parameters. `JoinedCircuit`: circuits joined by couplings, again a circuit."""

from functools import cached_property
from types import MappingProxyType

import numpy as np

from organics_neuro.core import files
from organics_neuro.core.arguments import known_name, positive_int
from organics_neuro.core.dynamics import Connection, Dynamics, Population, check_units_axis, qualify
from organics_neuro.core.errors import FileFormatError, unknown_name
from organics_neuro.core.expressions import substitute
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.core.models import get_model
from organics_neuro.core.operators import AllToAll, as_operator, from_arrays, identity
from organics_neuro.core.units import magnitude

#: What the names of arrays begin with that a file holds beside a circuit.
EXTRA = "extra/"


class _Immutable:
    """Shared behaviour of circuits: they never change, compare by value, and can be saved."""

    def __setattr__(self, name, value):
        raise AttributeError(f"a circuit never changes; make a changed copy with circuit.replace({name}=...)")

    @cached_property
    def dynamics(self):
        """Right-hand side and Jacobian, a `organics_neuro.core.dynamics.Dynamics`."""
        return Dynamics(self.populations, self.connections, self.external)

    @property
    def states(self):
        """Number of units of each state, by its full name."""
        return MappingProxyType(self.dynamics.states)

    @property
    def inputs(self):
        """Number of units of each input, by its full name."""
        return MappingProxyType(self.dynamics.inputs)

    @property
    def initial(self):
        """Where the states start, by full name, each of shape (units,)."""
        return MappingProxyType(self.dynamics.initial)

    def __eq__(self, other):
        if not isinstance(other, _Immutable):
            return NotImplemented
        mine, theirs = self._record(), other._record()
        return (
            mine[1] == theirs[1]
            and mine[0].keys() == theirs[0].keys()
            and all(np.array_equal(mine[0][k], theirs[0][k]) for k in mine[0])
        )

    __hash__ = None

    def save(self, path, *, extra=None, about=None):
        """Write the circuit to a safetensors file, which `load` reads without torch and without Brian2.

        Parameters
        ----------
        path : path
            Conventionally ends in ``.safetensors``.
        extra : dict of ndarray, optional
            Arrays that belong to the circuit, such as a readout; they are kept as ``extra/name``.
        about : dict, optional
            What is to be known of them, as JSON can hold it.
        """
        arrays, metadata = self._record()
        arrays.update({f"{EXTRA}{name}": value for name, value in (extra or {}).items()})
        files.save(path, arrays, kind="circuit", metadata=metadata if about is None else {**metadata, "about": about})


class Circuit(_Immutable):
    """A model with weights and parameters.

    Parameters
    ----------
    model : str or CircuitModel
        Name of a model ("two_type", "two_type_rectified", "two_type_rectified_recurrence", "gated"), or a declaration.
    weights : dict
        Weights by name: operators or arrays of shape (units, source units), or one number for all pairs. Weights
        that the model gives a default ("two_type": identity ``W_r``, ones for ``W``) may be left out.
    size : int, optional
        Number of units, where the weights do not tell.
    initial : dict, optional
        Where states start, by name: numbers or arrays of shape (units,). Otherwise the model says.
    **parameters
        Parameters of the model: numbers or arrays of shape (units,), in SI units or as Brian2 quantities.

    Attributes
    ----------
    model : CircuitModel
    weights : mapping of str to Operator
    parameters : mapping of str to float or ndarray
        In SI units.
    size : int

    Raises
    ------
    ValueError, UnitError
        For a wrong shape, a value that is not finite or not allowed, an unknown name, a wrong unit.

    Examples
    --------
    >>> import organics_neuro as on
    >>> on.Circuit("two_type", size=2, sigma=0.2).parameters["sigma"]
    0.2
    """

    def __init__(self, model, weights=None, *, size=None, initial=None, **parameters):
        model = get_model(model)
        weights = dict(weights or {})
        known = (*model.weights, *model.encoders.values())
        for name in weights:
            if name not in known:
                raise ValueError(f"model {model.name!r}: {unknown_name('weights', name, known)}")
        size = _find_size(model, weights, parameters, size)
        set_ = self.__dict__.update
        set_(model=model, size=size)
        set_(weights=MappingProxyType(_check_weights(model, weights, size)))
        set_(parameters=MappingProxyType(_check_parameters(model, parameters, size)))
        set_(_initial=MappingProxyType(_check_initial(model, initial or {}, size)))

    @cached_property
    def populations(self):
        """The circuit's populations by name; a circuit that is not joined has one, called ""."""
        return {"": Population(self.model, self.size, self.parameters, self._initial)}

    @cached_property
    def connections(self):
        """What the model's couplings connect, as `Connection` objects."""
        result = []
        for c in self.model.couplings:
            outside = self.model.external_source(c)
            result.append(
                Connection(c.weights, "", c.target, self.weights[c.weights], outside or "", c.source, outside)
            )
        return tuple(result)

    @cached_property
    def external(self):
        """Sizes of the inputs that have a size of their own."""
        return {c.source: c.weights.shape[1] for c in self.connections if c.external}

    def replace(self, weights=None, initial=None, **parameters):
        """A copy with other weights, initial states or parameters; what is not named stays."""
        return Circuit(
            self.model,
            weights={**self.weights, **(weights or {})},
            size=self.size,
            initial={**self._initial, **(initial or {})},
            **{**self.parameters, **parameters},
        )

    def _record(self):
        """Arrays and metadata that define the circuit."""
        arrays = {}
        for name, operator in self.weights.items():
            arrays.update({f"weights/{name}/{key}": array for key, array in operator.arrays().items()})
        arrays.update({f"parameters/{name}": np.asarray(value) for name, value in self.parameters.items()})
        arrays.update({f"initial/{name}": np.asarray(value) for name, value in self._initial.items()})
        kinds = {name: operator.kind for name, operator in self.weights.items()}
        return arrays, {"model": self.model.to_dict(), "size": self.size, "weights": kinds}

    def __repr__(self):
        parameters = ", ".join(f"{k}={_short(v)}" for k, v in self.parameters.items())
        weights = ", ".join(f"{k}: {v!r}" for k, v in self.weights.items())
        return f"<Circuit {self.model.name!r}, {self.size} units; {weights}; {parameters}>"


class JoinedCircuit(_Immutable):
    """Circuits joined by couplings; made by `join`.

    Attributes
    ----------
    parts : mapping of str to Circuit
        The circuits by name; states, inputs and weights of the whole are called ``"part.name"``.
    couplings : tuple of Coupling
    """

    def __init__(self, parts, couplings):
        self.__dict__.update(parts=MappingProxyType(dict(parts)), couplings=tuple(couplings))
        self.dynamics  # noqa: B018  reading it checks the couplings

    @cached_property
    def populations(self):
        """All populations by their full name."""
        return {_within(p, q): pop for p, part in self.parts.items() for q, pop in part.populations.items()}

    @cached_property
    def written_inside(self):
        """Full names of the variables that connections inside the parts write."""
        return {qualify(_within(p, c.target), c.variable) for p, part in self.parts.items() for c in part.connections}

    @cached_property
    def _links(self):
        return tuple(_Link(self, c) for c in self.couplings)

    @cached_property
    def connections(self):
        """All connections, those inside the parts first."""
        direct = {link.target_name: link for link in self._links if link.operator is None}
        inside = [_inner_connection(p, c, direct) for p, part in self.parts.items() for c in part.connections]
        return (*inside, *(link.connection() for link in self._links if link.operator is not None))

    @cached_property
    def external(self):
        """Sizes of the inputs that have a size of their own and that no coupling feeds."""
        fed = {link.target_name for link in self._links}
        every = {qualify(p, x): n for p, part in self.parts.items() for x, n in part.external.items()}
        return {x: n for x, n in every.items() if x not in fed}

    @property
    def weights(self):
        """All weights by their full name; those of a coupling are named after its target."""
        return MappingProxyType({c.key: c.weights for c in self.connections})

    def replace(self, couplings=None, **parts):
        """A copy with other parts (``pair.replace(e=...)``) or other couplings."""
        for name in parts:
            known_name("part", name, self.parts)
        return join({**self.parts, **parts}, self.couplings if couplings is None else couplings)

    def _record(self):
        arrays, parts, couplings = {}, {}, []
        for name, part in self.parts.items():
            inner, parts[name] = part._record()
            arrays.update({f"parts/{name}/{key}": value for key, value in inner.items()})
        for link in self._links:
            entry = {"target": link.target_name, "source": link.coupling.source, "weights": None}
            if link.operator is not None:
                entry["weights"] = link.operator.kind
                arrays.update({f"couplings/{link.target_name}/{k}": v for k, v in link.operator.arrays().items()})
            couplings.append(entry)
        return arrays, {"parts": parts, "couplings": couplings}

    def __repr__(self):
        parts = ", ".join(f"{name}: {part!r}" for name, part in self.parts.items())
        couplings = ", ".join(f"{c.target} <- {c.source}" for c in self.couplings)
        return f"<JoinedCircuit {parts}; {couplings}>"


def load(path):
    """Read a circuit, joined or not, that `Circuit.save` wrote.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is corrupt, is not a circuit, or was written by a newer version.
    """
    arrays, metadata = files.load(path, "circuit")
    try:
        return _from_record(arrays, metadata)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} does not hold a valid circuit: {error}") from error


def join(parts, couplings):
    """Join circuits by couplings into one circuit.

    Parameters
    ----------
    parts : dict of str to Circuit
        The circuits by name; they may have different models and sizes, and may be joined circuits themselves.
    couplings : sequence of Coupling
        ``Coupling("e.from_i", weights=W_ei, source="i: k*relu(v)**n")``: the target is an input of a part that
        nothing else writes, the weights have shape (units of the target, units of the source), the source is an
        expression of a part. Without weights, an external input of a part is replaced by the expression.

    Returns
    -------
    JoinedCircuit

    Examples
    --------
    >>> import organics_neuro as on
    >>> v1, v2 = on.ring(n=12), on.ring(n=9)
    >>> areas = on.join({"v1": v1, "v2": v2}, [on.Coupling("v2.z", weights=0.1, source="v1: y**2")])
    >>> dict(areas.states)
    {'v1.y': 12, 'v1.a': 12, 'v2.y': 9, 'v2.a': 9}
    """
    if not parts:
        raise ValueError("parts holds no circuit; join takes at least one")
    for name, part in parts.items():
        if not isinstance(part, _Immutable):
            raise TypeError(f"part {name!r} must be a circuit, got {type(part).__name__}")
        if not name.isidentifier():
            raise ValueError(f"the part name {name!r} must be an identifier")
    return JoinedCircuit(parts, couplings)


class _Link:
    """A coupling between parts, resolved: which populations and variables it names, checked."""

    def __init__(self, joined, coupling):
        self.coupling = coupling
        self.target_name = coupling.target
        if coupling.default is not None:
            raise ValueError(
                f"coupling {coupling.target!r}: default= is for the couplings of a model; give the weights"
            )
        source, _, self.expression = (s.strip() for s in coupling.source.partition(":"))
        populations = joined.populations
        external = {qualify(p, x): n for p, part in joined.parts.items() for x, n in part.external.items()}
        if source not in populations or not self.expression:
            raise ValueError(
                f"coupling {coupling.target!r}: the source must read 'population: expression' with a population among {', '.join(populations)}, got {coupling.source!r}"
            )
        self.source = source
        self.target, _, self.variable = coupling.target.rpartition(".")
        n = populations[source].size
        if [c.target for c in joined.couplings].count(coupling.target) > 1:
            raise ValueError(
                f"two couplings write {coupling.target!r}; declare an input for each and add them in the equations"
            )
        self._check_source(populations[source].model, joined)
        self.operator = None
        if coupling.target in external:
            if coupling.weights is not None:
                raise ValueError(
                    f"coupling {coupling.target!r}: an external input has weights of its own; give only a source"
                )
            if external[coupling.target] != n:
                raise ValueError(
                    f"coupling {coupling.target!r}: the input has {external[coupling.target]} values, but {source!r} has {n} units"
                )
            return
        free = [qualify(p, x) for p, pop in populations.items() for x in pop.model.inputs]
        free = [name for name in free if name not in joined.written_inside]
        if coupling.target not in free:
            raise ValueError(unknown_name("target of a coupling", coupling.target, (*free, *external)))
        m = populations[self.target].size
        self.operator = as_operator(coupling.weights, coupling.target, (m, n))
        if self.operator.shape != (m, n):
            raise ValueError(
                f"coupling {coupling.target!r}: weights have shape {self.operator.shape}, but must have ({m} targets, {n} sources)"
            )
        _check_sign(coupling, coupling.target, self.operator)

    def _check_source(self, model, joined):
        model.check_source(Coupling(self.target_name, None, self.expression))
        written = {*joined.written_inside, *(c.target for c in joined.couplings)}
        for used in model.expression(self.expression).free_symbols:
            name = qualify(self.source, used.name)
            if name in written:
                raise ValueError(
                    f"coupling {self.target_name!r}: the source reads {name!r}, which another coupling writes; a source may use states, free inputs and parameters"
                )

    def connection(self):
        return Connection(self.target_name, self.target, self.variable, self.operator, self.source, self.expression)


def _within(part, population):
    """Full name of a population of ``part``; the only one of a circuit that is not joined is called ""."""
    return qualify(part, population) if population else part


def _inner_connection(part, connection, direct):
    """A connection inside ``part`` under its full name; a fed external input gives way to the expression that feeds it."""
    key, target = qualify(part, connection.key), _within(part, connection.target)
    source = _within(part, connection.source)
    link = direct.get(source) if connection.external else None
    if link is None:
        return Connection(
            key, target, connection.variable, connection.weights, source, connection.expression, connection.external
        )
    expression = substitute(connection.expression, {connection.external: link.expression})
    return Connection(key, target, connection.variable, connection.weights, link.source, expression)


def check_circuit(circuit):
    """``circuit``, if it is one; raises `TypeError` otherwise."""
    if not isinstance(circuit, _Immutable):
        raise TypeError(
            f"circuit must be a circuit, got {type(circuit).__name__}; make one with organics_neuro.Circuit(...)"
        )
    return circuit


# --- checks ---------------------------------------------------------------------------------------------------------


def _find_size(model, weights, parameters, size):
    """Number of units: as given, or as the weights or the parameters tell."""
    if size is not None:
        return positive_int("size", size)
    for value in weights.values():
        if shape := getattr(value, "shape", None) or np.shape(value):
            return int(shape[0])
    for name, value in parameters.items():
        if name in model.parameters and np.ndim(value) == 1:
            return len(value)
    raise ValueError(f"model {model.name!r}: how many units? Give size=..., or weights with a shape")


def _check_weights(model, weights, size):
    sources, checked = {}, {}
    for coupling in model.couplings:
        name, outside = coupling.weights, model.external_source(coupling)
        if name in weights:
            value = weights[name]
        elif coupling.default is None:
            raise ValueError(f"model {model.name!r} needs the weights {name!r}; give weights={{{name!r}: ...}}")
        else:
            value = identity(size) if coupling.default == "identity" else AllToAll(size)
        operator = as_operator(value, name, None if outside else (size, size))
        columns = sources.setdefault(outside, operator.shape[1]) if outside else size
        if operator.shape != (size, columns):
            raise ValueError(
                f"weights {name!r} have shape {operator.shape}, but must have ({size} units, {columns} {'inputs' if outside else 'units'})"
            )
        _check_sign(coupling, name, operator)
        checked[name] = operator
    for name in model.encoders.values():
        if name in weights:
            checked[name] = as_operator(weights[name], name)
            if checked[name].shape[0] != size:
                raise ValueError(
                    f"weights {name!r} have shape {checked[name].shape}, but must have {size} rows, one per unit"
                )
    return checked


def _check_sign(coupling, name, operator):
    if coupling.nonnegative and not operator.is_nonnegative:
        raise ValueError(f"weights {name!r} must not be negative, but the smallest is {operator.minimum:g}")


def _check_parameters(model, parameters, size):
    for name in parameters:
        if name in (*model.weights, *model.encoders.values()):
            raise ValueError(f"model {model.name!r}: {name!r} are weights; give them as weights={{{name!r}: ...}}")
        if name not in model.parameters:
            raise ValueError(f"model {model.name!r}: {unknown_name('parameter', name, model.parameters)}")
    checked = {}
    for name, default in model.parameters.items():
        value = parameters.get(name, default)
        if value is None:
            raise ValueError(f"model {model.name!r} needs the parameter {name!r}; give {name}=...")
        array = check_parameter(model, name, value)
        if array.shape not in ((), (size,)):
            raise ValueError(
                f"parameter {name!r} has shape {array.shape}, but must be one number or have shape ({size},)"
            )
        array.flags.writeable = False
        checked[name] = float(array) if array.ndim == 0 else array
    return checked


def must_be_positive(model, name):
    """Whether a parameter has to be larger than 0: as time constants have."""
    return name in model.positive or model.units[name] == "second"


def check_parameter(model, name, value):
    """``value`` of a parameter as an array in SI units, checked but for its shape."""
    array = magnitude(f"parameter {name!r}", value, model.units[name])
    if must_be_positive(model, name) and np.any(array <= 0):
        raise ValueError(f"parameter {name!r} must be larger than 0, but the smallest value is {array.min():g}")
    return array


def _check_initial(model, initial, size):
    checked = {}
    for name, value in initial.items():
        if name not in model.states:
            raise ValueError(f"model {model.name!r}: {unknown_name('state in initial', name, model.states)}")
        checked[name] = check_units_axis(f"initial value of {name!r}", value, size, model.units[name])
        if checked[name].ndim > 1:
            raise ValueError(
                f"initial value of {name!r} has shape {checked[name].shape}, but must be one number or have shape ({size},)"
            )
        checked[name].flags.writeable = False
    return checked


def _from_record(arrays, metadata):
    if "parts" in metadata:
        parts = {
            name: _from_record(_below(arrays, f"parts/{name}/"), inner) for name, inner in metadata["parts"].items()
        }
        couplings = [
            Coupling(
                entry["target"],
                None
                if entry["weights"] is None
                else from_arrays(entry["weights"], _below(arrays, f"couplings/{entry['target']}/")),
                entry["source"],
            )
            for entry in metadata["couplings"]
        ]
        return join(parts, couplings)
    model = CircuitModel.from_dict(metadata["model"])
    weights = {
        name: from_arrays(kind, _below(arrays, f"weights/{name}/")) for name, kind in metadata["weights"].items()
    }
    return Circuit(
        model, weights, size=metadata["size"], initial=_below(arrays, "initial/"), **_below(arrays, "parameters/")
    )


def _below(arrays, prefix):
    return {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}


def _short(value):
    return f"{value:g}" if np.ndim(value) == 0 else f"[{np.min(value):.3g} to {np.max(value):.3g}]"
