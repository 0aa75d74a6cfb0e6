"""Neurophysiology on any circuit: each experiment returns a labelled `xarray.Dataset`.

``list()`` names the experiments; each is a function of this module: ``contrast_response(circuit, contrasts)``.
"""

from typing import TYPE_CHECKING, Any

from organics_neuro.experiments import registry
from organics_neuro.experiments.naka_rushton import fit_naka_rushton, naka_rushton
from organics_neuro.experiments.registry import Experiment, experiment, find
from organics_neuro.experiments.registry import names as list
from organics_neuro.experiments.results import load, save
from organics_neuro.experiments.sweep import sweep

if TYPE_CHECKING:  # so that editors know their arguments; what lists or runs experiments asks the registry
    from organics_neuro.experiments.protocols.contrast_response import contrast_response as contrast_response
    from organics_neuro.experiments.protocols.leading_eigenvalues import leading_eigenvalues as leading_eigenvalues
    from organics_neuro.experiments.protocols.power_spectrum import power_spectrum as power_spectrum
    from organics_neuro.experiments.protocols.trajectories import trajectories as trajectories

__all__ = [
    "Experiment",
    "experiment",
    "find",
    "fit_naka_rushton",
    "list",
    "load",
    "naka_rushton",
    "save",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name in registry.experiments():
        return registry.find(name)
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; experiments are {', '.join(registry.names())}"
    )


def __dir__() -> Any:  # a list; here, the name is taken
    return sorted({*__all__, *registry.names()})
