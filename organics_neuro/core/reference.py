"""The NumPy simulator: short, batched over trials, and the oracle that every engine is compared with."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from tqdm import tqdm

from organics_neuro.core.boundary import count_trials
from organics_neuro.core.circuits import AnyCircuit
from organics_neuro.core.delays import Past
from organics_neuro.core.flow import deliver
from organics_neuro.core.noise import NoiseDriver
from organics_neuro.core.schemes import scheme

#: How long simulators run, and their step, in seconds, unless one says otherwise.
DURATION, DT = 0.3, 1e-4


def trace(
    circuit: AnyCircuit,
    inputs: Mapping[str, np.ndarray],
    steps: int,
    dt: float,
    method: str = "euler",
    initial: Mapping[str, np.ndarray] | None = None,
    *,
    noise: Mapping | None = None,
    seed: int | None = None,
    trials: int = 1,
    record: Sequence[str] | None = None,
    every: int | None = 1,
    progress: bool = False,
) -> dict[str, np.ndarray]:
    """The steps themselves, for arguments that are checked.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    inputs : dict of ndarray
        All inputs by full name.
    steps : int
    dt : float
        In seconds.
    method : str
    initial : dict of ndarray, optional
        States to start from; the others start where the circuit says.
    noise : dict, optional
        By full name of a state or an input, a `organics_neuro.Noise` or its amplitude; held during each step.
    seed : int, optional
        For the noise (a NumPy `Generator`); by default it differs from run to run.
    trials : int
        At least so many.
    record : sequence of str, optional
        States to return, by full name, all by default; for an input, the process of its noise during the step before.
    every : int or None
        Return every so many steps; None returns the end only.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.

    Returns
    -------
    dict of ndarray
        Each (samples, trials, units): the start, each recorded step, and the end if it falls on one; for
        ``every=None`` the end alone.
    """
    advance, dynamics = scheme(method).step, circuit.dynamics
    start = {**dynamics.start(inputs), **(initial or {})}
    trials = np.broadcast_shapes((trials,), (count_trials("inputs and initial states", {**inputs, **start}),))[0]
    states, slope = dynamics.unpack(dynamics.pack(start, (trials,))), None
    driver = NoiseDriver(dynamics, noise, dt, trials, seed)
    past = Past(dynamics, dt, scheme(method), dynamics.source_now, lambda c, source: deliver(c.weights, source))
    kept = list(circuit.states) if record is None else list(record)
    samples = 1 if every is None else steps // every + 1
    sizes = {**driver.sizes, **circuit.states}
    result = {name: np.empty((samples, trials, sizes[name])) for name in kept}

    def keep(sample):
        for name in kept:
            result[name][sample] = states[name] if name in states else driver.processes[name]

    with np.errstate(all="ignore"):  # what is not finite is found in the result
        for k in tqdm(range(steps), unit="step", delay=2, disable=not progress, leave=False):
            if every and k % every == 0:
                keep(k // every)
            now = {name: value[k] if value.ndim == 3 else value for name, value in inputs.items()}
            now, drives = driver.step(states, now)
            couple = partial(dynamics.couplings, inputs=now, brought=past.advance(states, now))
            rates = partial(_rates, dynamics, now, drives)
            states, slope = advance(states, dt, couple, rates, slope)
    if every is None or steps % every == 0:
        keep(-1)
    return result


def _rates(dynamics, inputs, drives, states, couplings):
    """Time derivatives of the states, with the noise that drives them."""
    rates = dynamics.right_hand_side(states, inputs, couplings)
    return {name: rate + drives[name] if name in drives else rate for name, rate in rates.items()}
