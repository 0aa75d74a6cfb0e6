"""Engines answer what experiments ask of a circuit: theory, or one of the simulators.

Each file of this package that does not begin with an underscore holds one engine, a class of the same name:
`engines/theory.py` holds `Theory`. Where a function takes ``engine=``, an object (``Brian(dt=5e-5)``), a class
(``Brian``), a name (``"brian"``) or a text (``"brian(dt=5e-5)"``) are the same.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from organics_neuro.engines._base import Engine, as_engine
from organics_neuro.engines._simulate import convergence, simulate

if TYPE_CHECKING:
    from organics_neuro.engines.brian import Brian
    from organics_neuro.engines.network import Network
    from organics_neuro.engines.reference import Reference
    from organics_neuro.engines.theory import Theory

__all__ = ["Brian", "Engine", "Network", "Reference", "Theory", "as_engine", "convergence", "names", "simulate"]


def names() -> tuple[str, ...]:
    """Names of all engines."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


def __getattr__(name: str) -> Any:
    if name.lower() in names() and name == name.capitalize():
        return getattr(import_module(f"{__name__}.{name.lower()}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name.capitalize() for name in names())})
