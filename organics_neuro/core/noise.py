"""Noise: one declaration, which simulators and theory read alike.

A process ζ(t) of unit strength, white or correlated in time, comes into a circuit with the amplitude η:

* white: ⟨ζ(t) ζ(t')⟩ = δ(t - t');
* with a correlation time, an Ornstein-Uhlenbeck process: ``tau dζ/dt = -ζ + sqrt(tau)·white``, of variance 1/2 and with the
  spectrum tau/(1 + (2πf tau)²) (Uhlenbeck & Ornstein 1930).

It is added to an input as ``z + η ζ``, and to a state of time constant τ_x as ``dx/dt = … + η ζ/sqrt(τ_x)`` if it is white,
``… + η ζ/τ_x`` if not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.boundary import check_names, flag, shown
from organics_neuro.core.expressions import check_syntax
from organics_neuro.core.names import Name
from organics_neuro.core.units import magnitude, seconds, with_root_second

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from organics_neuro.core.dynamics import Dynamics


@dataclass(frozen=True, eq=False)
class Noise:
    """Noise of a state or an input.

    Parameters
    ----------
    eta : float, array_like of shape (units,), Brian2 quantity or str
        Amplitude η, not negative; or an expression of the population's variables, as in ``"0.01*abs(y)"``, read in the
        sense of Itô. In units of the state or input; for white noise on an input, in these units times √second.
    tau : float or Brian2 quantity, optional
        Correlation time of an Ornstein-Uhlenbeck process, in seconds. White without one.
    shared : bool
        One process for all units of the population (in each trial), in place of one for each unit.

    Notes
    -----
    On a state of time constant τ_x, white noise adds ``η/sqrt(τ_x) dW``: alone with a leak it gives the state the standard
    deviation η/√2. With ``tau``, the noise is ξ, where ``tau dξ = -ξ dt + η sqrt(tau) dW``: its standard deviation is η/√2
    too, and the state receives it as an input would, ``τ_x dx/dt = … + ξ``. An input receives ξ itself, or ``η dW/dt`` if
    the noise is white. To keep the power at 0 Hz while tau changes, scale η with 1/√tau.

    Noise begins in its stationary state, and is held during each step of a simulation, as inputs are.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.Circuit("two_type", size=2, sigma=0.1)
    >>> noise = {"y": 1e-3, "z": on.Noise(3e-3, tau=2e-3, shared=True)}
    >>> covariance = on.theory.covariance(circuit, [0.5, 0.5], noise)
    >>> bool(covariance[0, 1] > 0)
    True
    """

    eta: ArrayLike | str
    tau: Any = None
    shared: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.eta, str):
            check_syntax(self.eta)
        if self.tau is not None:
            object.__setattr__(self, "tau", seconds("tau of a Noise", self.tau))
        flag("shared of a Noise", self.shared)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Noise):
            return NotImplemented
        same = isinstance(self.eta, str) == isinstance(other.eta, str) and np.array_equal(self.eta, other.eta)
        return same and (self.tau, self.shared) == (other.tau, other.shared)

    def __hash__(self) -> int:
        return hash((self.tau, self.shared))


@dataclass(frozen=True)
class Source:
    """The noise of one state or input of a circuit, checked.

    Attributes
    ----------
    name : Name
        Of the state or input.
    eta : ndarray of shape () or (units,), or str
        In SI units.
    tau : float or None
    shared : bool
    size : int
        Units of the state or input.
    time_constant : str or None
        That of the state, as an expression; None for an input.
    unit : str
        Of ``eta``, as Brian2 writes it.
    """

    name: Name
    eta: np.ndarray | str
    tau: float | None
    shared: bool
    size: int
    time_constant: str | None
    unit: str

    @property
    def factor(self) -> str:
        """What ``eta`` times the process is multiplied with, as an expression of the population's variables."""
        if self.time_constant is None:
            return "1"
        return f"({self.time_constant})**-0.5" if self.tau is None else f"1/({self.time_constant})"

    def amplitude(self, dynamics: Dynamics, states: Mapping, known: Mapping) -> np.ndarray:
        """``eta`` times `factor`, shape (..., units), where states, inputs and couplings (``known``) are these."""
        population = self.name.population
        factor = dynamics.evaluate(population, self.factor, states, known)
        eta = dynamics.evaluate(population, self.eta, states, known) if isinstance(self.eta, str) else self.eta
        value = np.asarray(eta * factor)
        return np.broadcast_to(value, (*value.shape[:-1], self.size))

    def added(self, dynamics: Dynamics, states: Mapping, known: Mapping, processes: Mapping) -> np.ndarray:
        """What comes to the input, or to the derivative of the state, with these processes by name."""
        return self.amplitude(dynamics, states, known) * processes[self.name]

    @property
    def processes(self) -> int:
        """How many independent processes a trial has."""
        return 1 if self.shared else self.size

    def density(self, frequencies: np.ndarray) -> np.ndarray:
        """Two-sided power spectral density of a process, per Hz."""
        if self.tau is None:
            return np.ones_like(frequencies)
        return self.tau / (1 + (2 * np.pi * frequencies * self.tau) ** 2)


