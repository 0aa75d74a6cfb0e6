"""`adapting` and `depressing`: slow states attached to the drive or to the couplings of a circuit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from organics_neuro.core.boundary import known_name, number
from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.equations import Line
from organics_neuro.core.expressions import dimension, substitute
from organics_neuro.core.expressions.dimensions import unit_text
from organics_neuro.core.model import CircuitModel
from organics_neuro.core.units import seconds


def adapting(circuit: Circuit, of: str, strength: float = 1.0, tau: Any = 1.0, *, name: str = "m") -> Circuit:
    """The circuit with adaptation: what was strong for some time is divided.

    A state m of each unit follows the magnitude of what adapts, ``tau_m dm/dt = -m + abs(x)``, and x is divided by
    ``1 + strength_m*m``. Adaptation of the drive and of the pool differ: where responses are saturated, dividing the
    recurrence changes little, for the pool divides both.

    Parameters
    ----------
    circuit : Circuit
        Of one population.
    of : str
        What adapts: an input, such as "z", in all that reads it; or weights, such as "W", in what units send through them.
    strength : float
        0 or larger.
    tau : float or Brian2 quantity
        Time constant of the adaptation, in seconds.
    name : str
        Of the state; its parameters are ``strength_m`` and ``tau_m``. Adaptations of several things have names of their own.

    Returns
    -------
    Circuit
        Its declaration is a new model, without a closed form.

    Raises
    ------
    ValueError, TypeError
        For a joined circuit, a name that the model has, an input that has a unit or a size of its own.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.adapting(on.Circuit("two_type", size=1), "z", strength=2.0, tau=0.5)
    >>> on.theory.fixed_point(circuit, [0.5]).state["m"]
    array([0.5])
    """
    amount = number("strength", strength, "0 or larger", lambda s: s >= 0)
    line = f"(-{name} + abs({{source}}))/tau_{name}"
    factor = f"1/(1 + strength_{name}*{name})"
    parameters = {f"strength_{name}": amount, f"tau_{name}": seconds("tau", tau)}
    return _attached(circuit, of, name, line, factor, "0", parameters)


def depressing(circuit: Circuit, of: str, use: float = 1.0, tau: Any = 0.2, *, name: str = "resource") -> Circuit:
    """The circuit with synapses that use up their resources (Tsodyks & Markram 1997), in rates.

    A state of each unit, the part of its resources that is there, recovers and is used:
    ``d resource/dt = (1 - resource)/tau_resource - use_resource*abs(x)*resource/tau_resource``; what the unit sends is x
    times it.

    Parameters
    ----------
    circuit : Circuit
        Of one population.
    of : str
        What depresses, as for `adapting`.
    use : float
        How much of the resources is used in the time ``tau`` where x is 1; 0 or larger.
    tau : float or Brian2 quantity
        Time in which they recover, in seconds.
    name : str
        Of the state; its parameters are ``use_resource`` and ``tau_resource``.

    Returns
    -------
    Circuit
        Its declaration is a new model, without a closed form. With constant x the resources are ``1/(1 + use*abs(x))``.

    Raises
    ------
    ValueError, TypeError
        As for `adapting`.
    """
    amount = number("use", use, "0 or larger", lambda u: u >= 0)
    line = f"(1 - {name} - use_{name}*abs({{source}})*{name})/tau_{name}"
    parameters = {f"use_{name}": amount, f"tau_{name}": seconds("tau", tau)}
    return _attached(circuit, of, name, line, name, "1", parameters)


def _attached(circuit, of, name, line, factor, start, parameters):
    """A circuit whose model has a state ``name`` more, which multiplies ``of`` by ``factor``."""
    if not isinstance(check_circuit(circuit), Circuit):
        raise TypeError(
            "adaptation is attached to a circuit of one population; attach it to a part, and join the parts"
        )
    model: Any = circuit.model
    known = [*(key for key in model.inputs if key not in model.external), *model.weights]
    known_name("input or weights", of, known)
    for new in (name, *parameters):
        if new in model.units:
            raise ValueError(f"the model {model.name!r} has a variable {new!r}; give another name")
    change = _of_input if of in model.inputs else _of_weights
    equations, couplings, source = change(model, of, factor)
    if _unit(model, of, source) != "1":
        raise ValueError(f"{of!r} has a unit, and what adapts must have none: divide it by a parameter of that unit")
    unit = {key: "second" if key.startswith("tau_") else "1" for key in parameters}
    lines = [f"d{name}/dt = {line.format(source=source)} : 1", *(f"{key} : {u}" for key, u in unit.items())]
    made = replace(
        model,
        name=f"{model.name}_with_{name}",
        equations="\n".join([*equations, *lines]),
        couplings=couplings,
        parameters={**model.parameters, **parameters},
        initial={**model.initial, name: start},
        closed_form=None,
    )
    return _with_model(circuit, made, parameters)


def _of_input(model: CircuitModel, of: str, factor: str):
    """Lines and couplings in which an input is multiplied by a factor, and the input itself."""

    def changed(text: str) -> str:
        return substitute(text, {of: f"({of}*{factor})"})

    equations = [
        _text(each._replace(expression=changed(each.expression)) if each.expression else each) for each in model.lines
    ]
    return equations, tuple(replace(c, source=changed(c.source)) for c in model.couplings), of


def _of_weights(model: CircuitModel, of: str, factor: str):
    """Lines and couplings in which what goes through weights is multiplied by a factor, and that source."""
    sources = list(dict.fromkeys(c.source for c in model.couplings if c.weights == of))
    if len(sources) > 1 or any(c.weights == of and model.external_source(c) for c in model.couplings):
        raise ValueError(
            f"the weights {of!r} read {len(sources)} sources, or an input with a size of its own; attach to the input"
        )
    couplings = tuple(replace(c, source=f"({c.source})*{factor}") if c.weights == of else c for c in model.couplings)
    return [_text(each) for each in model.lines], couplings, sources[0]


def _text(line: Line) -> str:
    if line.kind == "plain":
        return f"{line.name} : {line.unit}"
    left = f"d{line.name}/dt" if line.kind == "state" else line.name
    return f"{left} = {line.expression} : {line.unit}"


def _unit(model: Any, of: str, source: str) -> str:
    return model.units[of] if of in model.inputs else unit_text(dimension(source, model.units))


def _with_model(circuit: Circuit, model: CircuitModel, parameters: dict) -> Circuit:
    initial = circuit.populations[None].initial
    return Circuit(model, circuit.weights, size=circuit.size, initial=initial, **{**circuit.parameters, **parameters})
