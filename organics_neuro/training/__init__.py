"""Training of any torch module on samples with labels or targets: one loop, checkpoints, exact resumption. It knows no circuit."""

from organics_neuro.core.errors import missing_extra

try:
    import torch  # noqa: F401
except ImportError as error:
    raise missing_extra("organics_neuro.training", "torch", "torch") from error

from organics_neuro.training.history import History
from organics_neuro.training.loop import cross_entropy, fit, squared_error
from organics_neuro.training.parallel import BatchNorm1d
from organics_neuro.training.predictions import accuracy, predict

__all__ = ["BatchNorm1d", "History", "accuracy", "cross_entropy", "fit", "predict", "squared_error"]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else
