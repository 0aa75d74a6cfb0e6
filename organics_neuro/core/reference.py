"""The NumPy simulator: short, batched over trials, and the oracle that every engine is compared with."""

import numpy as np

from organics_neuro.core.boundary import check_steps, count_trials, known_name
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.units import seconds

#: How long simulators run, and their step, in seconds, unless one says otherwise.
DURATION, DT = 0.3, 1e-4


def _euler(dynamics, x, inputs, dt, _before):
    return x + dt * dynamics.flow(x, inputs), None


def _rk4(dynamics, x, inputs, dt, _before):
    return _runge_kutta(lambda v: dynamics.flow(v, inputs), x, dt), None


def _ab2(dynamics, x, inputs, dt, before):
    """The couplings are extrapolated to the middle of the step, where they stay while the local equations advance."""
    now = dynamics.couplings(dynamics.unpack(x), inputs)
    held = dict(now)
    for name in dynamics.recurrent if before else ():
        held[name] = now[name] + (now[name] - before[name]) / 2
    return _runge_kutta(lambda v: dynamics.flow(v, inputs, held), x, dt), now


def _runge_kutta(flow, x, dt):
    k1 = flow(x)
    k2 = flow(x + dt / 2 * k1)
    k3 = flow(x + dt / 2 * k2)
    k4 = flow(x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


#: One step: the state after it, and what the method carries over to the next one.
METHODS = {"euler": _euler, "ab2": _ab2, "rk4": _rk4}


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
    method : {"euler", "ab2", "rk4"}
        Forward Euler, which equals the torch engine step by step; couplings extrapolated by Adams-Bashforth 2 (second
        order, one evaluation of the couplings a step); Runge-Kutta 4 (fourth order, four evaluations).
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
    known_name("method", method, METHODS)
    duration, dt = seconds("duration", duration), seconds("dt", dt)
    dynamics = check_circuit(circuit).dynamics
    inputs = dynamics.resolve_inputs(z)
    steps = round(duration / dt)
    check_steps(inputs, steps)
    start = dynamics.resolve_states("initial", initial)
    trials = count_trials("inputs and initial states", {**inputs, **start})
    x, carried = dynamics.pack(start, (trials,)), None
    trace = np.empty((steps + 1, *x.shape))
    trace[0] = x
    for k in range(steps):
        now = {name: value[k] if value.ndim == 3 else value for name, value in inputs.items()}
        x, carried = METHODS[method](dynamics, x, now, dt, carried)
        trace[k + 1] = x
    return dynamics.unpack(trace)
