"""What the engines that let time pass share: one request, checked; one result, finite; and what follows from it."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import csd

from organics_neuro.core.boundary import (
    Values,
    check_seed,
    check_states,
    check_steps,
    count_trials,
    known_name,
    list_of,
    number,
    positive_int,
)
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.memory import check_memory
from organics_neuro.core.noise import resolve_noise
from organics_neuro.core.pairs import split_complex
from organics_neuro.core.reference import DT, DURATION
from organics_neuro.core.units import magnitude, seconds
from organics_neuro.engines._base import Arrays, Engine, Fluctuations, Pair, Settled, Spectra
from organics_neuro.engines._watch import check_finite

#: Outputs count as settled if they drift by less than this fraction of the largest one over the averaging window.
_DRIFT = 1e-3
#: Seconds between samples of a steady response and of a spectrum. The second is short enough that little power above
#: the Nyquist frequency folds back.
_SETTLE_EVERY, _SPECTRUM_EVERY = 1e-3, 2.5e-4
#: Steps of a simulation; more take weeks.
_MOST_STEPS = 1e11
#: Seconds of a step or a run: with more or less, numbers of steps are no longer numbers.
_SHORTEST, _LONGEST = 1e-15, 1e15


@dataclass(frozen=True)
class Run:
    """A simulation that was asked for, checked: all that an engine needs to make it.

    Attributes
    ----------
    circuit : Circuit or JoinedCircuit
    inputs : dict of ndarray
        By full name, (units,), (trials, units) or (steps, trials, units).
    initial : dict of ndarray
        States that were given, (units,) or (trials, units); the others start where the circuit says.
    trials, steps : int
    dt : float
        In seconds.
    record : tuple of str
        States to record, and inputs the processes of whose noise are recorded, by full name.
    every : int or None
    noise : dict or None
    """

    circuit: Any
    inputs: Arrays
    initial: Arrays
    trials: int
    steps: int
    dt: float
    record: tuple[str, ...]
    every: int | None
    noise: Mapping | None

    @property
    def options(self) -> dict[str, Any]:
        """What the functions that make the steps take by the same names."""
        return {name: getattr(self, name) for name in ("initial", "trials", "record", "every")}

    @property
    def samples(self) -> np.ndarray:
        """The steps after which there is a sample; 0 is the start."""
        return np.array([self.steps]) if self.every is None else np.arange(0, self.steps + 1, self.every)

    @property
    def count(self) -> int:
        """How many samples there are."""
        return 1 if self.every is None else self.steps // self.every + 1

    def inputs_at_samples(self) -> Arrays:
        """The inputs, those that change with time as (samples, trials, units); the last step's hold at the end."""
        steps = np.minimum(self.samples, max(self.steps - 1, 0))
        return {name: value[steps] if value.ndim == 3 else value for name, value in self.inputs.items()}


