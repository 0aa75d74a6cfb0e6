"""What every engine is: an object with its own arguments that answers a few questions about a circuit."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import Values, shown
from organics_neuro.core.errors import unknown_name

#: Arrays by full name.
Arrays: TypeAlias = dict[str, np.ndarray]
#: Names of two signals.
Pair: TypeAlias = tuple[str, str]
#: Where Brian2 runs, as `use_device` takes it; here, as that module loads Brian2.
DEVICES = ("runtime", "cpp", "cuda")


@dataclass(frozen=True)
class Settled:
    """How a circuit answers constant inputs in the end.

    Attributes
    ----------
    outputs, states : dict of ndarray
        By full name, each (conditions, units).
    settled : ndarray of bool, shape (conditions,)
        Whether the circuit had come to rest.
    beside : dict of ndarray
        What the engine measures beside the circuit, by the names of `Engine.beside`: (conditions, units).
    """

    outputs: Arrays
    states: Arrays
    settled: np.ndarray
    beside: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Spectra:
    """Power of signals of a circuit.

    Attributes
    ----------
    frequencies : ndarray, shape (frequencies,)
        In Hz.
    power : dict of ndarray
        By name of the signal, each (conditions, frequencies): two-sided, per Hz.
    cross : dict of ndarray
        Cross-spectra ⟨x x'*⟩ by pair of names, complex (conditions, frequencies): the phase is positive where the first is
        ahead.
    """

    frequencies: np.ndarray
    power: Arrays
    cross: Mapping[Pair, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Fluctuations:
    """How a state fluctuates around where it rests.

    Attributes
    ----------
    mean : ndarray, shape (conditions, units)
    covariance : ndarray, shape (conditions, units, units)
    """

    mean: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, repr=False)
class Engine:
    """Something that answers questions about circuits. An engine answers those that it can, and says so for the others.

    Its arguments are fields. A field that is None is filled by the experiment that asks, or by the engine itself.
    """

    def simulate(
        self,
        circuit: Any,
        z: Values = None,
        duration: Any = None,
        *,
        initial: Values = None,
        noise: Mapping | None = None,
        record: Any = None,
        every: int | None = 1,
    ) -> Arrays:
        """States and outputs over time; see `organics_neuro.simulate`."""
        raise self._cannot("simulate", "simulate")

    def settle(self, circuit: Any, z: Values = None, noise: Mapping | None = None) -> Settled:
        """Outputs and states at the steady state, for inputs (conditions, units) that do not change."""
        raise self._cannot("settle", "say where a circuit settles")

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
        """Power spectra of ``signals``, each a weighted sum of states (weights by name), for constant inputs; cross-spectra
        of ``pairs`` of them.

        A weight is one number, one for each unit, or None for the mean of the units. Frequencies (in Hz) are the multiples
        of ``resolution`` up to ``highest``; engines that can choose them take ``frequencies`` instead.
        """
        raise self._cannot("spectrum", "measure a power spectrum")

    def fluctuations(self, circuit: Any, z: Values, noise: Mapping | None, state: str) -> Fluctuations:
        """Mean and covariance of a state between its units, for constant inputs (conditions, units)."""
        raise self._cannot("fluctuations", "measure a covariance")

    #: Whether the noise is the engine's own, so that an experiment needs none.
    brings_noise: ClassVar[bool] = False

    @property
    def beside(self) -> dict[str, str]:
        """What it measures that is not part of the circuit, such as firing rates of neurons: units by full name."""
        return {}

    def _cannot(self, question: str, what: str) -> ValueError:
        able = [name for name in _names() if getattr(_class(name), question) is not getattr(Engine, question)]
        return ValueError(f"the engine {self.name} cannot {what}; use {' or '.join(map(repr, able))}")

    @property
    def name(self) -> str:
        """As ``engine=`` takes it."""
        return type(self).__name__.lower()

    def filled(self, **values: Any) -> Self:
        """A copy in which ``values`` take the place of fields that are None; fields that the engine lacks do not matter."""
        empty = {f.name for f in fields(self) if getattr(self, f.name) is None}
        return replace(self, **{key: value for key, value in values.items() if key in empty})

    def __repr__(self) -> str:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items() if v is not None)})"


def as_engine(engine: Engine | type[Engine] | str) -> Engine:
    """The engine that an object, a class, a name ("brian") or a text ("brian(dt=5e-5)") stands for.

    Raises
    ------
    ValueError, TypeError
        For an unknown engine, or arguments that it does not take.
    """
    if isinstance(engine, Engine):
        return engine
    if isinstance(engine, type) and issubclass(engine, Engine):
        return engine()
    if not isinstance(engine, str):
        raise TypeError(f"engine must be one of {', '.join(map(repr, _names()))} or an engine, got {shown(engine)}")
    name, arguments = _parse(engine)
    if name.lower() not in _names():
        raise ValueError(unknown_name("engine", engine, _names()))
    made = _class(name.lower())
    known = [f.name for f in fields(made)]
    for key in arguments:
        if key not in known:
            raise ValueError(f"engine {engine!r}: {unknown_name('argument', key, known)}")
    try:
        return made(**arguments)
    except TypeError as error:
        raise ValueError(f"engine {engine!r}: {error}") from error


def _parse(text: str) -> tuple[str, dict[str, Any]]:
    """Name and arguments of ``name`` or ``name(argument=literal, ...)``; nothing in the text is evaluated."""
    try:
        call = ast.parse(text, mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args:
            return call.func.id, {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError):
        pass
    return text, {}


def _names() -> tuple[str, ...]:
    return import_module("organics_neuro.engines").names()


def _class(name: str) -> type[Engine]:
    return getattr(import_module(f"organics_neuro.engines.{name}"), name.capitalize())
