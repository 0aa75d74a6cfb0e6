"""What a declaration says, checked once: names, units, references, expressions.

Every fault is a `ValueError` of one sentence that names the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from organics_neuro.core import expressions
from organics_neuro.core.errors import UnitError, unknown_name
from organics_neuro.core.units import check_unit, magnitude

if TYPE_CHECKING:
    from organics_neuro.core.model import CircuitModel, Coupling

#: What a model calls a parameter that layers do not learn.
CONSTANT = ("constant",)
#: Weights that a coupling may name as its default.
DEFAULTS = ("identity", "ones")


def check(model: CircuitModel) -> None:
    """Raise `ValueError` unless the declaration can be read and holds together."""
    try:
        _check_names(model)
        _check_references(model)
        _check_expressions(model)
        for coupling in model.couplings:
            check_coupling(model, coupling)
        check_no_circle(_reads(model), _sentence_of(model))
        _check_closed_form(model)
        _check_units(model)
    except (ValueError, UnitError) as error:
        text = str(error)
        raise type(error)(text if text.startswith("model ") else f"model {model.name!r}: {text}") from None


def in_si_units(model: CircuitModel, given: Mapping) -> dict[str, float | None]:
    """Defaults of parameters or inputs as numbers in SI units; None stays None."""
    return {
        name: None
        if value is None
        else float(magnitude(f"model {model.name!r}: default of {name!r}", value, model.units[name]))
        for name, value in given.items()
    }


def _check_names(model: CircuitModel) -> None:
    names = [*(line.name for line in model.lines), *model.outputs, *model.external]
    for name in names:
        if reason := expressions.why_not(name):
            raise ValueError(f"{name!r} cannot name a variable: {reason}; choose another name")
        if names.count(name) > 1:
            raise ValueError(f"the variable {name!r} is declared twice")
    for name, unit in model.units.items():
        check_unit(name, unit)
    if model.units.get(model.step, "second") != "second":
        raise ValueError(f"the step {model.step!r} must have the unit second, got {model.units[model.step]}")
    if not model.states:
        raise ValueError(f"model {model.name!r} has no state; add a line 'dx/dt = ... : 1'")


def _check_references(model: CircuitModel) -> None:
    """Everything that is named elsewhere in the declaration is declared in the text."""
    plain = {line.name for line in model.lines if line.kind == "plain"}
    for kind, given in (("parameter", model.parameters), ("target of a coupling", model.targets)):
        for name in given:
            if name not in plain:
                raise ValueError(f"the {kind} {name!r} is not declared; add a line '{name} : unit' to the equations")
    for kind, given, known in (
        ("state in 'initial'", model.initial, model.states),
        ("state in 'time_constants'", model.time_constants, model.states),
        ("state in 'relaxed'", model.relaxed, model.states),
        ("parameter in 'step'", (model.step,) if model.step else (), model.parameters),
        ("name in 'parametrizations'", model.parametrizations, (*model.weights, *model.parameters)),
        ("parameter in 'positive'", model.positive, model.parameters),
        ("input in 'encoders'", model.encoders, model.inputs),
        ("input in 'defaults'", model.defaults, model.inputs),
    ):
        _check_known(kind, given, known)
    for name, kind in model.parametrizations.items():
        if tuple(kind) == CONSTANT and name not in model.parameters:
            raise ValueError(f"the weights {name!r} cannot be {CONSTANT}; only parameters can")


def _check_known(kind, given, known):
    for name in given:
        if name not in known:
            raise ValueError(unknown_name(kind, name, known))


def _check_expressions(model: CircuitModel) -> None:
    model.derivatives  # noqa: B018  reading it parses the text
    for text in (*model.aliases, *(output.source for output in model.outputs.values())):
        model.expression(text)
    settings = {"initial value": model.initial, "time constant": model.time_constants}
    for kind, texts in settings.items():
        for text in texts.values():
            depends = sorted(model.reads(text).difference(model.parameters, model.inputs))
            if depends:
                raise ValueError(f"the {kind} {text!r} may depend on inputs and parameters only, not on {depends}")


def _check_units(model: CircuitModel) -> None:
    """Raise `UnitError` where Brian2 would, at its first run."""
    units = model.units
    others = [(f"source of {c.target!r}", c.source, units[c.target]) for c in model.couplings]
    others += [(f"output {name!r}", output.source, output.unit) for name, output in model.outputs.items()]
    others += [(f"initial value of {state!r}", text, units[state]) for state, text in model.initial.items()]
    others += [(f"time constant of {state!r}", text, "second") for state, text in model.time_constants.items()]
    expressions.check_equations(model.lines, others, model.external)


def check_coupling(model: CircuitModel, coupling: Coupling) -> None:
    """Raise `ValueError` for a coupling of a model that does not fit."""
    if not isinstance(coupling.weights, str):
        raise ValueError(
            f"the weights of the coupling {coupling.target!r} must be a name, got {coupling.weights!r}; "
            "a circuit gives the weights themselves"
        )
    if coupling.default not in (None, *DEFAULTS):
        raise ValueError(f"coupling {coupling.target!r}: {unknown_name('default', coupling.default, DEFAULTS)}")
    check_sign(coupling)
    check_source(model, coupling)


def check_sign(coupling: Coupling) -> None:
    """Raise `ValueError` unless ``sign`` is one, and does not contradict ``nonnegative``."""
    if coupling.sign not in (None, 1, -1) or isinstance(coupling.sign, bool):
        raise ValueError(f"coupling {coupling.target!r}: sign must be +1, -1 or None, got {coupling.sign!r}")
    if coupling.nonnegative and coupling.sign == -1:
        raise ValueError(f"coupling {coupling.target!r}: sign=-1 contradicts nonnegative=True; give one of them")


def check_source(model: CircuitModel, coupling: Coupling) -> None:
    """Raise `ValueError` unless the source expression is of one external input, or of variables of the population."""
    outside = [x for x in model.external if x in expressions.names(coupling.source)]
    if outside and expressions.names(coupling.source) != {outside[0]}:
        raise ValueError(
            f"model {model.name!r}: the source {coupling.source!r} mixes the external input {outside[0]!r} with other variables"
        )
    if not outside:
        model.expression(coupling.source)


def _reads(model: CircuitModel) -> dict[str, set[str]]:
    """Which targets of couplings the sources of each target read."""
    graph: dict[str, set[str]] = {target: set() for target in model.targets}
    for c in model.couplings:
        if not model.external_source(c):
            graph[c.target] |= model.reads(c.source).intersection(model.targets)
    return graph


def _sentence_of(model: CircuitModel) -> Callable[[list[str]], str]:
    def sentence(circle):
        sources = [repr(c.source) for c in model.couplings if c.target == circle[0]]
        return (
            f"the source {sources[0]} depends on the coupling {circle[1]!r}, which depends on it in a circle "
            f"({' <- '.join(circle)}); make one of them a state"
        )

    return sentence


def check_no_circle(graph: Mapping[str, set[str]], sentence: Callable[[list[str]], str]) -> list[str]:
    """The nodes of a graph in an order in which each comes after those that it reads.

    Parameters
    ----------
    graph : dict of set
        What each node reads.
    sentence : callable
        Makes the message for a circle, the list of its nodes in which the first is repeated at the end.

    Raises
    ------
    ValueError
        If there is a circle.
    """
    order: list[str] = []
    path: list[str] = []

    def visit(node):
        if node in path:
            raise ValueError(sentence([*path[path.index(node) :], node]))
        if node in order:
            return
        path.append(node)
        for other in sorted(graph[node]):
            visit(other)
        path.pop()
        order.append(node)

    for node in graph:
        visit(node)
    return order


def _check_closed_form(model: CircuitModel) -> None:
    form = model.closed_form
    if form is None:
        return
    _check_known("weights in 'closed_form'", (*form.identity, *(c.weights for c in form.couplings)), model.weights)
    _check_known("state in 'closed_form'", form.states, model.states)
    missing = [name for name in model.states if name not in form.states]
    if missing:
        raise ValueError(f"the closed form does not give the state {missing[0]!r}")
    for text in (*(c.source for c in form.couplings), *form.states.values()):
        model.expression(text)
