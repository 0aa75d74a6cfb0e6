"""Circuits in torch: the generic step of any circuit, recurrent and steady-state layers."""

from organics_neuro.core.errors import missing_extra

try:
    import torch  # noqa: F401
except ImportError as error:
    raise missing_extra("organics_neuro.nn", "torch", "torch") from error

from organics_neuro.nn import functional, kernels
from organics_neuro.nn.cells import CircuitCell
from organics_neuro.nn.classifiers import SequenceClassifier
from organics_neuro.nn.initialization import oscillators_
from organics_neuro.nn.layers import CircuitLayer
from organics_neuro.nn.organics import ORGaNICs, ORGaNICsCell, State
from organics_neuro.nn.steady import DivisiveNormalization
from organics_neuro.nn.steady2d import DivisiveNormalization2d
from organics_neuro.training import BatchNorm1d

__all__ = [
    "BatchNorm1d",
    "CircuitCell",
    "CircuitLayer",
    "DivisiveNormalization",
    "DivisiveNormalization2d",
    "ORGaNICs",
    "ORGaNICsCell",
    "SequenceClassifier",
    "State",
    "functional",
    "kernels",
    "oscillators_",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else
