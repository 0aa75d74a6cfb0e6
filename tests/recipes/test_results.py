"""The result of a run is kept once, and the table is made of what is kept."""

import csv
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import organics_neuro as on  # noqa: E402
from organics_neuro import recipes  # noqa: E402  needs torch
from organics_neuro.recipes import results, settings  # noqa: E402
from tests.recipes.small import run  # noqa: E402

pytestmark = pytest.mark.usefixtures("small_recipes")


def test_publish(tmp_path, capsys):
    """A result replaces an older one of the same model, seed and epochs; the seed 0 ships, trained as the recipe says."""
    for name, seed, epochs in [("demo", 0, 2), ("demo", 1, 2), ("rows-lstm", 0, 1), ("demo", 0, 2)]:
        folder = tmp_path / f"{name}{seed}"
        assert run("train", name, "--seed", seed, "--epochs", epochs, "--output", folder) == 0
        assert run("publish", folder, "--data", tmp_path / "data") == 0
    with (tmp_path / "data" / "results" / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["model"], row["seed"], row["epochs"]) for row in rows] == [
        ("ORGaNICs 64", "1", "2"),
        ("LSTM 128", "0", "1"),
        ("ORGaNICs 64", "0", "2"),
    ]
    card = json.loads((tmp_path / "demo0" / "card.json").read_text())
    assert rows[-1].pop("crc32 of 3 lines")
    assert rows[-1] == {name: str(card[name]) for name in rows[-1]}
    shipped = tmp_path / "data" / "weights"
    assert {p.name for p in shipped.iterdir()} == {"demo.safetensors", "demo.json"}
    assert (shipped / "demo.safetensors").read_bytes() == (tmp_path / "demo0" / "demo.safetensors").read_bytes()
    capsys.readouterr()
    assert run("table", "--data", tmp_path / "data") == 0
    accuracies = [100 * float(rows[k]["test_accuracy"]) for k in (0, 2)]
    reached = f"{np.mean(accuracies):.2f} ({min(accuracies):.2f} to {max(accuracies):.2f})"
    printed = capsys.readouterr().out
    assert f"| 2 | 2 | {reached} |  | `organics train demo` |" in printed
    other = f"{100 * float(rows[1]['test_accuracy']):.2f}"
    assert f"| 1 | 1 | {other} |  | `organics train rows-lstm --epochs 1` |" in printed


def test_transfer_is_kept_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "agreement", partial(on.transfer.agreement, device="runtime"))  # nothing to compile
    card = recipes.train(recipes.find("demo"), folder=tmp_path, progress=False).card
    for _ in range(2):
        assert run("transfer", tmp_path / "demo.safetensors", "--data", tmp_path / "data") == 0
        assert "the same class for 40 of 40 samples, states within" in capsys.readouterr().out
    (row,) = results.read_rows(tmp_path / "data" / "results" / "transfer.csv")
    expected = {"recipe": "demo", "digits": "40", "agree": "40"}
    assert {name: row[name] for name in expected} == expected
    assert float(row["torch_accuracy"]) == float(row["brian_accuracy"]) == card.test_accuracy
    assert float(row["state_difference"]) < 1e-12


def test_the_table_shows_the_transfer_of_what_is_shipped(tmp_path, monkeypatch, capsys):
    """Neither that of another run, which is kept beside it, nor that of a network which was replaced."""
    monkeypatch.setattr(results, "agreement", partial(on.transfer.agreement, device="runtime"))  # nothing to compile
    data = tmp_path / "data"

    def published(seed):
        run("train", "demo", "--seed", seed, "--no-resume", "--output", tmp_path / "run")
        run("publish", tmp_path / "run", "--data", data)
        return tmp_path / "run" / "demo.safetensors"

    published(0)
    run("transfer", data / "weights" / "demo.safetensors", "--data", data)
    shown = recipes.table(data)
    assert " | 40 of 40 (" in shown
    run("transfer", published(1), "--data", data)
    (line,) = [line.split(" | ") for line in recipes.table(data).splitlines() if "organics train demo" in line]
    assert line[6] in shown  # agreement and difference
    assert len(results.read_rows(data / "results" / "transfer.csv")) == 2
    monkeypatch.setitem(settings.RECIPES, "demo", replace(recipes.find("demo"), lr=0.02))
    published(0)
    assert " of 40 (" not in recipes.table(data)


