"""Recurrent normalization circuits (ORGaNICs) for Brian2: simulate, train, experiment.

Importing this package loads neither Brian2 nor torch; what needs them is loaded when it is first used.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers; a test compares it with the names below
    from organics_neuro import brian as brian
    from organics_neuro import datasets as datasets
    from organics_neuro import engines as engines
    from organics_neuro import experiments as experiments
    from organics_neuro import nn as nn
    from organics_neuro import plotting as plotting
    from organics_neuro import recipes as recipes
    from organics_neuro import training as training
    from organics_neuro import transfer as transfer
    from organics_neuro.brian.device import use_device as use_device
    from organics_neuro.brian.force import ForceLearning as ForceLearning
    from organics_neuro.brian.group import CircuitGroup as CircuitGroup
    from organics_neuro.brian.group import groups as groups
    from organics_neuro.brian.projection import Projection as Projection
    from organics_neuro.brian.spiking import lfp as lfp
    from organics_neuro.brian.spiking import rate_to_conductance as rate_to_conductance
    from organics_neuro.brian.spiking import rate_to_current as rate_to_current
    from organics_neuro.brian.spiking import rate_to_spikes as rate_to_spikes
    from organics_neuro.brian.spiking import spikes_to_rate as spikes_to_rate
    from organics_neuro.brian.spiking import within_trials as within_trials
    from organics_neuro.brian.trials import set_trials as set_trials
    from organics_neuro.core import errors as errors
    from organics_neuro.core import feedback as feedback
    from organics_neuro.core import ssn as ssn
    from organics_neuro.core import stimuli as stimuli
    from organics_neuro.core import theory as theory
    from organics_neuro.core import weights as weights
    from organics_neuro.core.adaptation import adapting as adapting
    from organics_neuro.core.adaptation import depressing as depressing
    from organics_neuro.core.circuits import Circuit as Circuit
    from organics_neuro.core.circuits import JoinedCircuit as JoinedCircuit
    from organics_neuro.core.circuits import join as join
    from organics_neuro.core.circuits import load as load
    from organics_neuro.core.complex_pairs import complex_pair as complex_pair
    from organics_neuro.core.expressions import register_function as register_function
    from organics_neuro.core.hierarchy import hierarchy as hierarchy
    from organics_neuro.core.model import CircuitModel as CircuitModel
    from organics_neuro.core.model import ClosedForm as ClosedForm
    from organics_neuro.core.model import Coupling as Coupling
    from organics_neuro.core.model import Output as Output
    from organics_neuro.core.models import MODELS as MODELS
    from organics_neuro.core.noise import Noise as Noise
    from organics_neuro.core.operators import AllToAll as AllToAll
    from organics_neuro.core.operators import Circulant as Circulant
    from organics_neuro.core.operators import Convolution as Convolution
    from organics_neuro.core.operators import Dense as Dense
    from organics_neuro.core.operators import LowRank as LowRank
    from organics_neuro.core.operators import Sparse as Sparse
    from organics_neuro.core.operators import Sum as Sum
    from organics_neuro.core.pairs import join_complex as join_complex
    from organics_neuro.core.rectified import rectified_pairs as rectified_pairs
    from organics_neuro.core.ring import ring as ring
    from organics_neuro.core.sheet import sheet as sheet
    from organics_neuro.core.terms import Term as Term
    from organics_neuro.core.terms import combine as combine
    from organics_neuro.engines import simulate as simulate

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
    "adapting": "organics_neuro.core.adaptation",
    "depressing": "organics_neuro.core.adaptation",
    "hierarchy": "organics_neuro.core.hierarchy",
    "ring": "organics_neuro.core.ring",
    "sheet": "organics_neuro.core.sheet",
    "rectified_pairs": "organics_neuro.core.rectified",
    "simulate": "organics_neuro.engines",
    "Noise": "organics_neuro.core.noise",
    "CircuitGroup": "organics_neuro.brian.group",
    "groups": "organics_neuro.brian.group",
    "Projection": "organics_neuro.brian.projection",
    "ForceLearning": "organics_neuro.brian.force",
    "rate_to_spikes": "organics_neuro.brian.spiking",
    "spikes_to_rate": "organics_neuro.brian.spiking",
    "rate_to_current": "organics_neuro.brian.spiking",
    "rate_to_conductance": "organics_neuro.brian.spiking",
    "within_trials": "organics_neuro.brian.spiking",
    "lfp": "organics_neuro.brian.spiking",
    "set_trials": "organics_neuro.brian.trials",
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
    "ssn": "organics_neuro.core.ssn",
    "feedback": "organics_neuro.core.feedback",
    "theory": "organics_neuro.core.theory",
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


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
    elif name in _MODULES:
        value = import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'organics_neuro' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
