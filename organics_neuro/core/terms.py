"""Terms: named parts of a model, which a family combines into its variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from organics_neuro.core.model import CircuitModel, Coupling


@dataclass(frozen=True)
class Term:
    """A part of a model. The fields are those of `CircuitModel`, each for this part alone.

    A variable that several terms use is declared in one of them: the others refer to it by its name.
    """

    equations: str = ""
    couplings: tuple[Coupling, ...] = ()
    parameters: Mapping = field(default_factory=dict)
    defaults: Mapping = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    initial: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping = field(default_factory=dict)
    time_constants: Mapping[str, str] = field(default_factory=dict)
    external: tuple[str, ...] = ()
    encoders: Mapping[str, str] = field(default_factory=dict)
    relaxed: tuple[str, ...] = ()


def combine(name: str, *terms: Term, **whole: Any) -> CircuitModel:
    """The model that several terms make together, in their order; ``whole`` are fields of the model that no term has.

    Couplings that read the same source come together: engines read each source once.

    Raises
    ------
    ValueError
        If two terms give different values to one name, or the model that they make is wrong.
    """
    parts = {f.name: _together(name, f.name, [getattr(term, f.name) for term in terms]) for f in fields(Term)}
    sources = list(dict.fromkeys(c.source for c in parts["couplings"]))
    parts["couplings"] = tuple(sorted(parts["couplings"], key=lambda c: sources.index(c.source)))
    return CircuitModel(name, **parts, **whole)


def _together(model, name, values):
    if isinstance(values[0], str):
        return "\n".join(value.strip("\n") for value in values if value)
    if isinstance(values[0], tuple):
        return tuple(dict.fromkeys(part for value in values for part in value))
    result: dict = {}
    for value in values:
        for key, entry in value.items():
            if result.setdefault(key, entry) != entry:
                raise ValueError(f"model {model!r}: two terms give {key!r} in {name!r}: {result[key]!r} and {entry!r}")
    return result
