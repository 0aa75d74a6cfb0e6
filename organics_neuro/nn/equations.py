"""The steady state of a declared model as equations x = F(x) in torch, with their derivatives.

F = x + tau dx/dt, made from the declaration: F, the sources of the couplings and all partial derivatives are SymPy
expressions that are printed for torch. Of the model "two_type" F is

    y = b z + (1 - sqrt(a)) W_r y,      a = (sigma b0)² + W (a y²).

What does not depend on states, such as b z, is computed once. A matrix product with weights is written ``x @ W.T``:
arrays of states are (samples, units).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import sympy as sp
import torch
from torch import Tensor
from torch.nn.functional import linear

from organics_neuro.core import expressions
from organics_neuro.core.expressions import Backend, derivative, symbol
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.nn.functional import TORCH

#: As `TORCH`, but with the plain square root: where a steady state is, it has a slope.
SOLVER = Backend("torch_solver", lambda f: _root if f.name == "sqrt" else TORCH.convert(f), differentiated=True)
Values = Mapping[str, Any]


def _root(x):
    return torch.sqrt(x) if isinstance(x, Tensor) else float(x) ** 0.5


class Printed:
    """A SymPy expression as a function of a dictionary of values, which knows the names that it reads."""

    def __init__(self, expression: sp.Expr):
        self.expression = expression
        self.names = tuple(sorted(s.name for s in expression.free_symbols))  # pyright: ignore
        function = expressions.compile_function(self.names, [expression], SOLVER)
        self.number = None if self.names else float(expression)  # pyright: ignore
        #: The name, if the expression is nothing but one.
        self.alone = str(expression) if expression.is_Symbol else None
        self._function = function

    def __call__(self, values: Values) -> Any:
        return self.number if self.number is not None else self._function(*[values[name] for name in self.names])[0]


@dataclass(frozen=True, eq=False)
class Link:
    """A coupling within the population: ``target`` receives weights times ``source``."""

    target: str
    weights: str
    source: Printed
    #: Derivatives of the source by states, those that are not zero.
    slopes: Mapping[str, Printed]


class Equations:
    """F of a model and its derivatives.

    Attributes
    ----------
    states : tuple of str
    links : tuple of Link
    offsets, rest : dict of str to Printed
        By state: what F adds that depends on no state, and the rest.
    local, response : dict of (str, str) to Printed
        Derivatives of F of a state by another state, and by what a coupling delivers; those that are not zero.
    by_target : dict of str to list of Link
    reading : dict of str to list of str
        By state, the targets of the couplings that read it.
    gates : dict of str to (Printed, str)
        By state, where the rest is a factor times what one coupling delivers: both.
    """

    def __init__(self, model: CircuitModel, numbers: Mapping[str, float]):
        self.model, self.states = model, model.states
        values = {symbol(name): _exact(number) for name, number in numbers.items()}
        inside = _inside(model)
        targets = dict.fromkeys(c.target for c in inside)
        for c in inside:
            if chained := sorted(model.reads(c.source).intersection(targets)):
                raise ValueError(
                    f"model {model.name!r}: the source {c.source!r} reads what another coupling delivers, {chained[0]!r}; "
                    "use organics_neuro.theory.fixed_point for its steady state"
                )
        unknown = [symbol(name) for name in (*model.states, *targets)]
        self.offsets, self.rest, self.local, self.response = {}, {}, {}, {}
        for state in model.states:
            f = sp.expand_mul((symbol(state) + _time_constant(model, state) * model.derivatives[state]).subs(values))
            offset, rest = f.as_independent(*unknown, as_Add=True)
            self.offsets[state], self.rest[state] = Printed(offset), Printed(sp.factor_terms(rest))
            self.local.update(_partials(f, state, model.states))
            self.response.update(_partials(f, state, targets))
        self.links = tuple(self._link(c, values) for c in inside)
        self.by_target: dict[str | None, list[Link]] = {}
        for link in self.links:
            self.by_target.setdefault(link.target, []).append(link)
        self.reading = {s: [k.target for k in self.links if s in k.source.names] for s in self.states}
        gates = {s: _gate(rest.expression, targets) for s, rest in self.rest.items()}
        self.gates = {s: gate for s, gate in gates.items() if gate is not None}

    def _link(self, coupling, values):
        source = self.model.expression(coupling.source).subs(values)
        slopes = {state: p for (_, state), p in _partials(source, coupling.target, self.states).items()}
        return Link(coupling.target, coupling.weights, Printed(source), slopes)


def _gate(expression, targets):
    """``expression`` as (factor, target), if it is a product with what one coupling delivers; None otherwise."""
    for target in targets:
        factor = expression / symbol(target)
        if expression != symbol(target) and not factor.free_symbols & {symbol(t) for t in targets}:
            return Printed(factor), target
    return None


def _partials(expression, of, variables):
    found = {(of, v): derivative(expression, v) for v in variables}
    return {pair: Printed(d) for pair, d in found.items() if d != 0}


def _time_constant(model, state):
    """The time constant of a state as an expression; 1 for a state without one."""
    return model.expression(model.time_constant(state) if model.has_time_constant(state) else "1")


def _exact(number):
    return sp.Integer(int(number)) if float(number).is_integer() else sp.Float(number)


@lru_cache(maxsize=64)
def _equations(model, numbers):
    return Equations(model, dict(numbers))


def _initial(model, values):
    """Where a model says that states start."""
    return {state: Printed(model.expression(model.initial.get(state, "0")))(values) for state in model.states}


@lru_cache(maxsize=64)
def _closed_form(model, numbers):
    values = {symbol(name): _exact(number) for name, number in numbers}
    form = model.closed_form
    couplings = [(c.target, c.weights, Printed(model.expression(c.source).subs(values))) for c in form.couplings]
    known = [*form.states, *(c.target for c in form.couplings)]
    states = {s: Printed(_with(model, text, known).subs(values)) for s, text in form.states.items()}
    return couplings, states


def _with(model, text, known):
    """``text`` of a closed form, which may read states and couplings."""
    return model.expression(text) if set(known) <= {*model.arguments} else expressions.parse(text)


def _inside(model: CircuitModel) -> list[Coupling]:
    """The couplings within the population."""
    return [c for c in model.couplings if model.external_source(c) is None]


def split(values: Values) -> tuple[dict[str, Tensor], tuple[tuple[str, float], ...]]:
    """Tensors and plain numbers of ``values``; the numbers become part of the expressions."""
    tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    return tensors, tuple(sorted((name, float(v)) for name, v in values.items() if name not in tensors))


def closed_form(
    model: CircuitModel, values: Values, products: Mapping[str, Callable[[Tensor], Tensor]]
) -> dict[str, Tensor]:
    """The steady state that a model declares in closed form.

    Parameters
    ----------
    model : CircuitModel
    values : dict of Tensor or float
        Inputs and parameters by name.
    products : dict of callable
        By the name of weights, their product with (..., source units).

    Returns
    -------
    dict of Tensor
        The states in the order of the model.
    """
    known, numbers = split(values)
    couplings, states = _closed_form(model, numbers)
    for target, weights, source in couplings:
        known[target] = products[weights](source(known))
    for state, printed in states.items():
        known[state] = printed(known)
    return {state: known[state] for state in model.states}


class Known(dict):
    """Values by name at some states; what a coupling delivers is computed when it is read."""

    def __init__(self, system: System, values: Values):
        super().__init__(values)
        self._system = system

    def __missing__(self, target):
        if target not in self._system.by_target:
            raise KeyError(target)
        self[target] = delivered = self._system.deliver(target, self)
        return delivered


class System:
    """The equations of a model with their numbers: one problem for each sample.

    Parameters
    ----------
    model : CircuitModel
    values : dict of Tensor or float
        Inputs, parameters, and what couplings from external inputs deliver: (samples, units), (units,) or a number. Where
        couplings within the population write the same variable, they add to it.
    weights : dict of Tensor or callable
        Of the couplings within the population: (units, units), or, where nothing is linearised, their product with
        (samples, units).
    """

    def __init__(self, model: CircuitModel, values: Values, weights: Mapping[str, Any]):
        self.values, self.weights = values, weights
        targets = {c.target for c in _inside(model)}
        #: What comes from outside to variables that couplings within the population write as well.
        self.outside = {name: value for name, value in values.items() if name in targets}
        tensors, numbers = split({name: value for name, value in values.items() if name not in targets})
        self.equations, self._tensors = _equations(model, numbers), tensors
        self._offsets = {state: offset(tensors) for state, offset in self.equations.offsets.items()}
        self.by_target = self.equations.by_target

    def map_values(self, change: Callable[[Tensor], Tensor]) -> System:
        """The same system with ``change`` applied to all of its tensors but the weights."""
        values = {name: change(v) if isinstance(v, Tensor) else v for name, v in self.values.items()}
        return System(self.equations.model, values, self.weights)

    def select(self, samples: Tensor) -> System:
        """The problems of some samples."""
        return self.map_values(lambda value: value[samples] if value.dim() > 1 else value)

    def double(self) -> System:
        """The same in double precision."""
        system = self.map_values(torch.Tensor.double)
        return System(system.equations.model, system.values, {name: w.double() for name, w in self.weights.items()})

    def start(self) -> list[Tensor]:
        """Where a search begins: at the closed form, if there is one, else where the model says that states start.

        The closed form is the steady state if some weights are the identity, and near it if they are not.
        """
        model, like = self.equations.model, next(iter(self.weights.values()))
        if model.closed_form:
            products = {name: partial(_product, weights) for name, weights in self.weights.items()}
            found = closed_form(model, self.values, products)
        else:
            found = _initial(model, self.values)
        tensors, _ = split(self.values)
        shape = torch.broadcast_shapes((1, len(like)), *(v.shape for v in tensors.values()))
        return [torch.as_tensor(found[s], dtype=like.dtype, device=like.device).expand(shape) for s in model.states]

    def at(self, states: Sequence[Tensor]) -> Known:
        """All values at these states by name."""
        return Known(self, {**self._tensors, **dict(zip(self.equations.states, states, strict=True))})

    def deliver(self, target: str, known: Values) -> Tensor:
        """What the couplings deliver to one variable."""
        first, *others = (self._product(k, known) for k in self.by_target[target])
        return sum(others, first + self.outside[target] if target in self.outside else first)

    def _product(self, link, known):
        weights, source = self.weights[link.weights], link.source(known)
        if isinstance(weights, Tensor) and not isinstance(source, Tensor):  # one number for all units
            source = weights.new_full(weights.shape[1:], float(source))
        return _product(weights, source)

    def _next(self, state, known):
        """F of a state, as a tensor: it may be one number for all."""
        following = self._value(state, known)
        return following if isinstance(following, Tensor) else _full(following, known[state])

    def _value(self, state, known):
        offset, rest = self._offsets[state], self.equations.rest[state]
        links = self.by_target.get(rest.alone, ())
        if len(links) == 1 and isinstance(offset, Tensor) and rest.alone not in {*known, *self.outside}:
            weights = self.weights[links[0].weights]
            if isinstance(weights, Tensor):  # in one operation
                return torch.addmm(offset, links[0].source(known), weights.T)
        gate = self.equations.gates.get(state)
        if gate is not None and isinstance(offset, Tensor):
            return add_product(offset, gate[0](known), known[gate[1]])
        return offset + rest(known) if isinstance(offset, Tensor) or offset else rest(known)

    def advance(self, states: Sequence[Tensor]) -> list[Tensor]:
        """Each state set to F of it, one after the other."""
        known = self.at(states)
        for state in self.equations.states:
            known[state] = self._next(state, known)
            for target in self.equations.reading[state]:
                known.pop(target, None)  # it has changed
        return [known[state] for state in self.equations.states]

    def next(self, states: Sequence[Tensor]) -> list[Tensor]:
        """F of all states at once."""
        known = self.at(states)
        return [self._next(state, known).expand_as(x) for state, x in zip(self.equations.states, states, strict=True)]

    def error(self, states: Sequence[Tensor]) -> Tensor:
        """The largest residual |F - x| of each sample."""
        return largest(*(f - x for f, x in zip(self.next(states), states, strict=True)))

    def derivatives(self, known: Known) -> tuple[dict, dict, dict]:
        """Derivatives at a state: (local, response) by pairs as `Equations` has them, and slopes by (link, state)."""
        local = {pair: printed(known) for pair, printed in self.equations.local.items()}
        response = {pair: printed(known) for pair, printed in self.equations.response.items()}
        slopes = {(k, state): printed(known) for k in self.equations.links for state, printed in k.slopes.items()}
        return local, response, slopes

    def linearised(self, states: Sequence[Tensor]) -> Tensor:
        """I - dF/dx, states one after the other: shape (samples, all units, all units)."""
        names, like = self.equations.states, states[0]
        n, samples = like.shape[-1], len(like)
        eye = torch.eye(n, dtype=like.dtype, device=like.device)
        blocks = {(s, t): eye.expand(samples, n, n) * (s == t) for s in names for t in names}
        local, response, slopes = self.derivatives(self.at(states))
        for (s, t), value in local.items():
            blocks[s, t] = blocks[s, t] - torch.diag_embed(_full(value, like))
        for (link, t), slope in slopes.items():
            for (s, target), value in response.items():
                if target == link.target:
                    gain = _full(value, like).unsqueeze(-1) * self.weights[link.weights]
                    blocks[s, t] = blocks[s, t] - gain * _full(slope, like).unsqueeze(-2)
        return torch.cat([torch.cat([blocks[s, t] for t in names], -1) for s in names], -2)


def add_product(total: Tensor, factor: Tensor | float, value: Tensor) -> Tensor:
    """total + factor*value, in one operation; a factor may be a number."""
    return torch.addcmul(total, factor, value) if isinstance(factor, Tensor) else torch.add(total, value, alpha=factor)


def largest(*values: Tensor) -> Tensor:
    """The largest absolute value of each sample."""
    found = values[0].abs().amax(-1)
    for value in values[1:]:
        found = torch.maximum(found, value.abs().amax(-1))
    return found


def _product(weights, x):
    return linear(x, weights) if isinstance(weights, Tensor) else weights(x)


def _full(value, like):
    return torch.as_tensor(value, dtype=like.dtype, device=like.device).expand_as(like)
