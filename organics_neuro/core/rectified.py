"""`rectified_pairs`: a circuit that sends a signed state, as one whose units send nothing but positive rates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from organics_neuro.core.boundary import known_name
from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.expressions import substitute
from organics_neuro.core.model import CircuitModel, Output


def rectified_pairs(circuit: Circuit, state: str | None = None) -> Circuit:
    """The circuit in which each unit is a pair, of opposite sign, and weights read ``relu(y)``.

    Unit i + n is the mirror image of unit i: ``y[i + n] = -y[i]``, all other states are equal. What a coupling read of y
    it reads as ``sign_y*relu(y)``, with ``sign_y`` 1 for the first n units and -1 for the others: one of the two is
    silent, and their sum is y. So ``relu(y[:n]) - relu(y[n:])`` is the state of ``circuit``, exactly, and units can be
    replaced by neurons (`CircuitGroup`, ``replaced``), which have no negative rates.

    Parameters
    ----------
    circuit : Circuit
        Of one population.
    state : str, optional
        Which state gets the pairs; the first by default.

    Returns
    -------
    Circuit
        With twice as many units. Inputs with one value per unit are given twice: ``numpy.tile(z, 2)``. Its declaration is
        a new model, without a closed form. Outputs that read the state are those of its positive part.

    Raises
    ------
    ValueError, TypeError
        For a joined circuit, an unknown state, or a model that has a variable ``sign_y``.

    Examples
    --------
    >>> import organics_neuro as on
    >>> pairs = on.rectified_pairs(on.Circuit("two_type", size=2))
    >>> pairs.size, pairs.model.couplings[0].source
    (4, 'sign_y * relu(y)')
    """
    if not isinstance(check_circuit(circuit), Circuit):
        raise TypeError("rectified_pairs takes a circuit of one population; make pairs of its parts, and join those")
    model, n = circuit.model, circuit.size
    name = known_name("state", model.states[0] if state is None else state, model.states)
    sign = f"sign_{name}"
    if sign in model.units:
        raise ValueError(
            f"pairs of {name!r} add a parameter {sign!r}, but the model {model.name!r} has one of that name"
        )
    signs = np.repeat([1.0, -1.0], n)
    weights = {key: np.tile(w.to_dense(), _copies(model, key)) for key, w in circuit.weights.items()}
    initial = {key: np.tile(np.broadcast_to(value, n), 2) for key, value in circuit.populations[None].initial.items()}
    if name in initial:
        initial[name] = initial[name] * signs
    parameters = {key: np.tile(value, 2) if np.ndim(value) else value for key, value in circuit.parameters.items()}
    return Circuit(_paired(model, name, sign), weights, size=2 * n, initial=initial, **{**parameters, sign: signs})


def _copies(model: CircuitModel, key: str) -> tuple[int, int]:
    """How often weights are repeated: for each unit that they reach, and for each that they read."""
    if key in model.encoders.values():
        return 2, 1
    if any(output.weights == key for output in model.readouts.values()):
        return 1, 2
    outside = any(model.external_source(c) for c in model.couplings if c.weights == key)
    return 2, 1 if outside else 2


def _paired(model: CircuitModel, name: str, sign: str) -> CircuitModel:
    """The declaration: all that reads the state locally sees it with its sign, what is sent is its positive part."""

    def local(text: str) -> str:
        return substitute(text, {name: f"{sign}*{name}"})

    lines = [f"{sign} : 1"]
    for kind, key, text, unit in model.lines:
        if kind == "state":
            slope = f"{sign}*({local(text)})" if key == name else local(text)
            lines.append(f"d{key}/dt = {slope} : {unit}")
        else:
            lines.append(f"{key} = {local(text)} : {unit}" if kind == "alias" else f"{key} : {unit}")
    couplings = [
        c if model.external_source(c) else replace(c, source=_sent(model, c.source, name, sign))
        for c in model.couplings
    ]
    outputs = {key: _output(model, output, name, sign) for key, output in model.outputs.items()}
    starts = {key: f"{sign}*({text})" if key == name else text for key, text in model.initial.items()}
    changed: dict[str, Any] = {
        "name": f"{model.name}_pairs",
        "equations": "\n".join(lines),
        "couplings": couplings,
        "parameters": {**model.parameters, sign: None},
        "initial": starts,
        "outputs": outputs,
        "time_constants": {key: local(text) for key, text in model.time_constants.items()},
        "closed_form": None,
    }
    return replace(model, **changed)


def _sent(model: CircuitModel, text: str, name: str, sign: str) -> str:
    """An expression as two units of opposite sign send it: what they send adds up to the expression."""
    if name not in model.reads(text):
        return f"0.5*({text})"
    for _ in model.aliases:  # abbreviations may hold others
        text = substitute(
            text, {key: f"({alias})" for key, alias in model.aliases.items() if name in model.reads(alias)}
        )
    positive, rest = substitute(text, {name: f"{sign}*relu({name})"}), substitute(text, {name: "0"})
    return positive if model.expression(rest) == 0 else f"{positive} - 0.5*({rest})"


def _output(model: CircuitModel, output: Output, name: str, sign: str) -> Output:
    if output.weights is None and name not in model.reads(output.source):
        return output
    return replace(output, source=_sent(model, output.source, name, sign))
