"""Pictures of what the experiments return; every function takes a dataset, draws on matplotlib axes and returns them.

The plot of an experiment has its name, ``plotting.contrast_response(dataset)``, and stands beside its protocol.
"""

from typing import TYPE_CHECKING, Any

from organics_neuro.experiments import registry

if TYPE_CHECKING:
    from organics_neuro.experiments.protocols.contrast_response import draw as contrast_response
    from organics_neuro.experiments.protocols.leading_eigenvalues import draw as leading_eigenvalues
    from organics_neuro.experiments.protocols.power_spectrum import draw as power_spectrum
    from organics_neuro.experiments.protocols.trajectories import draw as trajectories

    __all__ = ["contrast_response", "leading_eigenvalues", "power_spectrum", "trajectories"]


def __getattr__(name: str) -> Any:
    plots = {key: each.plot for key, each in registry.experiments().items() if each.plot is not None}
    if name in plots:
        return plots[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; there are plots of {', '.join(plots)}")


def __dir__() -> list[str]:
    return sorted(name for name, each in registry.experiments().items() if each.plot is not None)
