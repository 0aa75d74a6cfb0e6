"""Outputs of a circuit, such as firing rates, by full name."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from organics_neuro.core.names import Name


def output_names(circuit: Any) -> dict[str, int]:
    """Number of units of each output, by full name."""
    names: dict[str, int] = {}
    for state in circuit.dynamics.rates(circuit.initial):
        names[Name(state.population, f"rate_{state.variable}")] = circuit.states[state]
    return names


def outputs(circuit: Any, states: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs for states and inputs (..., units)."""
    values = circuit.dynamics.rates(states).values()
    return dict(zip(output_names(circuit), values, strict=True))
