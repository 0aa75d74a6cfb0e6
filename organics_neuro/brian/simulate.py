"""Simulate a circuit in Brian2 with one call: the counterpart of `organics_neuro.reference.simulate`."""

import numpy as np

from organics_neuro.brian.run import run_circuit
from organics_neuro.core.boundary import check_steps, count_trials, known_name, positive_int
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.reference import DT, DURATION
from organics_neuro.core.units import seconds


def simulate(circuit, z=None, duration=DURATION, dt=DT, *, record=None, every=1, report=None, **options):
    """As `organics_neuro.simulate` with the engine Brian; to be removed."""
    duration, dt = seconds("duration", duration), seconds("dt", dt)
    steps = round(duration / dt)
    inputs = check_circuit(circuit).dynamics.resolve_inputs(z)
    check_steps(inputs, steps)
    trials = count_trials("the inputs", inputs)
    record = list(circuit.states) if record is None else list(record)
    for name in record:
        known_name("state in record", name, circuit.states)
    every = every if every is None else positive_int("every", every)
    return run_circuit(
        circuit, inputs, steps, dt, trials=trials, record=record, every=every, report=report or False, **options
    )


def convergence(circuit, z=None, duration=DURATION, dt=DT, method="euler"):
    """As `organics_neuro.engines.convergence` with the engine Brian; to be removed."""
    dt, inputs = seconds("dt", dt), check_circuit(circuit).dynamics.resolve_inputs(z)
    halves = {name: np.repeat(value, 2, axis=0) if value.ndim == 3 else value for name, value in inputs.items()}
    duration = round(seconds("duration", duration) / dt) * dt
    coarse = simulate(circuit, inputs, duration, dt, method=method)
    fine = simulate(circuit, halves, duration, dt / 2, method=method, every=2)
    return {name: float(np.abs(fine[name] - coarse[name]).max()) for name in coarse}
