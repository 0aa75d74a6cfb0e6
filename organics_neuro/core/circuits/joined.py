"""`join`: circuits joined by couplings, again a circuit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from organics_neuro.core.boundary import by_name, known_name
from organics_neuro.core.circuits.base import AnyCircuit
from organics_neuro.core.circuits.checks import check_weights_sign
from organics_neuro.core.declaration import check_sign, check_source
from organics_neuro.core.errors import shown, unknown_name
from organics_neuro.core.expressions import is_part_name, substitute
from organics_neuro.core.model import Coupling
from organics_neuro.core.names import Name, within
from organics_neuro.core.operators import Operator, as_operator
from organics_neuro.core.plain import to_plain
from organics_neuro.core.populations import Connection, Population


class JoinedCircuit(AnyCircuit):
    """Circuits joined by couplings; made by `join`.

    Attributes
    ----------
    parts : mapping of str to Circuit
        The circuits by name; states, inputs and weights of the whole are called ``"part.name"``.
    couplings : tuple of Coupling
    """

    parts: Mapping[str, AnyCircuit]
    couplings: tuple[Coupling, ...]

    def __init__(self, parts: Mapping[str, AnyCircuit], couplings: Sequence[Coupling]):
        self.__dict__.update(parts=MappingProxyType(dict(parts)), couplings=tuple(couplings))
        self.dynamics  # noqa: B018  reading it checks the couplings

    @cached_property
    def populations(self) -> dict[Any, Population]:
        """All populations by their full name."""
        return {within(p, q): pop for p, part in self.parts.items() for q, pop in part.populations.items()}

    @cached_property
    def _links(self):
        links, count = [], Counter()
        for c in self.couplings:
            count[c.target] += 1
            key = c.target if count[c.target] == 1 else f"{c.target}_{count[c.target]}"
            links.append(_Link(self, c, key))
        return tuple(links)

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """All connections, those inside the parts first."""
        direct = {link.target: link for link in self._links if link.operator is None}
        inside = [_inner_connection(p, c, direct) for p, part in self.parts.items() for c in part.connections]
        return (*inside, *(link.connection() for link in self._links if link.operator is not None))

    @cached_property
    def external_inside(self) -> dict[Any, int]:
        """Sizes of the inputs of the parts that have a size of their own, fed or not."""
        return {x.within(p): n for p, part in self.parts.items() for x, n in part.external.items()}

    @cached_property
    def external(self) -> dict[Any, int]:
        """Sizes of the inputs that have a size of their own and that no coupling feeds."""
        fed = {link.target for link in self._links}
        return {x: n for x, n in self.external_inside.items() if x not in fed}

    @property
    def weights(self) -> Mapping[str, Operator]:
        """All weights by their full name; those of a coupling are named after its target."""
        return MappingProxyType({c.key: c.weights for c in self.connections})

    def replace(self, couplings: Sequence[Coupling] | None = None, **parts: AnyCircuit) -> JoinedCircuit:
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
            kind = None if link.operator is None else link.operator.kind
            if link.operator is not None:
                arrays.update({f"couplings/{link.key}/{k}": v for k, v in link.operator.arrays().items()})
            given = to_plain(replace(link.coupling, weights=None))
            couplings.append({**given, "weights": kind, "key": link.key})
        return arrays, {"parts": parts, "couplings": couplings}

    def __repr__(self):
        parts = ", ".join(f"{name}: {part!r}" for name, part in self.parts.items())
        couplings = ", ".join(f"{c.target} <- {c.source}" for c in self.couplings)
        return f"<JoinedCircuit {parts}; {couplings}>"


def join(parts: Mapping[str, AnyCircuit], couplings: Sequence[Coupling]) -> JoinedCircuit:
    """Join circuits by couplings into one circuit.

    Parameters
    ----------
    parts : dict of str to Circuit
        The circuits by name; they may have different models and sizes, and may be joined circuits themselves.
    couplings : sequence of Coupling
        ``Coupling("e.from_i", weights=W_ei, source="i: k*relu(v)**n")``: the target is an input of a part, or a
        variable that another coupling writes, to which it adds; the weights have shape (units of the target, units of
        the source), the source is an expression of a part. Without weights, an external input of a part is replaced by the expression.

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
    if not by_name("parts", parts):
        raise ValueError("parts holds no circuit; join takes at least one")
    if not isinstance(couplings, Sequence) or not all(isinstance(c, Coupling) for c in couplings):
        raise TypeError(f"couplings must be a list of Coupling(...), got {shown(couplings)}")
    for name, part in parts.items():
        if not isinstance(part, AnyCircuit):
            raise TypeError(f"part {name!r} must be a circuit, got {type(part).__name__}")
        if not is_part_name(name):
            raise ValueError(
                f"the part name {name!r} must be an identifier of ASCII letters, digits and underscores, and no keyword"
            )
    return JoinedCircuit(parts, couplings)


