"""`simulate`: one call for every engine. `convergence`: what half the step changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from organics_neuro.core.boundary import Values
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.reference import DT, DURATION
from organics_neuro.core.units import seconds
from organics_neuro.engines._base import Arrays, Engine, as_engine
from organics_neuro.engines._simulator import Simulator


def simulate(
    circuit: Any,
    z: Values = None,
    duration: Any = None,
    engine: Engine | type[Engine] | str = "reference",
    *,
    initial: Values = None,
    noise: Mapping | None = None,
    record: Sequence[str] | None = None,
    every: int | None = 1,
) -> Arrays:
    """Follow a circuit through time.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like or dict
        Input of shape (units,), (trials, units) or (steps, trials, units); in the last case it changes with time
        and is held during each step. A dictionary by full name if the circuit has several inputs.
    duration : float or Brian2 quantity, optional
        In seconds; by default that of the engine, or 0.3 s.
    engine : str or Engine
        "reference" (NumPy), "brian", or an engine with arguments: ``organics_neuro.engines.Brian(dt=5e-5, device="cpp")``.
    initial : dict, optional
        States to start from, each (units,) or (trials, units); states not named start where the circuit says.
    noise : dict, optional
        Noise by full name, as for `CircuitGroup`.
    record : sequence of str, optional
        States and outputs to return, by full name; all states by default.
    every : int or None
        Return every so many steps; None returns the end only.

    Returns
    -------
    dict of ndarray
        By full name, each (samples, trials, units): the start, each recorded step, and the end if it falls on one; for
        ``every=None`` the end alone.

    Raises
    ------
    ValueError, TypeError, UnitError
        For arguments that do not fit, before anything runs.
    MemoryError
        If what is to be recorded does not fit into memory.
    FloatingPointError
        If the circuit leaves the finite numbers; the message says where, when and the likely reason.

    Examples
    --------
    >>> import organics_neuro as on
    >>> ring = on.ring(n=36)
    >>> z = on.stimuli.contrast_series(ring, [0.1, 1.0])
    >>> found = on.simulate(ring, z, 0.1, record=["y", "rate_y"], every=10)
    >>> found["rate_y"].shape
    (101, 2, 36)
    """
    asked = {"initial": initial, "noise": noise, "record": record, "every": every}
    return as_engine(engine).simulate(circuit, z, duration, **asked)


def convergence(
    circuit: Any,
    z: Values = None,
    duration: Any = None,
    engine: Engine | type[Engine] | str = "reference",
    *,
    initial: Values = None,
) -> dict[str, float]:
    """How much a simulation changes when the step of its engine is halved.

    Parameters
    ----------
    circuit, z, duration, engine, initial :
        As for `simulate`; an input that changes with time stays what it was at each time.

    Returns
    -------
    dict of float
        The largest change of each state over all times, trials and units. A method of order p has an error of about
        2^p/(2^p - 1) times that: twice for order 1, 4/3 for order 2, 16/15 for order 4. It is the step that needs
        attention, not the circuit, if the change is as large as the state.

    Examples
    --------
    >>> import organics_neuro as on
    >>> change = on.engines.convergence(on.ring(n=12), None, 0.02, on.engines.Reference(method="rk4"))
    >>> change["y"] < 1e-6
    True
    """
    found = as_engine(engine)
    if not isinstance(found, Simulator):
        raise ValueError(f"the engine {found.name} has no step that could be halved; use engine='reference' or 'brian'")
    found = found.filled(dt=DT, duration=DURATION)
    dynamics: Any = check_circuit(circuit).dynamics
    inputs: Arrays = dynamics.resolve_inputs(z)
    halves = {name: np.repeat(value, 2, axis=0) if value.ndim == 3 else value for name, value in inputs.items()}
    length = seconds("duration", found.duration if duration is None else duration)
    length = round(length / found.dt) * found.dt  # both runs last equally long
    coarse = found.simulate(circuit, inputs, length, initial=initial)
    fine = replace(found, dt=found.dt / 2).simulate(circuit, halves, length, initial=initial, every=2)
    return {name: float(np.abs(fine[name] - coarse[name]).max()) for name in coarse}
