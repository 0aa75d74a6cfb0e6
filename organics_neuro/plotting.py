"""Pictures of what the experiments return; every function takes a dataset, draws on matplotlib axes and returns them.

The plot of an experiment has its name, ``plotting.contrast_response(dataset)``, and stands beside its protocol.
"""

from typing import TYPE_CHECKING, Any

from organics_neuro.experiments import registry

if TYPE_CHECKING:
    from organics_neuro.experiments.protocols.attention import draw as attention
    from organics_neuro.experiments.protocols.contrast_discrimination import draw as contrast_discrimination
    from organics_neuro.experiments.protocols.contrast_response import draw as contrast_response
    from organics_neuro.experiments.protocols.gamma import draw as gamma
    from organics_neuro.experiments.protocols.leading_eigenvalues import draw as leading_eigenvalues
    from organics_neuro.experiments.protocols.mask_tuning import draw as mask_tuning
    from organics_neuro.experiments.protocols.orientation_tuning import draw as orientation_tuning
    from organics_neuro.experiments.protocols.phase_plane import draw as phase_plane
    from organics_neuro.experiments.protocols.power_spectrum import draw as power_spectrum
    from organics_neuro.experiments.protocols.size_tuning import draw as size_tuning
    from organics_neuro.experiments.protocols.stability_map import draw as stability_map
    from organics_neuro.experiments.protocols.step_response import draw as step_response
    from organics_neuro.experiments.protocols.surround_tuning import draw as surround_tuning
    from organics_neuro.experiments.protocols.trajectories import draw as trajectories
    from organics_neuro.experiments.protocols.working_memory import draw as working_memory

    __all__ = [
        "attention",
        "contrast_discrimination",
        "contrast_response",
        "gamma",
        "leading_eigenvalues",
        "mask_tuning",
        "orientation_tuning",
        "phase_plane",
        "power_spectrum",
        "size_tuning",
        "stability_map",
        "step_response",
        "surround_tuning",
        "trajectories",
        "working_memory",
    ]


def __getattr__(name: str) -> Any:
    plots = {key: each.plot for key, each in registry.experiments().items() if each.plot is not None}
    if name in plots:
        return plots[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; there are plots of {', '.join(plots)}")


def __dir__() -> list[str]:
    return sorted(name for name, each in registry.experiments().items() if each.plot is not None)
