"""What the protocols share: stimuli as inputs, and populations as axes of a dataset."""

from collections.abc import Mapping

import numpy as np

from organics_neuro.core import stimuli
from organics_neuro.core.boundary import known_name
from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.names import Name

ENGINES = ("brian", "theory")


def check_engine(engine):
    """Raise `ValueError` for an engine that is not among `ENGINES`."""
    known_name("engine", engine, ENGINES)


def pattern(circuit, stimulus, angle, name):
    """The inputs at unit contrast, by name.

    Parameters
    ----------
    stimulus : array_like, dict or None
        A stimulus of the circuit (see `organics_neuro.stimuli`), inputs by name, or None for a grating at ``angle``.
    name : str
        Name of the argument, for messages.
    """
    dynamics = check_circuit(circuit).dynamics
    if isinstance(stimulus, Mapping):
        return dynamics.resolve_inputs(stimulus)
    if not isinstance(circuit, Circuit):
        raise ValueError(f"give {name} as a dictionary of inputs: a joined circuit has no stimulus of its own")
    stimulus = stimuli.grating(circuit, angle) if stimulus is None else stimulus
    return dynamics.resolve_inputs(stimuli.drive(circuit, stimulus))


def scaled(inputs, contrasts):
    """Inputs (units,) at each of the contrasts, shape (contrasts, units)."""
    return {name: np.multiply.outer(contrasts, value) for name, value in inputs.items()}


def unit_axis(state):
    """Name of the axis of a state's units: "unit", or "e_unit" for the population "e" of a joined circuit."""
    population = Name.parse(state).population
    return "unit" if population is None else f"{population}_unit"
