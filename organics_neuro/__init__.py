"""Recurrent normalization circuits (ORGaNICs) for Brian2: simulate, train, experiment.

Importing this package loads neither Brian2 nor torch; what needs them is loaded when it is first used.
"""

from importlib import import_module
from pathlib import Path

__version__ = "0.1.0"

#: Where each public name lives.
_NAMES = {
    "MODELS": "organics_neuro.core.models",
    "CircuitModel": "organics_neuro.core.model",
    "ClosedForm": "organics_neuro.core.model",
    "Coupling": "organics_neuro.core.model",
    "Output": "organics_neuro.core.model",
    "Term": "organics_neuro.core.terms",
    "combine": "organics_neuro.core.terms",
    "complex_pair": "organics_neuro.core.complex_pairs",
    "join_complex": "organics_neuro.core.pairs",
    "register_function": "organics_neuro.core.expressions",
    "Circuit": "organics_neuro.core.circuits",
    "JoinedCircuit": "organics_neuro.core.circuits",
    "join": "organics_neuro.core.circuits",
    "load": "organics_neuro.core.circuits",
    "ring": "organics_neuro.core.ring",
    "simulate": "organics_neuro.engines",
    "Noise": "organics_neuro.core.noise",
    "CircuitGroup": "organics_neuro.brian.group",
    "groups": "organics_neuro.brian.group",
    "Projection": "organics_neuro.brian.projection",
    "use_device": "organics_neuro.brian.device",
}
# each class of operators has a file named after it: all_to_all.py defines AllToAll
_NAMES |= {
    path.stem.title().replace("_", ""): "organics_neuro.core.operators"
    for path in sorted(Path(__file__).parent.glob("core/operators/[!_]*.py"))
    if path.stem != "base"
}
_MODULES = {
    "weights": "organics_neuro.core.weights",
    "stimuli": "organics_neuro.core.stimuli",
    "theory": "organics_neuro.core.theory",
    "reference": "organics_neuro.core.reference",
    "errors": "organics_neuro.core.errors",
    "engines": "organics_neuro.engines",
    "nn": "organics_neuro.nn",
    "training": "organics_neuro.training",
    "brian": "organics_neuro.brian",
    "transfer": "organics_neuro.transfer",
    "experiments": "organics_neuro.experiments",
    "plotting": "organics_neuro.plotting",
    "datasets": "organics_neuro.datasets",
    "recipes": "organics_neuro.recipes",
}

__all__ = ["__version__", *_NAMES, *_MODULES]


def __getattr__(name):
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
    elif name in _MODULES:
        value = import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'organics_neuro' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
