"""Settings are compared on the validation data alone, and each has its line."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro import datasets, recipes  # noqa: E402  needs torch
from organics_neuro.nn import ORGaNICs  # noqa: E402
from organics_neuro.recipes import results, settings  # noqa: E402
from tests.recipes.small import other_loss, run, tiny  # noqa: E402

pytestmark = pytest.mark.usefixtures("small_recipes")


def test_tune_keeps_what_the_validation_data_say(tmp_path, monkeypatch, capsys):
    """One line for each setting; the test data are never looked at."""
    digits = datasets.mnist()
    monkeypatch.setattr(datasets, "mnist", lambda root=None: digits._replace(x_test=np.zeros(0), y_test=None))
    for lrs in [(0.01, 0.02), (0.02,)]:
        assert run("tune", "demo", "--lr", *lrs, "--data", tmp_path) == 0
    assert "lr 0.02: validation accuracy" in capsys.readouterr().out
    rows = results.read_rows(tmp_path / "results" / "tuning.csv")
    assert [row["lr"] for row in rows] == ["0.01", "0.02"]
    monkeypatch.setattr(datasets, "mnist", lambda root=None: digits)
    trained = recipes.train(replace(recipes.find("demo"), lr=0.02), folder=tmp_path, progress=False)
    assert rows[1]["validation_accuracy"] == f"{trained.card.validation_accuracy:.4f}"
    assert rows[1]["options"] == ""


def test_tune_goes_on_where_it_was_interrupted(tmp_path, monkeypatch, capsys):
    """Epochs that were finished, and learning rates, are not tried again; the lines are those of a run that went through."""
    fit = recipes.tuning.training.fit
    looked = []

    def interrupt(model, history):
        looked.append(len(history))
        if len(looked) == 3:  # in the first epoch of the second learning rate
            raise KeyboardInterrupt

    monkeypatch.setattr(recipes.tuning.training, "fit", lambda *a, **k: fit(*a, **k, callback=interrupt))
    tune = partial(run, "tune", "demo", "--lr", 0.01, 0.02, "--epochs", 2)
    assert tune("--data", tmp_path / "once") == 130
    assert "demo-lr0.02-epochs2.pt holds every epoch that was finished" in capsys.readouterr().err
    assert tune("--data", tmp_path / "once") == 0
    assert looked == [1, 2, 1, 2]
    assert tune("--data", tmp_path / "anew", "--no-resume") == 0
    assert looked == [1, 2, 1, 2, 1, 2, 1, 2]
    once, anew = (results.read_rows(tmp_path / name / "results" / "tuning.csv") for name in ("once", "anew"))
    assert [row | {"seconds": ""} for row in once] == [row | {"seconds": ""} for row in anew]
    assert run("tune", "demo", "--lr", 0.01, "--epochs", 0) == 2
    assert "epochs must be" in capsys.readouterr().err


def test_settings_of_other_networks_and_losses_are_kept_apart(tmp_path):
    """As they are for the recipe, they are not mentioned."""
    demo = replace(recipes.find("demo"), epochs=1)
    for recipe in [
        demo,
        replace(demo, build=partial(tiny, ORGaNICs, 5)),
        replace(demo, build=partial(tiny, torch.nn.LSTM)),
        replace(demo, loss=other_loss),
        replace(demo, name="mine"),
    ]:
        recipes.tune(recipe, tmp_path, progress=False)
    rows = results.read_rows(tmp_path / "results" / "tuning.csv")
    assert [row["options"] for row in rows] == [
        "",
        "build=tiny(ORGaNICs,5)",
        "build=tiny(LSTM)",
        "loss=other_loss",
        "build=tiny(ORGaNICs) loss=cross_entropy",
    ]


def test_tune_goes_on_after_a_rate_that_diverges(tmp_path, capsys):
    assert run("tune", "demo", "--lr", 1e38, 0.01, "--data", tmp_path) == 0
    assert "lr 1e+38: the loss is no longer finite in epoch 1; try a smaller lr" in capsys.readouterr().out
    rows = results.read_rows(tmp_path / "results" / "tuning.csv")
    assert [row["lr"] for row in rows] == ["1e+38", "0.01"]
    assert rows[0]["validation_accuracy"] == "nan"
    assert float(rows[1]["validation_accuracy"]) >= 0


def test_tune_takes_every_network(monkeypatch, tmp_path):
    """The network of a recipe is made by any callable, with options or without."""
    monkeypatch.setitem(settings.RECIPES, "demo", replace(recipes.find("demo"), build=lambda: tiny(ORGaNICs)))
    assert run("tune", "demo", "--lr", 0.01, "--data", tmp_path) == 0
    (row,) = results.read_rows(tmp_path / "results" / "tuning.csv")
    assert row["options"] == ""
