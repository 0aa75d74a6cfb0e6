"""Settings that are compared on the validation data alone, one line for each in a file."""

from collections.abc import Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from organics_neuro import training
from organics_neuro.recipes.rows import add_row
from organics_neuro.recipes.settings import RECIPES, Recipe, check_recipe
from organics_neuro.training import History


def tune(
    recipe: Recipe,
    data: str | PathLike[str] = "data",
    *,
    seed: int = 0,
    mnist: str | PathLike[str] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
) -> History:
    """Train a network by its recipe, look at the validation data only, and keep the line of what was reached.

    The line goes to ``data/results/tuning.csv``, in place of an older one of the same settings. To try other settings
    than those of a recipe, give ``dataclasses.replace(recipe, ...)``.

    Parameters
    ----------
    recipe : Recipe
    data : path
    seed : int
    mnist : path, optional
        Folder of the digits (see `organics_neuro.datasets.mnist`).
    checkpoint, resume :
        As for `organics_neuro.training.fit`.
    progress : bool

    Returns
    -------
    History

    Raises
    ------
    TypeError
        For what is no recipe.
    FloatingPointError
        If the loss or its gradient becomes NaN or infinite; the line then has ``nan`` for the accuracy.
    """
    model, digits = check_recipe(recipe).model(seed), recipe.data(mnist)
    settings = _settings(recipe, seed)
    keep = partial(add_row, Path(data) / "results" / "tuning.csv", key=tuple(settings))
    try:
        history = training.fit(
            model,
            digits.x_train,
            digits.y_train,
            **recipe.fit_options,
            seed=seed,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
        )
    except FloatingPointError:
        keep(settings | {"validation_accuracy": "nan", "best_epoch": "", "seconds": ""})
        raise
    reached = {
        "validation_accuracy": f"{max(history.validation_accuracy):.4f}",
        "best_epoch": history.best_epoch + 1,
        "seconds": round(sum(history.seconds), 1),
    }
    keep(settings | reached)
    return history


def _settings(recipe: Recipe, seed: int) -> dict[str, Any]:
    """The columns that tell one line from another."""
    return {
        "recipe": recipe.name,
        "network": recipe.network,
        "options": " ".join(f"{name}={value}" for name, value in _options(recipe).items() if value is not None),
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "lr": recipe.lr,
        "seed": seed,
    }


def _options(recipe: Recipe) -> dict[str, Any]:
    """The other settings of a recipe; network and loss only where they differ from the recipe of that name."""
    options: Mapping[str, Any] = getattr(recipe.build, "keywords", {})  # a function that is no partial has none
    factors = {f"lr_factor[{name}]": factor for name, factor in (recipe.lr_factors or {}).items()}
    usual = _functions(RECIPES[recipe.name]) if recipe.name in RECIPES else {}
    return {
        **options,
        **factors,
        **{name: text for name, text in _functions(recipe).items() if text != usual.get(name)},
    }


def _functions(recipe: Recipe) -> dict[str, str]:
    """Texts for what makes the network, with its sizes, and for the loss."""
    build = recipe.build
    sizes = ",".join(map(_name, getattr(build, "args", ())))
    return {"build": f"{_name(getattr(build, 'func', build))}({sizes})", "loss": _name(recipe.loss)}


def _name(value: object) -> str:
    return getattr(value, "__name__", str(value))
