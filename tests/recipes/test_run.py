"""A run writes what it found, and goes on after an interruption."""

import csv
import json
import warnings
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import organics_neuro as on  # noqa: E402
from organics_neuro import datasets, recipes  # noqa: E402  needs torch
from organics_neuro.core.errors import FileFormatError, UncheckedFileWarning  # noqa: E402
from organics_neuro.recipes import results, settings  # noqa: E402
from tests.recipes.small import MNIST, run  # noqa: E402

pytestmark = pytest.mark.usefixtures("small_recipes")


def test_train_writes_a_folder(tmp_path, capsys):
    assert run("train", "demo", "--seed", 3) == 0
    folder = tmp_path / "runs" / "demo-seed3"
    assert {p.name for p in folder.iterdir()} == {"demo.pt", "log.csv", "card.json", "demo.safetensors"}
    card = json.loads((folder / "card.json").read_text())
    parameters = 3 * 6 * 28 + 6 * 6 * 6 + 4 * 6 + 6 * 10 + 10
    expected = {"recipe": "demo", "task": "rows", "model": "ORGaNICs 64", "parameters": parameters, "seed": 3}
    assert {name: card[name] for name in expected} == expected
    assert card["command"] == "organics train demo --seed 3 --epochs 2"
    assert f"test accuracy {card['test_accuracy']:.2%}" in capsys.readouterr().out
    assert card["versions"]["torch"] == torch.__version__
    with (folder / "log.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def test_the_file_is_the_network(tmp_path, capsys):
    """The circuit is read without torch; the module comes back bit for bit; and both give the same classes."""
    finished = recipes.train(recipes.find("demo"), folder=tmp_path, progress=False)
    path = tmp_path / "demo.safetensors"
    trained = recipes.load(path)
    assert all(map(torch.equal, trained.model.state_dict().values(), finished.model.state_dict().values()))
    assert on.load(path) == trained.circuit == on.transfer.to_circuit(finished.model.rnn)
    assert run("evaluate", path) == 0
    assert f"demo: test accuracy {finished.card.test_accuracy:.2%}" in capsys.readouterr().out
    digits = finished.recipe.data()
    result = on.transfer.agreement(trained.model, trained.circuit, digits.x_test, device="runtime")
    assert result.count == 40
    assert result.difference < 1e-12
    assert np.mean(result.torch == digits.y_test) == finished.card.test_accuracy


def test_a_run_goes_on_where_it_was_stopped(tmp_path, monkeypatch, capsys):
    recipe, batches = recipes.find("demo"), 0

    def stop(model, x, y):
        nonlocal batches
        batches += 1
        if batches > 12:  # 8 batches an epoch
            raise KeyboardInterrupt
        return recipe.loss(model, x, y)

    whole = recipes.train(recipe, folder=tmp_path / "whole", progress=False)
    monkeypatch.setitem(settings.RECIPES, "demo", replace(recipe, loss=stop))
    assert run("train", "demo", "--output", tmp_path / "parts") == 130
    assert "interrupted; " in (said := capsys.readouterr().err)
    assert "demo.pt holds every epoch that was finished; resume to go on from there" in said
    assert not (tmp_path / "parts" / "card.json").exists()
    monkeypatch.setitem(settings.RECIPES, "demo", recipe)
    assert run("train", "demo", "--output", tmp_path / "parts") == 0
    card = recipes.Card.load(tmp_path / "parts" / "card.json")
    assert replace(card, seconds=0.0) == replace(whole.card, seconds=0.0)
    assert (tmp_path / "parts" / "demo.safetensors").read_bytes() == (
        tmp_path / "whole" / "demo.safetensors"
    ).read_bytes()


def test_a_folder_is_of_one_recipe(tmp_path, capsys):
    recipes.train(recipes.find("demo"), folder=tmp_path, progress=False, epochs=1)
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for missing in ("nothing", "demo.pt", "card.json"):
        path = tmp_path / missing
        path.unlink(missing_ok=True)
        assert run("train", "rows-lstm", "--output", tmp_path) == 2
        assert "holds a run of demo; give another one for the run of rows-lstm" in capsys.readouterr().err
        if path in kept:
            path.write_bytes(kept[path])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == kept


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--seed", -1, "seed must be an integer, 0 or larger, got -1"),
        ("--epochs", 0, "epochs must be a positive integer, got 0"),
        ("--threads", 0, "--threads must be from 1 to"),
        ("--threads", 100000, "the processors of this machine, got 100000"),
        ("--mnist", "nowhere", "give mnist(root=...), or the option --mnist of the command organics, a folder"),
    ],
)
def test_a_run_that_cannot_start_leaves_no_folder(tmp_path, monkeypatch, capsys, option, value, words):
    monkeypatch.setattr(datasets, "mnist", MNIST)
    assert run("train", "demo", option, value) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_digits_from_another_folder(tmp_path, monkeypatch):
    """Every command that reads them takes the folder."""
    digits, roots = datasets.mnist(), []
    monkeypatch.setattr(datasets, "mnist", lambda root: roots.append(root) or digits)
    monkeypatch.setattr(results, "agreement", partial(on.transfer.agreement, device="runtime"))  # nothing to compile
    path = tmp_path / "run" / "demo.safetensors"
    for command in [
        ("train", "demo", "--output", path.parent),
        ("tune", "demo", "--lr", 0.01),
        ("evaluate", path),
        ("transfer", path),
    ]:
        assert run(*command, "--mnist", "elsewhere") == 0
    assert roots == ["elsewhere"] * 4


def test_a_file_in_the_place_of_a_folder(tmp_path, monkeypatch, capsys):
    recipes.train(recipes.find("demo"), folder=tmp_path / "run", progress=False, epochs=1)
    for name in ("file", "runs"):
        (tmp_path / name).touch()
    for command in [
        ("train", "demo", "--output", "file"),
        ("train", "demo", "--output", "file/run"),
        ("tune", "demo", "--lr", 0.01),
        ("publish", tmp_path / "run", "--data", "file"),
    ]:
        assert run(*command) == 2
        assert " cannot be created (" in (said := capsys.readouterr().err)
        assert "Errno" not in said


def test_a_changed_card_is_refused(tmp_path):
    """One bit in each byte; harmless is white space. Cards of older versions have no checksum."""
    path, versions = tmp_path / "card.json", {"torch": "2"}
    card = recipes.Card("demo", "rows", "MLP 1", 3, 0, 1, 0.5, 0.25, 1.5, "organics", "2026-01-01", versions)
    card.save(path)
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 7
        path.write_bytes(damaged)
        with suppress(FileFormatError), warnings.catch_warnings():
            warnings.simplefilter("error")
            assert recipes.Card.load(path) == card, f"byte {at}"
    content = json.loads(data)
    del content["sha256"]
    path.write_text(json.dumps(content))
    with pytest.warns(UncheckedFileWarning, match="card.json has no checksum"):
        assert recipes.Card.load(path) == card
