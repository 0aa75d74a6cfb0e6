"""What a layer makes of a declared model: the input that it reads, the circuit whose step it takes, its states."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Container, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from organics_neuro.core.boundary import check_names, known_name
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.circuits.checks import check_parameter
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.core.operators import AllToAll


def read_by(model: CircuitModel, name: str | None, input_size: int, hidden_size: int) -> tuple[CircuitModel, str]:
    """The model as a layer runs it, and the input of it that the layer reads.

    An external input takes ``input_size`` values. An input with one value a unit is read as it is, or through weights,
    where the model has such an encoder or the sizes differ: then a coupling from an external input writes it.

    Parameters
    ----------
    model : CircuitModel
    name : str or None
        Of the input; may be left out where there is one.
    input_size, hidden_size : int

    Raises
    ------
    ValueError
        If the model has no or several inputs and none is named, several external ones, or a delay.
    """
    if late := next((c for c in model.couplings if c.delay), None):
        raise ValueError(
            f"the coupling {late.target!r} of the model {model.name!r} has a delay, which the state of a layer does not "
            "hold; unroll the circuit with organics_neuro.nn.functional.unroll"
        )
    if len(model.external) > 1:
        raise ValueError(
            f"model {model.name!r} has the external inputs {', '.join(model.external)}, but a layer reads one"
        )
    known = model.external or model.inputs
    if name is None and len(known) != 1:
        listed = ", ".join(map(repr, known)) or "none"
        raise ValueError(f"model {model.name!r} has the inputs {listed}; say which one the layer reads by input=...")
    name = known[0] if name is None else known_name("input", name, (*model.external, *model.inputs))
    if name in model.external or (name not in model.encoders and input_size == hidden_size):
        return model, name
    return _encoded(model, name)


def _encoded(model, name):
    """``model`` with its input ``name`` written by a coupling from an external one."""
    outside = next(text for text in ("x", "stimulus", "layer_input") if text not in (*model.units, *model.external))
    weights = model.encoders.get(name, f"W_{name}x")
    coupling = Coupling(name, weights, outside)
    encoders, defaults = (
        {key: value for key, value in given.items() if key != name} for given in (model.encoders, model.defaults)
    )
    encoded = replace(
        model,
        name=f"{model.name}_encoded",
        couplings=(*model.couplings, coupling),
        external=(*model.external, outside),
        encoders=encoders,
        defaults=defaults,
        closed_form=None,  # it holds for an input, not for what a coupling delivers
    )
    return encoded, outside


@lru_cache(maxsize=64)
def declaration(model: CircuitModel, input_size: int, hidden_size: int) -> Circuit:
    """The circuit whose step a layer takes, all weights 0: the layer puts its own numbers in their place."""
    columns = {c.weights: input_size if model.external_source(c) else hidden_size for c in model.couplings}
    weights = {name: AllToAll((hidden_size, n), 0.0) for name, n in columns.items()}
    missing = {name: 1.0 for name, value in model.parameters.items() if value is None}
    return Circuit(model, weights, size=hidden_size, **missing)


def starting_values(
    model: CircuitModel, given: Mapping[str, Any], size: int, drawn: Container[str]
) -> dict[str, np.ndarray]:
    """Where parameters start, in SI units: those given, then those of the model unless they are ``drawn``.

    Raises
    ------
    ValueError, UnitError, TypeError
        For an unknown name, a wrong shape or unit, a value that is not allowed, and for one that is missing.
    """
    check_names("parameters", "parameter", given, model.parameters)
    if model.step in given:
        raise ValueError(
            f"the parameter {model.step!r} of the model {model.name!r} is the step of the layer: give dt=..."
        )
    start = {}
    for name, default in model.parameters.items():
        value = given.get(name, default)
        if value is None:
            raise ValueError(f"model {model.name!r} needs the parameter {name!r}; give parameters={{{name!r}: ...}}")
        if name in given or name not in drawn:
            start[name] = check_parameter(model, name, value, size)
    return start


@lru_cache(maxsize=64)
def state_type(names: tuple[str, ...]) -> type:
    """The named tuple of states called ``names``; its instances can be pickled."""
    cls = namedtuple("State", names)  # noqa: PYI024  the names are known at run time alone
    cls.__doc__ = f"The state of a circuit: {', '.join(names)}."
    cls.__reduce__ = lambda self: (_restored, (names, tuple(self)))  # pyright: ignore
    return cls


def _restored(names, values):
    return state_type(names)(*values)