def test_the_table_knows_a_recipe_by_its_task_and_network(tmp_path):
    """Whatever command made a line; one of a recipe that is gone is shown with the command that was kept."""
    row = dict.fromkeys(results.COLUMNS, "1") | {"task": "rows", "epochs": "2", "test_accuracy": "0.5"}
    for model, command in [("ORGaNICs 64", "python train.py"), ("ORGaNICs 7", "organics")]:
        results.add_row(tmp_path / "results" / "rows.csv", row | {"model": model, "command": command}, results.KEY)
    shown = recipes.table(tmp_path)
    assert "| rows | ORGaNICs 64 | 1 | 2 | 1 | 50.00 |  | `organics train demo` |" in shown
    assert "| rows | ORGaNICs 7 | 1 | 2 | 1 | 50.00 |  | `organics` |" in shown


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": "../../evil"}, "is of the recipe 'demo', but the card beside it is of another network"),
        ({"recipe": "../run/demo"}, "but the card beside it is of another network"),
        ({"test_accuracy": "high"}, "test_accuracy must be of type float, got 'high'"),
        ({"seed": None}, "seed must be of type int, got None"),
        ({"recipe": "rows-lstm"}, "no file"),
        ({}, "is not a readable safetensors file"),
    ],
)
def test_what_is_no_run_is_not_published(tmp_path, capsys, change, words):
    folder, data = tmp_path / "run", tmp_path / "data"
    recipes.train(recipes.find("demo"), folder=folder, progress=False, epochs=1)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | change | {"sha256": None}))
    if not change:
        (folder / "demo.safetensors").write_bytes(b"xx")
    assert run("publish", folder, "--data", data) == 2
    assert words in capsys.readouterr().err
    assert not data.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test_accuracy": "foo"}, "test_accuracy must be a finite number, got 'foo'"),
        ({"test_accuracy": "nan"}, "test_accuracy must be a finite number, got 'nan'"),
        ({"parameters": "1.5"}, "parameters must be an integer, got '1.5'"),
        ({"epochs": "9" * 400}, "epochs must be an integer, got '999"),
    ],
)
def test_results_that_are_no_numbers(tmp_path, capsys, change, words):
    row = dict.fromkeys(results.COLUMNS, "1") | {"task": "rows"}
    for line in (row | {"seed": "0"}, row | change):
        results.add_row(tmp_path / "results" / "rows.csv", line, results.KEY)
    assert run("table", "--data", tmp_path) == 2
    assert f"rows.csv, line 3: {words}" in capsys.readouterr().err


def test_no_results_are_no_table(capsys):
    assert run("table", "--data", "nodata") == 2
    assert "nodata holds no results; give the folder that has results/TASK.csv" in capsys.readouterr().err


def test_foreign_results(tmp_path, capsys):
    """A CSV file that is none of ours is left as it is."""
    folder, path = tmp_path / "run", tmp_path / "results" / "rows.csv"
    recipes.train(recipes.find("demo"), folder=folder, progress=False, epochs=1)
    path.parent.mkdir()
    for content, command, words in [
        (b"hello\n1\n", ("table",), "values are missing in the columns task, model, parameters"),
        (b"hello\n1\n", ("publish", folder), "has columns that are not known: hello; remove them"),
        (b"\xff\xfe\n1\n", ("publish", folder), "rows.csv is not a CSV file ("),
    ]:
        path.write_bytes(content)
        assert run(*command, "--data", tmp_path) == 2
        assert words in capsys.readouterr().err
        assert path.read_bytes() == content


def test_a_missing_compiler_is_one_sentence(tmp_path, monkeypatch, capsys):
    recipes.train(recipes.find("demo"), folder=tmp_path, progress=False, epochs=1)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert run("transfer", tmp_path / "demo.safetensors", "--data", tmp_path / "data") == 2
    said = capsys.readouterr().err
    assert said.startswith("organics transfer: the device 'cpp' needs a C++ compiler, but 'no-such-compiler'")
    assert said.count("\n") == 1
