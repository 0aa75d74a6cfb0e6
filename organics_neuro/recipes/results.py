"""Results that are kept with the source: one CSV file a task, the trained circuits, and the table made of them."""

import csv
import shutil
from pathlib import Path
from statistics import mean

from organics_neuro.core.files import replacing
from organics_neuro.datasets import TASKS
from organics_neuro.recipes.run import Card
from organics_neuro.recipes.settings import find
from organics_neuro.recipes.weights import load
from organics_neuro.transfer import agreement, steady_agreement

#: Columns of ``results/TASK.csv``, and those by which a line replaces an older one.
COLUMNS = ("task", "model", "parameters", "seed", "epochs", "test_accuracy", "seconds", "command")
KEY = ("model", "seed", "epochs")
#: The seed whose network is shipped: a rule, so that nobody chooses by the test data.
SHIPPED_SEED = 0


def publish(folder, data="data"):
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
    """
    folder, data = Path(folder), Path(data)
    card = Card.load(folder / "card.json")
    ships = card.seed == SHIPPED_SEED and _as_in_recipe(card.recipe, card.epochs)
    written = [data / "results" / f"{card.task}.csv"]
    add_row(written[0], {name: getattr(card, name) for name in COLUMNS}, KEY)
    trained = folder / f"{card.recipe}.safetensors"
    if ships:
        (data / "weights").mkdir(exist_ok=True)
        for source, suffix in ((trained, ".safetensors"), (folder / "card.json", ".json")):
            written.append(data / "weights" / f"{card.recipe}{suffix}")
            with replacing(written[-1]) as temporary:
                shutil.copyfile(source, temporary)
    return written


def transfer(path, data="data"):
    """Classify the test data with a trained network in torch and in Brian2, and keep the comparison.

    The line goes to ``data/results/transfer.csv``, in place of an older one of the same recipe.

    Parameters
    ----------
    path : path
        The ``.safetensors`` file of a run (see `organics_neuro.recipes.load`).
    data : path

    Returns
    -------
    organics_neuro.transfer.Agreement
    """
    recipe, model, circuit = load(path)
    digits = recipe.data()
    x = digits.x_test
    result = steady_agreement(model, x) if circuit is None else agreement(model, circuit, x)
    row = {
        "recipe": recipe.name,
        "digits": len(digits.y_test),
        "agree": result.count,
        "torch_accuracy": float((result.torch == digits.y_test).mean()),
        "brian_accuracy": float((result.brian == digits.y_test).mean()),
        "state_difference": f"{result.difference:.1e}",
        "command": f"organics transfer {Path(path).as_posix()}",
    }
    add_row(Path(data) / "results" / "transfer.csv", row, ("recipe",))
    return result


def read_rows(path):
    """The lines of a CSV file as dictionaries of texts; none if there is no such file."""
    if not Path(path).is_file():
        return []
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def add_row(path, row, key):
    """Add a line to a CSV file, in place of one that has the same values in the columns ``key``."""
    row = {name: str(value) for name, value in row.items()}
    rows = [old for old in read_rows(path) if [old.get(name) for name in key] != [row[name] for name in key]]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, row.keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, row])


def table(data="data"):
    """All results as a Markdown table: the mean over the seeds of each model, and beside them what is published.

    Parameters
    ----------
    data : path
        Folder with ``results/*.csv`` and ``published.csv``.

    Returns
    -------
    str
    """
    data = Path(data)
    transferred = {row["recipe"]: row for row in read_rows(data / "results" / "transfer.csv")}
    lines = [
        "| task | model | parameters | epochs | seeds | test accuracy (%) | same class in Brian2 (difference) | command or source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task in TASKS:
        groups = {}
        for row in read_rows(data / "results" / f"{task}.csv"):
            groups.setdefault((row["model"], row["parameters"], row["epochs"]), []).append(row)
        lines += [_line(task, *key, rows, transferred) for key, rows in groups.items()]
        for row in read_rows(data / "published.csv"):
            if row["task"] == task:
                reached = _percent([float(row["test_accuracy"])])
                lines.append(f"| {task} | *{row['model']}* | | | | *{reached}* | | {row['source']} |")
    return "\n".join(lines)


def _line(task, model, parameters, epochs, rows, transferred):
    """What the seeds of one model reached; the last column is how to repeat it."""
    reached = _percent([float(row["test_accuracy"]) for row in rows])
    name = rows[0]["command"].split()[2]
    shipped = _as_in_recipe(name, epochs)
    command = f"organics train {name}" if shipped else f"organics train {name} --epochs {epochs}"
    circuit = transferred.get(name)
    agree = ""
    if circuit and shipped:
        agree = f"{int(circuit['agree']):,} of {int(circuit['digits']):,} ({circuit['state_difference']})"
    return f"| {task} | {model} | {int(parameters):,} | {epochs} | {len(rows)} | {reached} | {agree} | `{command}` |"


def _as_in_recipe(name, epochs):
    """Whether a run had the epochs of its recipe: only such networks ship."""
    return int(epochs) == find(name).epochs


def _percent(accuracies):
    """Mean in percent, with the range of several."""
    text = f"{100 * mean(accuracies):.2f}"
    spread = f" ({100 * min(accuracies):.2f} to {100 * max(accuracies):.2f})" if len(accuracies) > 1 else ""
    return text + spread
