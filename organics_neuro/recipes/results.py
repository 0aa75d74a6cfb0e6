"""Results that are kept with the source: one CSV file a task, the trained networks, and the table made of them."""

import shutil
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from statistics import mean
from typing import Any

from torch import nn

from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.files import make_folder, replacing
from organics_neuro.datasets import DATA, TASKS
from organics_neuro.recipes.rows import add_row, read_rows
from organics_neuro.recipes.run import Card
from organics_neuro.recipes.settings import RECIPES, Recipe
from organics_neuro.recipes.weights import fingerprint, load
from organics_neuro.transfer import Agreement, agreement, steady_agreement, to_circuit

#: Columns of ``results/TASK.csv``, and those by which a line replaces an older one.
COLUMNS = {
    "task": str,
    "model": str,
    "parameters": int,
    "seed": int,
    "epochs": int,
    "test_accuracy": float,
    "seconds": float,
    "command": str,
}
KEY = ("model", "seed", "epochs")
#: What the table needs of ``results/transfer.csv`` and of ``published.csv``.
_TRANSFERRED = {"recipe": str, "digits": int, "agree": int, "state_difference": float}
_PUBLISHED = {"task": str, "model": str, "test_accuracy": float, "source": str}
#: The seed whose network is shipped: a rule, so that nobody chooses by the test data.
SHIPPED_SEED = 0


def publish(folder: str | PathLike[str], data: str | PathLike[str] = "data") -> list[Path]:
    """Put the result of a run into ``data/results/TASK.csv``.

    Of the run with the seed 0 and the epochs of its recipe, the trained network and its card go to ``data/weights`` as
    well.

    Parameters
    ----------
    folder : path
        Of a finished run (see `organics_neuro.recipes.train`).
    data : path

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    FileNotFoundError, FileFormatError
        If the folder does not hold a finished run; nothing is written then.
    """
    folder, data = Path(folder), Path(data)
    card = Card.load(folder / "card.json")
    trained = folder / f"{card.recipe}.safetensors"
    recipe = load(trained).recipe
    if (card.recipe, card.task, card.model) != (recipe.name, recipe.task, recipe.network):
        raise FileFormatError(
            f"{trained} is of the recipe {recipe.name!r}, but the card beside it is of another network"
        )
    ships = card.seed == SHIPPED_SEED and _as_in_recipe(recipe, card.epochs)
    written = [data / "results" / f"{card.task}.csv"]
    add_row(written[0], {name: getattr(card, name) for name in COLUMNS}, KEY)
    if ships:
        make_folder(data / "weights")
        for source, suffix in ((trained, ".safetensors"), (folder / "card.json", ".json")):
            written.append(data / "weights" / f"{card.recipe}{suffix}")
            with replacing(written[-1]) as temporary:
                shutil.copyfile(source, temporary)
    return written


def transfer(
    path: str | PathLike[str], data: str | PathLike[str] = "data", mnist: str | PathLike[str] | None = None
) -> Agreement:
    """Classify the test data with a trained network in torch and in Brian2, and keep the comparison.

    The line goes to ``data/results/transfer.csv``, in place of an older one of the same network. It says by a hash of its
    numbers which network that was: `table` shows the comparison as long as that is the one in ``data/weights``.

    Parameters
    ----------
    path : path
        The ``.safetensors`` file of a run, or a name (see `organics_neuro.recipes.load`).
    data : path
    mnist : path, optional
        Folder of the digits (see `organics_neuro.datasets.mnist`).

    Returns
    -------
    organics_neuro.transfer.Agreement
    """
    recipe, model, circuit = load(path)
    digits = recipe.data(mnist)
    x = digits.x_test
    if isinstance(rnn := getattr(model, "rnn", None), nn.RNNBase):  # a baseline of torch's own
        circuit = to_circuit(rnn)
    result = steady_agreement(model, x) if circuit is None else agreement(model, circuit, x)
    row = {
        "recipe": recipe.name,
        "digits": len(digits.y_test),
        "agree": result.count,
        "torch_accuracy": float((result.torch == digits.y_test).mean()),
        "brian_accuracy": float((result.brian == digits.y_test).mean()),
        "state_difference": f"{result.difference:.1e}",
        "command": f"organics transfer {Path(path).as_posix()}",
        "sha256": fingerprint(path),
    }
    add_row(Path(data) / "results" / "transfer.csv", row, ("recipe", "sha256"))
    return result


def table(data: str | PathLike[str] | None = None) -> str:
    """All results as a Markdown table: the mean over the seeds of each model, and beside them what is published.

    Parameters
    ----------
    data : path, optional
        Folder with ``results/*.csv``, ``weights`` and ``published.csv``. Default: what comes with the package.

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError
        If there are no results.
    FileFormatError
        If one of the files lacks a column, or has a text in the place of a number.
    """
    data = DATA if data is None else Path(data)
    compared = read_rows(data / "results" / "transfer.csv", _TRANSFERRED)
    published = read_rows(data / "published.csv", _PUBLISHED)
    lines = [
        "| task | model | parameters | epochs | seeds | test accuracy (%) | same class in Brian2 (difference) | command or source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task in TASKS:
        groups: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
        for row in read_rows(data / "results" / f"{task}.csv", COLUMNS):
            groups.setdefault((row["model"], row["parameters"], row["epochs"]), []).append(row)
        lines += [_line(task, *key, rows, data, compared) for key, rows in groups.items()]
        for row in published:
            if row["task"] == task:
                reached = _percent([row["test_accuracy"]])
                lines.append(f"| {task} | *{row['model']}* | | | | *{reached}* | | {row['source']} |")
    if len(lines) == 2:
        raise FileNotFoundError(
            f"{data} holds no results; give the folder that has results/TASK.csv, which `organics publish` writes"
        )
    return "\n".join(lines)


def _line(
    task: str,
    model: str,
    parameters: int,
    epochs: int,
    rows: Sequence[Mapping[str, Any]],
    data: Path,
    compared: Sequence[Mapping[str, Any]],
) -> str:
    """What the seeds of one model reached; the last column is how to repeat it."""
    reached = _percent([row["test_accuracy"] for row in rows])
    recipe = next((r for r in RECIPES.values() if (r.task, r.network) == (task, model)), None)
    command, agree = rows[0]["command"], ""  # where the recipe is gone
    if recipe is not None:
        command = f"organics train {recipe.name}"
        if _as_in_recipe(recipe, epochs):
            agree = _agreement(data / "weights" / f"{recipe.name}.safetensors", recipe.name, compared)
        else:
            command += f" --epochs {epochs}"
    return f"| {task} | {model} | {parameters:,} | {epochs} | {len(rows)} | {reached} | {agree} | `{command}` |"


def _agreement(weights: Path, name: str, compared: Sequence[Mapping[str, Any]]) -> str:
    """How the shipped network of a recipe did in Brian2; empty if it was not transferred, only others were."""
    for row in compared:
        if row["recipe"] == name and weights.is_file() and row.get("sha256") == fingerprint(weights):
            return f"{row['agree']:,} of {row['digits']:,} ({row['state_difference']:.1e})"
    return ""


def _as_in_recipe(recipe: Recipe, epochs: int) -> bool:
    """Whether a run had the epochs of its recipe: only such networks ship."""
    return epochs == recipe.epochs


def _percent(accuracies: Sequence[float]) -> str:
    """Mean in percent, with the range of several."""
    text = f"{100 * mean(accuracies):.2f}"
    spread = f" ({100 * min(accuracies):.2f} to {100 * max(accuracies):.2f})" if len(accuracies) > 1 else ""
    return text + spread
