"""A declaration as equations of a `NeuronGroup`, every name declared."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import numpy as np

from organics_neuro.brian.noise import NoiseTerms
from organics_neuro.brian.replaced import replaced_lines
from organics_neuro.core.expressions import substitute, to_brian
from organics_neuro.core.model import CircuitModel


def equations_of(
    model: CircuitModel,
    parameters: Mapping,
    inputs: Mapping[str, str | np.ndarray],
    noise: NoiseTerms,
    received: Mapping[str, str],
    summands: Mapping[str, Sequence[str]],
    replaced: Container[str] = (),
) -> str:
    """Brian2's equations of a model.

    Parameters
    ----------
    model : CircuitModel
    parameters : dict
        Values of the circuit: one number is stored once, for all neurons.
    inputs : dict
        What takes the place of inputs and parameters: a Brian2 expression, or an array, for which there is a variable
        with one value per neuron.
    noise : NoiseTerms
        What is added to derivatives.
    received : dict of str
        What takes the place of inputs where they are read.
    summands : dict
        Variables that several couplings write, with the names of the variables that add up to each.
    replaced : collection of str
        States of which some units take their value from outside.
    """

    def brian(text):
        text = to_brian(text, model.units)
        return substitute(text, received) if received else text

    lines = []
    for kind, name, text, unit in model.lines:
        if kind == "state":
            slope = brian(text) + (f" + {noise.drives[name]}" if name in noise.drives else "")
            if name in replaced:
                lines += replaced_lines(name, brian(text), brian(model.time_constant(name)), unit)
                slope = f"(1 - replaced_{name})*({slope})"
            lines.append(f"d{name}/dt = {slope} : {unit}")
        elif kind == "alias":
            lines.append(f"{name} = {brian(text)} : {unit}")
        elif name in summands:
            lines += [
                f"{name} = {' + '.join(summands[name])} : {unit}",
                *(f"{part} : {unit}" for part in summands[name]),
            ]
        else:
            lines.append(_plain(name, unit, inputs.get(name), parameters.get(name)))
    for name, output in model.outputs.items():
        if output.weights is None:
            lines.append(f"{name} = {brian(output.source)} : {output.unit}")
    return "\n".join([*lines, noise.declarations()])


def _plain(name, unit, given, parameter):
    if isinstance(given, str):
        return f"{name} = {given} : {unit}"
    flags = "" if given is not None or parameter is None else f" ({_flags(parameter)})"
    return f"{name} : {unit}{flags}"


def _flags(value) -> str:
    """Brian2 flags of a parameter: one number is stored once, for all neurons."""
    return "shared, constant" if np.ndim(value) == 0 else "constant"