class _Link:
    """A coupling between parts, resolved: which populations and variables it names, checked.

    ``key`` names its weights in the circuit: its target, with a number where several couplings have the same.
    """

    def __init__(self, joined, coupling, key):
        self.coupling, self.key, self.target = coupling, key, Name.parse(coupling.target)
        if coupling.default is not None:
            raise ValueError(f"coupling {key!r}: default= is for the couplings of a model; give the weights")
        check_sign(coupling)
        source, _, self.expression = (s.strip() for s in coupling.source.partition(":"))
        populations = joined.populations
        if source not in populations or not self.expression:
            raise ValueError(
                f"coupling {key!r}: the source must read 'population: expression' with a population among {', '.join(populations)}, got {coupling.source!r}"
            )
        self.source = source
        check_source(populations[source].model, Coupling(coupling.target, None, self.expression))
        self.operator = self._operator(joined)

    def _operator(self, joined):
        """The weights, or None where an external input is fed."""
        populations, n = joined.populations, joined.populations[self.source].size
        external = joined.external_inside
        if self.target in external:
            self._check_feed(joined, external[self.target], n)
            return None
        inputs = [Name(p, x) for p, pop in populations.items() for x in pop.model.inputs]
        receivers = [*inputs, *(Name(p, x) for p, pop in populations.items() for x in pop.model.targets)]
        if self.target not in receivers:
            raise ValueError(unknown_name("target of a coupling", str(self.target), (*receivers, *external)))
        shape = (populations[self.target.population].size, n)
        operator = as_operator(self.coupling.weights, self.key, shape)
        if operator.shape != shape:
            raise ValueError(
                f"coupling {self.key!r}: weights have shape {operator.shape}, but must have ({shape[0]} targets, {n} sources)"
            )
        check_weights_sign(self.coupling, self.key, operator)
        return operator

    def _check_feed(self, joined, values, units):
        if self.coupling.weights is not None:
            raise ValueError(f"coupling {self.key!r}: an external input has weights of its own; give only a source")
        if values != units:
            raise ValueError(
                f"coupling {self.key!r}: the input has {values} values, but {self.source!r} has {units} units"
            )
        if self.key != self.target:
            raise ValueError(f"two couplings feed the external input {self.target!r}; join their sources in one")

    def connection(self):
        """The connection that it makes."""
        target, variable, delay = self.target.population, self.target.variable, self.coupling.delay
        return Connection(self.key, target, variable, self.operator, self.source, self.expression, delay=delay)


def _inner_connection(part, connection, direct):
    """A connection inside ``part`` under its full name; a fed external input gives way to the expression that feeds it."""
    source = connection.source.within(part) if connection.external else within(part, connection.source)
    moved = replace(connection, key=f"{part}.{connection.key}", target=within(part, connection.target), source=source)
    link = direct.get(source) if connection.external else None
    if link is None:
        return moved
    expression = substitute(connection.expression, {connection.external: link.expression})
    delay = connection.delay + link.coupling.delay
    return replace(moved, source=link.source, expression=expression, external=None, delay=delay)