@dataclass(frozen=True, repr=False, kw_only=True)
class Simulator(Engine):
    """An engine that follows a circuit through time; its classes add where the steps are made.

    `organics_neuro.engines.Brian` says what the arguments are.
    """

    duration: Any = None
    dt: Any = None
    trials: int | None = None
    seed: int | None = None
    window: Any = None
    transient: Any = None

    def __post_init__(self) -> None:
        def set_(name: str, check: Any) -> None:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, check(name, getattr(self, name)))

        for name in ("duration", "dt", "window"):
            set_(name, _time)
        set_("transient", _not_negative)
        set_("trials", positive_int)
        set_("seed", lambda _, seed: check_seed(seed, bits=32))  # NumPy's generator in Brian2 takes no more

    def _run(self, run: Run) -> Arrays:
        """Each name of ``run.record``, (samples, trials, units)."""
        raise NotImplementedError

    # --- the questions ------------------------------------------------------------------------------------------

    def simulate(
        self,
        circuit: Any,
        z: Values = None,
        duration: Any = None,
        *,
        initial: Values = None,
        noise: Mapping | None = None,
        record: Sequence[str] | None = None,
        every: int | None = 1,
    ) -> Arrays:
        engine = self.filled(duration=DURATION, dt=DT)
        if duration is not None:
            engine = replace(engine, duration=duration)
        run, wanted = engine._request(circuit, z, initial, noise, record, every)
        sizes = {**circuit.states, **circuit.dynamics.channels, **circuit.dynamics.inputs}
        _check_size(run, sum(sizes[name] for name in {*run.record, *wanted} if name in sizes))
        found = engine._run(run)
        states = {name: value for name, value in found.items() if name in circuit.states}
        ready = {**states, **{name: found[name] for name in wanted if name in engine.beside}}
        check_finite(run, states, getattr(engine, "method", None))
        made: Arrays = {} if set(wanted) <= set(ready) else _outputs(run, states, found)
        shape = (len(run.samples), run.trials)
        made = {name: np.broadcast_to(value, (*shape, value.shape[-1])) for name, value in made.items()}
        check_finite(run, {name: made[name] for name in wanted if name in made}, getattr(engine, "method", None))
        return {name: ready[name] if name in ready else made[name] for name in wanted}

    def settle(self, circuit: Any, z: Values = None, noise: Mapping | None = None) -> Settled:
        """Outputs averaged over the window at the end of a run, in which they should not drift."""
        engine = self.filled(duration=0.5, window=0.1, dt=DT)
        if engine.window > engine.duration:
            raise ValueError(
                f"window = {engine.window:g} s must be at most the duration, {engine.duration:g} s, of the engine"
            )
        every = max(1, round(_SETTLE_EVERY / engine.dt))
        inputs, trials = engine._repeated(circuit, z)
        record = [*circuit.states, *circuit.dynamics.channels, *engine.beside]
        found = engine._one_trial().simulate(circuit, inputs, noise=noise, record=record, every=every)
        samples = max(2, round(engine.window / (every * engine.dt)))
        found = {name: _over_repetitions(value[-samples:], trials) for name, value in found.items()}
        averages = {name: value.mean(axis=0) for name, value in found.items()}
        responses = {name: found[name] for name in circuit.dynamics.channels or circuit.states}
        return Settled(
            {name: averages[name] for name in circuit.dynamics.channels},
            {name: averages[name] for name in circuit.states},
            _has_settled(responses, engine.duration),
            {name: averages[name] for name in engine.beside},
        )

    def spectrum(
        self,
        circuit: Any,
        z: Values,
        noise: Mapping | None,
        signals: Mapping[str, Mapping[str, ArrayLike | None]],
        *,
        resolution: float = 2.0,
        highest: float = 500.0,
        frequencies: ArrayLike | None = None,
        pairs: Sequence[Pair] = (),
    ) -> Spectra:
        """Welch's method, averaged over trials."""
        if frequencies is not None:
            raise ValueError(
                f"the engine {self.name} cannot choose frequencies; give the resolution, or engine='theory'"
            )
        engine = self.filled(duration=4.0, dt=DT, transient=0.3)
        if engine.duration * resolution < 1:
            raise ValueError(
                f"duration = {engine.duration:g} s is too short for a resolution of {resolution:g} Hz; give the engine at "
                f"least {1 / resolution:g} s"
            )
        inputs, trials = engine._repeated(circuit, z)
        every = max(1, round(_SPECTRUM_EVERY / engine.dt))
        rate = 1 / (every * engine.dt)
        record = list(dict.fromkeys(name for weights in signals.values() for name in weights))
        trace = engine._one_trial().simulate(
            circuit, inputs, engine.transient + engine.duration, noise=noise, record=record, every=every
        )
        start = round(engine.transient * rate)
        found = {
            key: sum(_weighted(trace[name][start:], w) for name, w in weights.items())
            for key, weights in signals.items()
        }

        def density(x: np.ndarray, other: np.ndarray) -> np.ndarray:
            """⟨x other*⟩ (conditions, frequencies), averaged over trials; two-sided, while csd returns one side of ⟨x* other⟩."""
            value = csd(x, other, rate, nperseg=round(rate / resolution), axis=0)[1][inside].conj() / 2
            return value.reshape(len(value), -1, trials).mean(axis=-1).T

        shown = np.fft.rfftfreq(round(rate / resolution), 1 / rate)
        inside = (shown > 0) & (shown <= highest)  # the mean is removed, so 0 Hz says nothing
        power = {key: density(x, x).real for key, x in found.items()}
        return Spectra(shown[inside], power, {(a, b): density(found[a], found[b]) for a, b in pairs})

    def fluctuations(self, circuit: Any, z: Values, noise: Mapping | None, state: str) -> Fluctuations:
        """Covariance over time and trials, around the mean over both."""
        engine = self.filled(duration=4.0, dt=DT, transient=0.3)
        inputs, trials = engine._repeated(circuit, z)
        every = max(1, round(_SETTLE_EVERY / engine.dt))
        length = engine.transient + engine.duration
        found = engine._one_trial().simulate(circuit, inputs, length, noise=noise, record=[state], every=every)[state]
        found = found[round(engine.transient / (every * engine.dt)) :]
        conditions, units = found.shape[1] // trials, found.shape[-1]
        samples = found.reshape(len(found), conditions, trials, units).swapaxes(0, 1).reshape(conditions, -1, units)
        mean = samples.mean(axis=1)
        around = samples - mean[:, None]
        return Fluctuations(mean, np.einsum("csi,csj->cij", around, around) / max(1, samples.shape[1] - 1))

    # --- checks and shapes --------------------------------------------------------------------------------------

    def _request(
        self, circuit: Any, z: Values, initial: Any, noise: Mapping | None, record: Any, every: int | None
    ) -> tuple[Run, list[str]]:
        dynamics: Any = check_circuit(circuit).dynamics
        steps = round(self.duration / self.dt)
        inputs = dynamics.resolve_inputs(z)
        check_steps(inputs, steps)
        resolved = dynamics.resolve_states("initial", initial, inputs)
        given = split_complex(initial or {}, resolved)  # a pair may be given under its name
        start = {name: value for name, value in resolved.items() if name in given}
        check_states("initial", start)
        trials = self._count_trials(count_trials("inputs and initial states", {**inputs, **start}))
        known = {**circuit.states, **circuit.dynamics.channels, **self.beside}
        wanted = list(circuit.states) if record is None else list_of("record", record)
        for name in wanted:
            known_name("state or output in record", name, known)
        beside = [name for name in wanted if name in self.beside]
        kept = [name for name in wanted if name in circuit.states]
        if len(kept) + len(beside) < len(wanted):  # outputs are made of states, and of inputs with their noise
            kept = [*circuit.states, *(name for name in noise or () if name in dynamics.inputs)]
        kept += beside
        every = every if every is None else positive_int("every", every)
        return Run(circuit, inputs, start, trials, steps, self.dt, tuple(kept), every, noise), wanted

    def _count_trials(self, given: int) -> int:
        if self.trials is not None and given not in (1, self.trials):
            raise ValueError(
                f"the inputs and initial states have {given} trials, but the engine has trials={self.trials}"
            )
        return self.trials or given

    def _one_trial(self) -> Self:
        """This engine without `trials`, for inputs that hold the repetitions."""
        return replace(self, trials=None)

    def _repeated(self, circuit: Any, z: Values) -> tuple[Arrays, int]:
        """Inputs (conditions * trials, units), each condition repeated, and how often."""
        trials = self.trials or 1
        dynamics: Any = check_circuit(circuit).dynamics
        inputs: Arrays = {name: np.atleast_2d(value) for name, value in dynamics.resolve_inputs(z).items()}
        conditions = count_trials("the inputs", inputs)
        shaped = {name: np.broadcast_to(v, (conditions, v.shape[-1])) for name, v in inputs.items()}
        return {name: np.repeat(value, trials, axis=0) for name, value in shaped.items()}, trials


