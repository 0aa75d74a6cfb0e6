"""One training run: a folder with a checkpoint, a log, the trained network and a card that says what it is."""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import get_origin, get_type_hints

import torch
from torch import nn

from organics_neuro import __version__, training
from organics_neuro.core.errors import FileFormatError, shown
from organics_neuro.core.files import checksum, existing, make_folder, replacing, warn_unchecked
from organics_neuro.recipes import weights
from organics_neuro.recipes.settings import Recipe, check_recipe
from organics_neuro.training import History
from organics_neuro.training.parallel import team

#: Under which name a card holds the SHA-256 of the rest.
_CHECKSUM = "sha256"


@dataclass(frozen=True)
class Card:
    """What a finished run is and what it reached; ``seconds`` are those of training and validation."""

    recipe: str
    task: str
    model: str
    parameters: int
    seed: int
    epochs: int
    validation_accuracy: float
    test_accuracy: float
    seconds: float
    command: str
    date: str
    versions: dict[str, str]

    def save(self, path: str | PathLike[str]) -> None:
        """Write a JSON file."""
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({**asdict(self), _CHECKSUM: self._checksum()}, indent=2) + "\n")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Card":
        """Read the JSON file that `save` wrote.

        Raises
        ------
        FileNotFoundError, FileFormatError
        """
        path = existing(path, "; a run writes it when it is finished")
        try:
            content = json.loads(path.read_text())
            found = content.pop(_CHECKSUM, None) if isinstance(content, dict) else None
            card = cls(**content)
            card._check_types()
        except (ValueError, TypeError, RecursionError) as error:
            raise FileFormatError(f"{path} is not the card of a run ({error})") from error
        if found not in (None, card._checksum()):
            raise FileFormatError(f"{path} is damaged: its content does not agree with its checksum; copy it anew")
        if found is None:
            warn_unchecked(path)
        return card

    def _checksum(self) -> str:
        return checksum({}, "card", asdict(self))

    def _check_types(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value, kind = getattr(self, name), get_origin(kind) or kind
            if type(value) is not kind:
                raise TypeError(f"{name} must be of type {kind.__name__}, got {shown(value)}")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    recipe : Recipe
    model : Module
        The network as it was in the epoch that was best on the validation data.
    history : History
    card : Card or None
        None in all but the first process of several.
    """

    recipe: Recipe
    model: nn.Module
    history: History
    card: Card | None


def train(
    recipe: Recipe,
    seed: int = 0,
    folder: str | PathLike[str] | None = None,
    *,
    epochs: int | None = None,
    mnist: str | PathLike[str] | None = None,
    resume: bool = True,
    progress: bool = True,
) -> Run:
    """Train a network by its recipe. Only at the end is it tried on the test data, once.

    Parameters
    ----------
    recipe : Recipe
    seed : int
        Of the initial parameters, the validation split and the order of the digits.
    folder : path, optional
        Where to write ``NAME.pt`` (checkpoint), ``log.csv``, ``card.json`` and
        ``NAME.safetensors`` (see `organics_neuro.recipes.load`). Default: ``runs/NAME-seedN``.
    epochs : int, optional
        In place of those of the recipe.
    mnist : path, optional
        Folder of the digits (see `organics_neuro.datasets.mnist`).
    resume : bool
        Go on from the checkpoint in ``folder``, if there is one.
    progress : bool

    Returns
    -------
    Run

    Raises
    ------
    TypeError
        For what is no recipe.
    ValueError
        If ``folder`` holds another run.
    FloatingPointError
        If the loss becomes NaN or infinite.
    """
    recipe = check_recipe(recipe).lasting(epochs)
    folder = Path("runs") / f"{recipe.name}-seed{seed}" if folder is None else Path(folder)
    _check_folder(folder, recipe.name)
    model, digits = recipe.model(seed), recipe.data(mnist)
    make_folder(folder)
    history = training.fit(
        model,
        digits.x_train,
        digits.y_train,
        **recipe.fit_options,
        seed=seed,
        checkpoint=folder / f"{recipe.name}.pt",
        resume=resume,
        log=folder / "log.csv",
        progress=progress,
    )
    card = None
    if team().rank == 0:
        card = _card(recipe, seed, model, history, training.accuracy(model, digits.x_test, digits.y_test))
        weights.save(folder / f"{recipe.name}.safetensors", recipe, model)
        card.save(folder / "card.json")
    return Run(recipe, model, history, card)


def _check_folder(folder: Path, name: str) -> None:
    """Raise `ValueError` if another recipe wrote to a folder: card and log of both would have the same names."""
    found = {path.stem for path in folder.glob("*.pt")}
    if (folder / "card.json").is_file():
        found.add(Card.load(folder / "card.json").recipe)
    if found - {name}:
        others = ", ".join(sorted(found - {name}))
        raise ValueError(f"the folder {folder} holds a run of {others}; give another one for the run of {name}")


def _card(recipe: Recipe, seed: int, model: nn.Module, history: History, test_accuracy: float) -> Card:
    """What a run was and what it reached."""
    return Card(
        recipe=recipe.name,
        task=recipe.task,
        model=recipe.network,
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        seed=seed,
        epochs=len(history),
        validation_accuracy=max(history.validation_accuracy),
        test_accuracy=test_accuracy,
        seconds=round(sum(history.seconds), 1),
        command=f"organics train {recipe.name} --seed {seed} --epochs {len(history)}",
        date=datetime.now(UTC).date().isoformat(),
        versions={
            "organics_neuro": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
