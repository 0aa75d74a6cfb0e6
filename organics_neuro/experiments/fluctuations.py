"""Fluctuations around steady responses: variances of averages over a time, and how responses follow states."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from organics_neuro.core.memory import check_memory
from organics_neuro.engines import Theory
from organics_neuro.engines._base import Arrays
from organics_neuro.experiments.protocol import name_among

#: Frequencies up to which spectra are integrated, in Hz.
HIGHEST = 500.0
#: Difference of a state, relative to its size, for the derivative of an output.
_DIFFERENCE = 1e-6


def windowed_variance(
    circuit: Any, inputs: Any, noise: Any, engine: Any, signals: Mapping[str, Mapping], time: float
) -> Arrays:
    """Variance (conditions,) of the average of each signal over a time: the integral of its spectrum times sinc(f time)^2.

    Where an engine cannot choose its frequencies, the lowest stands for all below it; what is above the highest does not matter.
    """
    near = 3 / time  # where the window ends
    dense = np.concatenate([np.linspace(0, 1, 41) * near, np.geomspace(near, max(HIGHEST, 2 * near), 40)[1:]])
    chosen = isinstance(engine, Theory)
    how = {"frequencies": dense} if chosen else {"resolution": min(0.5 / time, 2.0), "highest": HIGHEST}
    found = engine.spectrum(circuit, inputs, noise, signals, **how)
    steps = 50 * time * found.frequencies[-1]
    check_memory(f"the variance in windows of {time:g} s", 32 * steps, "use a shorter time")
    fine = np.arange(0, found.frequencies[-1], 0.02 / time)
    window, result = np.sinc(fine * time) ** 2, {}
    for name, each in found.power.items():
        power = np.stack([np.interp(fine, found.frequencies, one) for one in each])
        result[name] = 2 * np.trapezoid(power * window, fine, axis=-1)
    return result


def output_and_slope(
    circuit: Any, inputs: Any, states: Arrays, state: str, output: str | None
) -> tuple[str, np.ndarray, np.ndarray]:
    """An output of the units of a state: its name, values, and derivatives by the unit's own state, (conditions, units)."""
    dynamics = circuit.dynamics
    known = [str(name) for name, units in dynamics.channels.items() if units == dynamics.states[state]]
    if not known:
        raise ValueError(f"no output has one value for each unit of {state!r}")
    name = name_among("output", output, known)
    size = _DIFFERENCE * np.maximum(np.abs(states[state]), 1e-3)
    couplings = dynamics.couplings(states, inputs)
    sides = [
        dynamics.outputs({**states, state: states[state] + sign * size}, inputs, couplings)[name] for sign in (1, -1)
    ]
    return name, dynamics.outputs(states, inputs, couplings)[name], (sides[0] - sides[1]) / (2 * size)
