"""Training runs that anyone can repeat: `RECIPES` says how to train, `train` does it, and the results are kept.

The table of recipes can be read without torch, which is loaded with the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from organics_neuro.core.errors import missing_extra
from organics_neuro.recipes.settings import RECIPES, Recipe, find

if TYPE_CHECKING:
    from organics_neuro.recipes.results import publish as publish
    from organics_neuro.recipes.results import table as table
    from organics_neuro.recipes.results import transfer as transfer
    from organics_neuro.recipes.run import Card as Card
    from organics_neuro.recipes.run import Run as Run
    from organics_neuro.recipes.run import train as train
    from organics_neuro.recipes.tuning import tune as tune
    from organics_neuro.recipes.weights import Trained as Trained
    from organics_neuro.recipes.weights import load as load

#: The modules of the names that need torch.
_NEED_TORCH = {
    "publish": "results",
    "table": "results",
    "transfer": "results",
    "Card": "run",
    "Run": "run",
    "train": "run",
    "tune": "tuning",
    "Trained": "weights",
    "load": "weights",
}
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


def __getattr__(name: str) -> Any:
    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise missing_extra(f"{__name__}.{name}", "torch", "torch") from error
    value = getattr(import_module(f"{__name__}.{_NEED_TORCH[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else