def resolve_noise(dynamics: Dynamics, noise: Mapping | None) -> tuple[Source, ...]:
    """The noise that a user gives for a circuit, checked.

    Parameters
    ----------
    dynamics : Dynamics
    noise : dict or None
        By full name of a state or an input: a `Noise`, or what `Noise` takes as ``eta``.

    Raises
    ------
    ValueError, TypeError, UnitError
        For an unknown name, a state without a time constant, an amplitude that does not fit.
    """
    if noise is None:
        return ()
    check_names("noise", "state or input", noise, (*dynamics.states, *dynamics.inputs))
    return tuple(_source(dynamics, Name.parse(name), given) for name, given in noise.items())


def _source(dynamics: Dynamics, name: Name, given: Any) -> Source:
    given = given if isinstance(given, Noise) else Noise(given)
    model = dynamics.populations[name.population].model
    is_state = name in dynamics.states
    size = dynamics.states[name] if is_state else dynamics.inputs[name]
    time_constant = model.time_constant(name.variable) if is_state else None
    unit = dynamics.unit(name)
    if not is_state and given.tau is None:
        unit = with_root_second(unit)
    eta: Any = given.eta
    if isinstance(eta, str):
        _check_expression(model, name, eta)
    else:
        eta = magnitude(f"noise of {name!r}", eta, unit)
        if eta.shape not in ((), (size,)) or eta.min() < 0:
            raise ValueError(
                f"noise of {name!r} must be one amplitude or an array of shape ({size},), not negative; got {shown(given.eta)}"
            )
        eta.flags.writeable = False
    return Source(name, eta, given.tau, bool(given.shared), size, time_constant, unit)


def _check_expression(model: Any, name: Name, text: str) -> None:
    if name.variable in model.external:
        raise ValueError(
            f"noise of {name!r} must be a number or an array, as this input has a size of its own; got the expression {text!r}"
        )
    model.expression(text)


class NoiseDriver:
    """The noise of one simulation in NumPy: what each step adds to inputs and to the derivatives of states.

    Parameters
    ----------
    dynamics : Dynamics
    noise : dict or None
        As for `resolve_noise`.
    dt : float
        In seconds.
    trials : int
    seed : int or None

    Attributes
    ----------
    sizes : dict of int
        How many processes a trial has, by the state or input.
    processes : dict of ndarray
        Each (trials, units), or (trials, 1) if units share it: during the last step, 0 before the first one.
    """

    def __init__(self, dynamics: Dynamics, noise: Mapping | None, dt: float, trials: int, seed: int | None) -> None:
        self._dynamics, self._sources, self._dt = dynamics, resolve_noise(dynamics, noise), dt
        self._random = np.random.default_rng(seed)
        self._started = False
        self.sizes: dict[str, int] = {source.name: source.processes for source in self._sources}
        self.processes: dict[str, np.ndarray] = {name: np.zeros((trials, size)) for name, size in self.sizes.items()}

    def _advance(self, source: Source) -> np.ndarray:
        """The process of a source during the next step."""
        before = self.processes[source.name]
        drawn = self._random.standard_normal(before.shape)
        if source.tau is None:
            return drawn / np.sqrt(self._dt)
        decay = np.exp(-self._dt / source.tau) if self._started else 0.0  # exact, whatever the step
        return decay * before + np.sqrt((1 - decay**2) / 2) * drawn

    def step(self, states: Mapping, inputs: Mapping) -> tuple[Mapping, dict[str, np.ndarray]]:
        """The noise of one step, which begins with these states and inputs, each (trials, units) by full name.

        Returns
        -------
        inputs : dict of ndarray
            With their noise.
        drives : dict of ndarray
            What is added to the derivatives of states.
        """
        if not self._sources:
            return inputs, {}
        dynamics, drives = self._dynamics, {}
        noisy = dict(inputs)
        self.processes = {source.name: self._advance(source) for source in self._sources}
        self._started = True
        for source in self._sources:
            if source.time_constant is None:
                noisy[source.name] = inputs[source.name] + source.added(dynamics, states, inputs, self.processes)
        known: Mapping = noisy
        if any(isinstance(source.eta, str) for source in self._sources):
            known = {**noisy, **dynamics.couplings(states, noisy)}
        for source in self._sources:
            if source.time_constant is not None:
                drives[source.name] = source.added(dynamics, states, known, self.processes)
        return noisy, drives
