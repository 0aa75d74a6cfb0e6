"""Circuits as Brian2 objects."""

from organics_neuro.brian.device import use_device
from organics_neuro.brian.group import CircuitGroup, groups
from organics_neuro.brian.profiling import profile
from organics_neuro.brian.projection import Projection
from organics_neuro.brian.standalone import build, run_args, sweep

__all__ = [
    "CircuitGroup",
    "Projection",
    "build",
    "groups",
    "profile",
    "run_args",
    "sweep",
    "use_device",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else
