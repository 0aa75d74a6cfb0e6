"""Trained networks in files come back as they were, and changed files are refused."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import organics_neuro as on  # noqa: E402
from organics_neuro import recipes  # noqa: E402  needs torch
from organics_neuro.core import files  # noqa: E402
from organics_neuro.nn import CircuitLayer, ORGaNICs  # noqa: E402
from organics_neuro.recipes import networks, results, settings  # noqa: E402
from tests.recipes.small import run, tiny  # noqa: E402

pytestmark = pytest.mark.usefixtures("small_recipes")


def test_networks_that_are_not_one_circuit(tmp_path, monkeypatch, capsys):
    """They come back bit for bit; steady-state layers and an LSTM run in Brian2 as circuits, a perceptron cannot."""
    build = partial(networks.normalization, 784, 8, 6, recurrence="learned")
    static = replace(recipes.RECIPES["static-120-60"], build=build, epochs=1, batch_size=25)
    monkeypatch.setitem(settings.RECIPES, "static-120-60", static)
    runtime = partial(on.transfer.steady_agreement, duration=0.1, device="runtime")  # nothing to compile
    monkeypatch.setattr(results, "steady_agreement", runtime)
    for name in ("static-120-60", "rows-lstm", "static-mlp"):
        finished = recipes.train(recipes.find(name), folder=tmp_path / name, progress=False)
        trained = recipes.load(tmp_path / name / f"{name}.safetensors")
        assert trained.circuit is None
        assert all(map(torch.equal, trained.model.state_dict().values(), finished.model.state_dict().values()))
    with pytest.raises(recipes.weights.FileFormatError, match="holds a network, not a circuit"):
        on.load(tmp_path / "static-120-60" / "static-120-60.safetensors")
    assert run("transfer", tmp_path / "static-120-60" / "static-120-60.safetensors", "--data", tmp_path / "data") == 0
    assert "the same class for 40 of 40 samples, states within" in capsys.readouterr().out
    assert run("transfer", tmp_path / "static-mlp" / "static-mlp.safetensors") == 2
    assert "has no steady-state layers, and is not a circuit" in capsys.readouterr().err


def test_refused_files(tmp_path, monkeypatch, capsys):
    recipes.train(recipes.find("demo"), folder=tmp_path, progress=False, epochs=1)
    path = tmp_path / "demo.safetensors"

    def message(*arguments):
        assert run(*arguments) == 2
        return capsys.readouterr().err

    assert "demo.pt was made with epochs=1, not 2" in message("train", "demo", "--output", tmp_path)
    assert "is not a readable safetensors file" in message("evaluate", tmp_path / "demo.pt")
    on.ring(n=9).save(tmp_path / "ring.safetensors")
    assert "holds a circuit, but no trained network" in message("evaluate", tmp_path / "ring.safetensors")
    (tmp_path / "card.json").write_text('{"recipe": "demo"}')
    assert "card.json is not the card of a run" in message("publish", tmp_path)
    for build, words in [
        (partial(tiny, ORGaNICs, 7), "holds another network"),
        (partial(tiny, partial(ORGaNICs, max_step_y=0.4)), "was trained with other settings"),
    ]:
        monkeypatch.setitem(settings.RECIPES, "demo", replace(recipes.RECIPES["demo"], build=build))
        assert words in message("evaluate", path)
    monkeypatch.delitem(settings.RECIPES, "demo")
    assert f"{path} was trained by a recipe that is gone: unknown recipe 'demo'" in message("evaluate", path)
    with pytest.raises(on.errors.FileFormatError):
        recipes.load(path)


def poisoned(arrays, about):
    arrays["extra/readout.bias"][3] = np.nan


def imaginary(arrays, about):
    arrays["extra/readout.bias"] = arrays["extra/readout.bias"] * 1j


def elsewhere(arrays, about):
    arrays["initial/y"] *= 2


def renamed(arrays, about):
    about["model"]["name"] = "mine"


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (poisoned, "does not hold a valid network: array 'extra/readout.bias' must be finite, but holds nan"),
        (imaginary, "array 'extra/readout.bias' must be .* not a real number"),
        (elsewhere, "was trained with other settings than the recipe 'demo' has now"),
        (renamed, "was trained with other settings than the recipe 'demo' has now"),
        (lambda arrays, about: about.update(about=[]), "holds a circuit, but no trained network"),
        (lambda arrays, about: about.update(about="recipe"), "holds a circuit, but no trained network"),
        (lambda arrays, about: about.update(about={"recipe": ["demo"]}), "was trained by a recipe that is gone"),
    ],
)
def test_changed_networks_are_refused(tmp_path, harm, words):
    path, model = tmp_path / "demo.safetensors", recipes.find("demo").model()
    for _, initial in model.named_buffers():
        initial += 0.1
    recipes.weights.save(path, recipes.find("demo"), model)
    assert recipes.load(path).circuit == on.transfer.to_circuit(model.rnn)
    arrays, about, *_ = files.load(path, "circuit")
    arrays = {name: array.copy() for name, array in arrays.items()}
    harm(arrays, about)
    files.save(path, arrays, kind="circuit", metadata=about)
    with pytest.raises(on.errors.FileFormatError, match=words):
        recipes.load(path)


def test_a_network_of_an_older_version_is_written_again(tmp_path, monkeypatch):
    """Old declarations and another rounding: the numbers stay bit for bit, all else is as this version writes it."""
    path, model = tmp_path / "demo.safetensors", recipes.find("demo").model()
    recipes.weights.save(path, recipes.find("demo"), model)
    expected = files.load(path, "circuit")
    arrays = expected.arrays | {"weights/W_r/matrix": np.nextafter(expected.arrays["weights/W_r/matrix"], 1)}
    with monkeypatch.context() as older:
        older.setattr(files, "FORMAT_VERSION", 1)
        older.setattr(files, "checksum", lambda *_: None)
        metadata = expected.metadata | {"model": expected.metadata["model"] | {"name": "older"}}
        files.save(path, arrays, kind="circuit", metadata=metadata)
    assert files.load(path, "circuit").checksum is None
    numbers = recipes.weights.fingerprint(path)
    with pytest.raises(on.errors.FileFormatError, match="with other settings"):
        recipes.load(path)
    recipes.weights.resave(path)
    again = files.load(path, "circuit")
    assert again.metadata == expected.metadata
    assert again.checksum
    assert again.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
    assert recipes.weights.fingerprint(path) == numbers
    assert recipes.load(path).circuit.size == 6


def test_a_network_that_would_lose_numbers_is_not_written_again(tmp_path):
    path = tmp_path / "demo.safetensors"
    recipes.weights.save(path, recipes.find("demo"), recipes.find("demo").model())
    arrays, metadata, *_ = files.load(path, "circuit")
    files.save(path, arrays | {"more": np.arange(3.0)}, kind="circuit", metadata=metadata)
    before = path.read_bytes()
    with pytest.raises(on.errors.FileFormatError, match="demo.safetensors cannot be written again: 1 of its arrays"):
        recipes.weights.resave(path)
    assert path.read_bytes() == before


def test_any_declared_model_is_a_recipe(tmp_path, monkeypatch):
    """A layer says itself that it is a circuit: it is trained, kept, loaded and classified in Brian2 like ORGaNICs."""
    monkeypatch.setattr(results, "agreement", partial(on.transfer.agreement, device="runtime"))  # nothing to compile
    build = partial(tiny, partial(CircuitLayer, "two_type"))
    monkeypatch.setitem(settings.RECIPES, "demo", replace(recipes.find("demo"), build=build))
    recipes.train(recipes.find("demo"), folder=tmp_path, progress=False, epochs=1)
    path = tmp_path / "demo.safetensors"
    assert recipes.load(path).circuit.size == 6
    assert on.load(path) == recipes.load(path).circuit
    recipes.weights.resave(path)
    agreed = recipes.transfer(path, tmp_path / "data")
    assert agreed.count == 40
    assert agreed.difference < 1e-12
