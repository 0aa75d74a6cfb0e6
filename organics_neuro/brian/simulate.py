"""Simulate a circuit in Brian2 with one call: the counterpart of `organics_neuro.reference.simulate`."""

import brian2 as b2
import numpy as np

from organics_neuro.brian.device import device as on_device
from organics_neuro.brian.group import groups
from organics_neuro.core.boundary import check_steps, count_trials, known_name, positive_int
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.names import Name
from organics_neuro.core.reference import DT, DURATION
from organics_neuro.core.units import seconds


def simulate(
    circuit,
    z=None,
    duration=DURATION,
    dt=DT,
    *,
    method="euler",
    noise=None,
    record=None,
    every=1,
    device="runtime",
    seed=None,
    report=None,
    dtype=None,
    weights_dtype=None,
):
    """Integrate a circuit in Brian2.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like or dict
        Input of shape (units,), (trials, units) or (steps, trials, units); in the last case it changes with time
        and is held during each step. A dictionary by name if the circuit has several inputs.
    duration, dt : float or Brian2 quantity
        In seconds.
    method : str
        As for `CircuitGroup`.
    noise : dict, optional
        White noise by state, as for `CircuitGroup`.
    record : sequence of str, optional
        States to record, by full name; all by default.
    every : int or None
        Record every so many steps; None records the end only.
    device : {"runtime", "cpp"}
        "cpp" builds a C++ program in a temporary directory and runs it.
    seed : int, optional
        For the noise; by default Brian2's random numbers go on as they are (`brian2.seed`).
    report : str, optional
        How Brian2 shows progress: "text" or "stdout".
    dtype : numpy.float64 or numpy.float32, optional
        Of the states, inputs and parameters, as in `brian2.NeuronGroup`.
    weights_dtype : numpy.float64 or numpy.float32, optional
        As for `CircuitGroup`.

    Returns
    -------
    dict of ndarray
        Each recorded state by its full name, shape (samples, trials, units): the start, each recorded step, and the
        end if it falls on one; for ``every=None`` the end alone.

    Raises
    ------
    ValueError, UnitError
    """
    duration, dt = seconds("duration", duration), seconds("dt", dt)
    steps = round(duration / dt)
    inputs = check_circuit(circuit).dynamics.resolve_inputs(z)
    check_steps(inputs, steps)
    trials = count_trials("the inputs", inputs)
    record = list(circuit.states) if record is None else list(record)
    for name in record:
        known_name("state in record", name, circuit.states)
    if every is not None:
        every = positive_int("every", every)
    with on_device(device):
        if seed is not None:  # Brian2 takes None for a new random seed, in place of the user's own
            b2.seed(seed)
        options = {"method": method, "noise": noise, "dtype": dtype, "weights_dtype": weights_dtype}
        made, namespace = _make(circuit, inputs, trials, steps, dt, **options)
        monitors = _monitors(made, record, every, dt) if every else {}
        network = b2.Network(*made.values(), *monitors.values())
        network.run(steps * dt * b2.second, namespace=namespace, report=report)
        return {name: _trace(name, made, monitors, every and steps % every == 0) for name in record}


def convergence(circuit, z=None, duration=DURATION, dt=DT, method="euler"):
    """How much a simulation changes when its step is halved.

    Parameters
    ----------
    circuit, z, duration, dt, method :
        As for `simulate`; an input that changes with time stays what it was at each time.

    Returns
    -------
    dict of float
        The largest change of each state over all times, trials and units. A method of order p has an error of about
        2^p/(2^p - 1) times that. It is the step that needs attention, not the circuit, if the change is as large as
        the state.

    Examples
    --------
    >>> import organics_neuro as on
    >>> from organics_neuro.brian import convergence
    >>> change = convergence(on.ring(n=12), duration=0.02, method="rk4")
    >>> change["y"] < 1e-6
    True
    """
    dt, inputs = seconds("dt", dt), check_circuit(circuit).dynamics.resolve_inputs(z)
    halves = {name: np.repeat(value, 2, axis=0) if value.ndim == 3 else value for name, value in inputs.items()}
    duration = round(seconds("duration", duration) / dt) * dt  # whole steps: both runs last equally long
    coarse = simulate(circuit, inputs, duration, dt, method=method)
    fine = simulate(circuit, halves, duration, dt / 2, method=method, every=2)
    return {name: float(np.abs(fine[name] - coarse[name]).max()) for name in coarse}


def _make(circuit, inputs, trials, steps, dt, **options):
    """The groups with their inputs set; what changes with time becomes a `TimedArray` in the returned namespace."""
    texts, namespace = {}, {}
    for k, (name, value) in enumerate(inputs.items()):
        if value.ndim < 3:
            continue
        held = np.broadcast_to(value[:steps], (steps, trials, value.shape[-1]))
        namespace[f"stimulus_{k}"] = b2.TimedArray(
            held.reshape(steps, -1) * _unit(circuit.dynamics.unit(name)), dt=dt * b2.second
        )
        texts[name] = f"stimulus_{k}(t, i)"
    made = groups(circuit, trials, inputs=texts, dt=dt * b2.second, **options)
    for name, value in inputs.items():
        if name not in texts:
            setattr(
                made[name.population], f"{name.variable}_", np.broadcast_to(value, (trials, value.shape[-1]))
            )  # SI units
    return made, namespace


def _unit(name):
    """Brian2's unit of that name."""
    return 1 if name == "1" else getattr(b2, name)


def _monitors(made, record, every, dt):
    """One monitor for each group that has states to record."""
    states = {p: [] for p in made}
    for name in map(Name.parse, record):
        states[name.population].append(name.variable)
    return {
        p: b2.StateMonitor(made[p], names, record=True, dt=every * dt * b2.second)
        for p, names in states.items()
        if names
    }


def _trace(name, made, monitors, with_end):
    """The recorded samples of a state as (samples, trials, units)."""
    name = Name.parse(name)
    population, state = name.population, name.variable
    group = made[population]
    end = group.per_trial(np.asarray(getattr(group, state)[:]))[None]
    if not monitors:
        return end
    samples = group.per_trial(np.asarray(getattr(monitors[population], state))).transpose(2, 0, 1)
    return np.concatenate([samples, end]) if with_end else samples
