"""What a circuit is made of: populations of units that share a model, and connections between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from organics_neuro.core.model import CircuitModel
from organics_neuro.core.names import Name
from organics_neuro.core.operators import Operator


@dataclass(frozen=True)
class Population:
    """Units that share a model: ``size`` of them, with ``parameters`` (floats or arrays of shape (size,)).

    ``readouts`` are the weights of those outputs that have any, by the name of the output. ``made_for`` is the time step
    at which it is what it was made of, in seconds.
    """

    model: CircuitModel
    size: int
    parameters: Mapping
    initial: Mapping
    readouts: Mapping[str, Operator] = field(default_factory=dict)
    made_for: float | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs: those that need no weights, and those whose weights are given."""
        return tuple(n for n, o in self.model.outputs.items() if o.weights is None or n in self.readouts)


@dataclass(frozen=True)
class Connection:
    """``target.variable = weights @ expression(source)``, added to what other connections write there.

    ``source`` names a population or, if ``external``, an input with a size of its own, which ``expression``
    calls ``external``. ``key`` is the name of the weights in the circuit, ``delay`` is in seconds.
    """

    key: str
    target: str | None
    variable: str
    weights: Operator
    source: str | None
    expression: str
    external: str | None = None
    delay: float = 0.0

    @property
    def written(self) -> Name:
        """Full name of the variable that it writes."""
        return full_name(self.target, self.variable)


@lru_cache(maxsize=4096)
def full_name(population: str | None, variable: str) -> Name:
    """`Name`, made once: engines look names up at every step."""
    return Name(population, variable)


def must_be_positive(model, name):
    """Whether a parameter has to be larger than 0: as time constants have."""
    return name in model.positive or model.units[name] == "second"


def check_positive(model, name, value):
    """Raise `ValueError` if a value of a parameter that must be larger than 0 is not."""
    if must_be_positive(model, name) and np.any(value <= 0):
        raise ValueError(f"parameter {name!r} must be larger than 0, but the smallest value is {value.min():g}")


def add_up(sums, key, value):
    """Add ``value`` to what ``sums`` holds for ``key``."""
    sums[key] = sums[key] + value if key in sums else value
