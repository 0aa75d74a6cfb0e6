"""Training runs that anyone can repeat: `RECIPES` says how to train, `train` does it, and the results are kept."""

from organics_neuro.core.errors import missing_extra

try:
    import torch  # noqa: F401
except ImportError as error:
    raise missing_extra("organics_neuro.recipes", "torch", "torch") from error

from organics_neuro.recipes.results import publish, table, transfer
from organics_neuro.recipes.run import Card, Run, train
from organics_neuro.recipes.settings import RECIPES, Recipe, find
from organics_neuro.recipes.tuning import tune
from organics_neuro.recipes.weights import Trained, load

__all__ = [
    "RECIPES",
    "Card",
    "Recipe",
    "Run",
    "Trained",
    "find",
    "load",
    "publish",
    "table",
    "train",
    "transfer",
    "tune",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else
