"""The NumPy simulator: short, batched over trials, and the oracle that every engine is compared with."""

from functools import partial

import numpy as np

from organics_neuro.core.boundary import check_steps, count_trials
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.schemes import scheme
from organics_neuro.core.units import seconds

#: How long simulators run, and their step, in seconds, unless one says otherwise.
DURATION, DT = 0.3, 1e-4


def simulate(circuit, z=None, duration=DURATION, dt=DT, method="euler", initial=None):
    """Integrate a circuit.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like or dict
        Input of shape (units,), (trials, units) or (steps, trials, units); in the last case it changes with time
        and is held during each step. A dictionary by name if the circuit has several inputs.
    duration, dt : float or Brian2 quantity
        In seconds.
    method : str
        One of `organics_neuro.core.schemes.SCHEMES`; forward Euler equals the torch layers step by step.
    initial : dict, optional
        States to start from, each (units,) or (trials, units); states not named start where the circuit says.

    Returns
    -------
    dict of ndarray
        Each state by its full name, shape (steps + 1, trials, units); the first entry is the start.

    Raises
    ------
    ValueError, UnitError
    """
    advance = scheme(method).step
    duration, dt = seconds("duration", duration), seconds("dt", dt)
    dynamics = check_circuit(circuit).dynamics
    inputs = dynamics.resolve_inputs(z)
    steps = round(duration / dt)
    check_steps(inputs, steps)
    start = dynamics.resolve_states("initial", initial)
    trials = count_trials("inputs and initial states", {**inputs, **start})
    states, slope = dynamics.unpack(dynamics.pack(start, (trials,))), None
    trace = {name: np.empty((steps + 1, *value.shape)) for name, value in states.items()}
    for name, value in states.items():
        trace[name][0] = value
    for k in range(steps):
        now = {name: value[k] if value.ndim == 3 else value for name, value in inputs.items()}
        couple = partial(dynamics.couplings, inputs=now)
        states, slope = advance(states, dt, couple, lambda x, c, now=now: dynamics.right_hand_side(x, now, c), slope)
        for name, value in states.items():
            trace[name][k + 1] = value
    return trace