def _check_size(run: Run, units: int) -> None:
    """Raise `MemoryError` if the recording of so many ``units`` does not fit, `ValueError` if nobody could wait for it."""
    size = f"{run.count:,} samples of {run.trials:,} trials of {units:,} units"
    check_memory(
        f"the recording ({size})",
        8 * run.count * run.trials * units,
        "record less with record=[...] or every=..., or use fewer trials",
    )
    if run.steps > _MOST_STEPS:
        raise ValueError(
            f"the duration is {run.steps:.3g} steps of dt = {run.dt:g} s, more than the {_MOST_STEPS:g} that a computer makes in "
            "weeks; simulate less, or use a larger dt"
        )


def _weighted(trace: np.ndarray, weights: ArrayLike | None) -> np.ndarray:
    """Weighted sums of the units (the last axis), or their mean."""
    return trace.mean(axis=-1) if weights is None else trace @ np.broadcast_to(weights, trace.shape[-1:])


def _over_repetitions(trace: np.ndarray, trials: int) -> np.ndarray:
    """(samples, conditions * trials, units), averaged over trials."""
    return trace.reshape(len(trace), -1, trials, trace.shape[-1]).mean(axis=2)


def _has_settled(responses: Mapping[str, np.ndarray], duration: float) -> np.ndarray:
    """Whether responses (samples, conditions, units) drift little from the first to the second half; warns if not."""
    half = len(next(iter(responses.values()))) // 2
    drifts = [np.abs(r[half:].mean(0) - r[:half].mean(0)).max(-1) / max(r.max(), 1e-300) for r in responses.values()]
    drift = np.max(drifts, axis=0)
    settled = drift < _DRIFT
    if not settled.all():
        warnings.warn(
            f"{(~settled).sum()} of {settled.size} responses had not settled after {duration:g} s (drift up to {drift.max():.1%}); "
            "use a longer duration, or a longer window if the circuit oscillates: they are arguments of the engine",
            ConvergenceWarning,
            stacklevel=4,
        )
    return settled


def _outputs(run: Run, states: Arrays, found: Arrays) -> Arrays:
    """The outputs of a run; an input with noise is read as the circuit received it in the step before."""
    dynamics, inputs = run.circuit.dynamics, run.inputs_at_samples()
    noisy = [source for source in resolve_noise(dynamics, run.noise) if source.name in found and source.name in inputs]
    received = {source.name: inputs[source.name] + source.added(dynamics, states, inputs, found) for source in noisy}
    return dynamics.outputs(states, {**inputs, **received})


def _time(name: str, value: Any) -> float:
    time = seconds(name, value)
    return number(name, time, f"between {_SHORTEST:g} and {_LONGEST:g} s", lambda t: _SHORTEST <= t <= _LONGEST)


def _not_negative(name: str, value: Any) -> float:
    time = magnitude(name, value, "second").tolist()
    kind = f"one time that is not negative, in seconds, of up to {_LONGEST:g}"
    return number(name, time, kind, lambda t: 0 <= t <= _LONGEST)
