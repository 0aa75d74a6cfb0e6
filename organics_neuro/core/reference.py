"""The NumPy simulator: short, batched over trials, and the oracle that every engine is compared with."""

import numpy as np

from organics_neuro.core.errors import unknown_name
from organics_neuro.core.units import seconds


def _euler(flow, x, dt):
    return x + dt * flow(x)


def _rk4(flow, x, dt):
    k1 = flow(x)
    k2 = flow(x + dt / 2 * k1)
    k3 = flow(x + dt / 2 * k2)
    k4 = flow(x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


METHODS = {"euler": _euler, "rk4": _rk4}


def simulate(circuit, z=None, duration=0.3, dt=1e-4, method="euler", initial=None):
    """Integrate a circuit.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like or dict
        Input of shape (units,), (trials, units) or (steps, trials, units); in the last case it changes with time
        and is held during each step. A dictionary by name if the circuit has several inputs.
    duration, dt : float or Brian2 quantity
        In seconds.
    method : {"euler", "rk4"}
        Forward Euler equals the Brian2 and torch engines step by step; Runge-Kutta is for accuracy.
    initial : dict, optional
        States to start from, each (units,) or (trials, units); states not named start where the circuit says.

    Returns
    -------
    dict of ndarray
        Each state by its full name, shape (steps + 1, trials, units); the first entry is the start.

    Raises
    ------
    ValueError, UnitError

    Warns
    -----
    StepSizeWarning
        If ``dt`` is larger than a time constant and the method is Euler.
    """
    if method not in METHODS:
        raise ValueError(unknown_name("method", method, METHODS))
    duration, dt = seconds("duration", duration), seconds("dt", dt)
    dynamics = circuit.dynamics
    inputs = dynamics.resolve_inputs(z)
    steps = round(duration / dt)
    for name, value in inputs.items():
        if value.ndim > 3:
            raise ValueError(
                f"{name} has shape {value.shape}; give (units,), (trials, units) or (steps, trials, units)"
            )
        if value.ndim == 3 and len(value) < steps:
            raise ValueError(
                f"{name} has {len(value)} steps, but the duration {duration:g} s takes {steps} steps of {dt:g} s"
            )
    start = dynamics.resolve_states("initial", initial)
    trials = np.broadcast_shapes(*(a.shape[-2:-1] for a in (*inputs.values(), *start.values())), (1,))[0]
    x = dynamics.pack(start, (trials,))
    trace = np.empty((steps + 1, *x.shape))
    trace[0] = x
    for k in range(steps):
        now = {name: value[k] if value.ndim == 3 else value for name, value in inputs.items()}
        x = METHODS[method](lambda v, now=now: dynamics.flow(v, now), x, dt)
        trace[k + 1] = x
    return dynamics.unpack(trace)
