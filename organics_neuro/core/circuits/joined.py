"""`join`: circuits joined by couplings, again a circuit."""

from functools import cached_property
from types import MappingProxyType

from organics_neuro.core.boundary import known_name
from organics_neuro.core.circuits.base import AnyCircuit
from organics_neuro.core.circuits.checks import check_sign
from organics_neuro.core.dynamics import Connection
from organics_neuro.core.errors import unknown_name
from organics_neuro.core.expressions import substitute
from organics_neuro.core.model import Coupling
from organics_neuro.core.names import Name, within
from organics_neuro.core.operators import as_operator


class JoinedCircuit(AnyCircuit):
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
        return {within(p, q): pop for p, part in self.parts.items() for q, pop in part.populations.items()}

    @cached_property
    def written_inside(self):
        """Full names of the variables that connections inside the parts write."""
        return {Name(within(p, c.target), c.variable) for p, part in self.parts.items() for c in part.connections}

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
        every = {x.within(p): n for p, part in self.parts.items() for x, n in part.external.items()}
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
        if not isinstance(part, AnyCircuit):
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
        external = {x.within(p): n for p, part in joined.parts.items() for x, n in part.external.items()}
        if source not in populations or not self.expression:
            raise ValueError(
                f"coupling {coupling.target!r}: the source must read 'population: expression' with a population among {', '.join(populations)}, got {coupling.source!r}"
            )
        self.source = source
        target = Name.parse(coupling.target)
        self.target, self.variable = target.population, target.variable
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
        free = [Name(p, x) for p, pop in populations.items() for x in pop.model.inputs]
        free = [name for name in free if name not in joined.written_inside]
        if coupling.target not in free:
            raise ValueError(unknown_name("target of a coupling", coupling.target, (*free, *external)))
        m = populations[self.target].size
        self.operator = as_operator(coupling.weights, coupling.target, (m, n))
        if self.operator.shape != (m, n):
            raise ValueError(
                f"coupling {coupling.target!r}: weights have shape {self.operator.shape}, but must have ({m} targets, {n} sources)"
            )
        check_sign(coupling, coupling.target, self.operator)

    def _check_source(self, model, joined):
        model.check_source(Coupling(self.target_name, None, self.expression))
        written = {*joined.written_inside, *(c.target for c in joined.couplings)}
        for used in model.expression(self.expression).free_symbols:
            name = Name(self.source, used.name)
            if name in written:
                raise ValueError(
                    f"coupling {self.target_name!r}: the source reads {name!r}, which another coupling writes; a source may use states, free inputs and parameters"
                )

    def connection(self):
        return Connection(self.target_name, self.target, self.variable, self.operator, self.source, self.expression)


def _inner_connection(part, connection, direct):
    """A connection inside ``part`` under its full name; a fed external input gives way to the expression that feeds it."""
    key, target = f"{part}.{connection.key}", within(part, connection.target)
    source = connection.source.within(part) if connection.external else within(part, connection.source)
    link = direct.get(source) if connection.external else None
    if link is None:
        return Connection(
            key, target, connection.variable, connection.weights, source, connection.expression, connection.external
        )
    expression = substitute(connection.expression, {connection.external: link.expression})
    return Connection(key, target, connection.variable, connection.weights, link.source, expression)
