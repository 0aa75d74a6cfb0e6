"""Neurophysiology on any circuit: each experiment returns a labelled `xarray.Dataset`.

``list()`` names the experiments; each is a function of this module: ``contrast_response(circuit, contrasts)``.
"""

from typing import TYPE_CHECKING, Any

from organics_neuro.experiments import registry
from organics_neuro.experiments.fits import (
    difference_of_gaussians,
    fit_difference_of_gaussians,
    fit_ratio_of_gaussians,
    fit_von_mises,
    half_width,
    ratio_of_gaussians,
    von_mises,
)
from organics_neuro.experiments.naka_rushton import fit_naka_rushton, naka_rushton
from organics_neuro.experiments.neo_export import to_neo
from organics_neuro.experiments.registry import Experiment, experiment, find
from organics_neuro.experiments.registry import names as list
from organics_neuro.experiments.results import load, save
from organics_neuro.experiments.sweep import sweep

if TYPE_CHECKING:  # so that editors know their arguments; what lists or runs experiments asks the registry
    from organics_neuro.experiments.protocols.adaptation import adaptation as adaptation
    from organics_neuro.experiments.protocols.attention import attention as attention
    from organics_neuro.experiments.protocols.attention_dynamics import attention_dynamics as attention_dynamics
    from organics_neuro.experiments.protocols.bifurcation import bifurcation as bifurcation
    from organics_neuro.experiments.protocols.coherence import coherence as coherence
    from organics_neuro.experiments.protocols.contrast_discrimination import (
        contrast_discrimination as contrast_discrimination,
    )
    from organics_neuro.experiments.protocols.contrast_response import contrast_response as contrast_response
    from organics_neuro.experiments.protocols.gamma import gamma as gamma
    from organics_neuro.experiments.protocols.inhibitory_stabilization import (
        inhibitory_stabilization as inhibitory_stabilization,
    )
    from organics_neuro.experiments.protocols.leading_eigenvalues import leading_eigenvalues as leading_eigenvalues
    from organics_neuro.experiments.protocols.lfp import lfp as lfp
    from organics_neuro.experiments.protocols.local_gamma import local_gamma as local_gamma
    from organics_neuro.experiments.protocols.mask_tuning import mask_tuning as mask_tuning
    from organics_neuro.experiments.protocols.memory_maintenance import memory_maintenance as memory_maintenance
    from organics_neuro.experiments.protocols.orientation_tuning import orientation_tuning as orientation_tuning
    from organics_neuro.experiments.protocols.perturbed_recurrence import perturbed_recurrence as perturbed_recurrence
    from organics_neuro.experiments.protocols.phase_plane import phase_plane as phase_plane
    from organics_neuro.experiments.protocols.plaids import plaids as plaids
    from organics_neuro.experiments.protocols.population_geometry import population_geometry as population_geometry
    from organics_neuro.experiments.protocols.power_spectrum import power_spectrum as power_spectrum
    from organics_neuro.experiments.protocols.reverse_correlation import reverse_correlation as reverse_correlation
    from organics_neuro.experiments.protocols.size_tuning import size_tuning as size_tuning
    from organics_neuro.experiments.protocols.solver_iteration import solver_iteration as solver_iteration
    from organics_neuro.experiments.protocols.stability_census import stability_census as stability_census
    from organics_neuro.experiments.protocols.stability_map import stability_map as stability_map
    from organics_neuro.experiments.protocols.step_response import step_response as step_response
    from organics_neuro.experiments.protocols.surround_tuning import surround_tuning as surround_tuning
    from organics_neuro.experiments.protocols.trajectories import trajectories as trajectories
    from organics_neuro.experiments.protocols.variability import variability as variability
    from organics_neuro.experiments.protocols.working_memory import working_memory as working_memory

__all__ = [
    "Experiment",
    "difference_of_gaussians",
    "experiment",
    "find",
    "fit_difference_of_gaussians",
    "fit_naka_rushton",
    "fit_ratio_of_gaussians",
    "fit_von_mises",
    "half_width",
    "list",
    "load",
    "naka_rushton",
    "ratio_of_gaussians",
    "save",
    "sweep",
    "to_neo",
    "von_mises",
]


def __getattr__(name: str) -> Any:
    if name in registry.experiments():
        return registry.find(name)
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; experiments are {', '.join(registry.names())}"
    )


def __dir__() -> Any:  # a list; here, the name is taken
    return sorted({*__all__, *registry.names()})
