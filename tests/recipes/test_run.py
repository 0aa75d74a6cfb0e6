"""A run writes what it found, goes on after an interruption, and its result is kept once."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from filelock import FileLock  # noqa: E402  comes with torch

import organics_neuro as on  # noqa: E402
from organics_neuro import cli, datasets, recipes  # noqa: E402  needs torch
from organics_neuro.core import files  # noqa: E402
from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from organics_neuro.recipes import results, settings  # noqa: E402

MNIST = datasets.mnist


def tiny(rnn, hidden_size=6):
    return SequenceClassifier(rnn(28, hidden_size, batch_first=True), 10)


def other_loss(model, x, y):
    return 2 * torch.nn.functional.cross_entropy(model(x), y)


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    """Two small recipes, and 240 digits of three shapes, which are easy to tell apart."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 240)
    images = (rng.random((240, 28, 28)) * 0.1).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        image[8 * label + 2 : 8 * label + 10] += 0.9
    digits = datasets.Digits(images[:200], labels[:200], images[200:], labels[200:])
    monkeypatch.setattr(datasets, "mnist", lambda root=None: digits)
    demo = replace(recipes.RECIPES["demo"], build=partial(tiny, ORGaNICs), epochs=2, batch_size=25)
    lstm = replace(recipes.RECIPES["rows-lstm"], build=partial(tiny, torch.nn.LSTM), epochs=2, batch_size=25)
    monkeypatch.setitem(settings.RECIPES, "demo", demo)
    monkeypatch.setitem(settings.RECIPES, "rows-lstm", lstm)
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return cli.main([str(a) for a in arguments])


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
        ("--seed", -1, "seed must be a whole number, 0 or larger, got -1"),
        ("--epochs", 0, "epochs must be a positive whole number, got 0"),
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
    (folder / "card.json").write_text(json.dumps(card | change))
    if not change:
        (folder / "demo.safetensors").write_bytes(b"xx")
    assert run("publish", folder, "--data", data) == 2
    assert words in capsys.readouterr().err
    assert not data.exists()


def test_lines_that_are_written_at_the_same_time_are_all_kept(tmp_path, monkeypatch):
    path = tmp_path / "lines.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: results.add_row(path, {"k": k}, ["k"]), range(24)))
    assert {row["k"] for row in results.read_rows(path)} == set(map(str, range(24)))
    monkeypatch.setattr(results, "_PATIENCE", 0)
    with (
        FileLock(tmp_path / ".lines.csv.lock"),
        pytest.raises(TimeoutError, match=r"another process is writing .*lines\.csv; try again when it has finished"),
    ):
        results.add_row(path, {"k": 0}, ["k"])
    results.add_row(path, {"k": 0}, ["k"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test_accuracy": "foo"}, "test_accuracy must be a finite number, got 'foo'"),
        ({"test_accuracy": "nan"}, "test_accuracy must be a finite number, got 'nan'"),
        ({"parameters": "1.5"}, "parameters must be a whole number, got '1.5'"),
        ({"epochs": "9" * 400}, "epochs must be a whole number, got '999"),
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


def test_networks_that_are_not_one_circuit(tmp_path, monkeypatch, capsys):
    """They come back bit for bit; steady-state layers run in Brian2 as circuits, a baseline cannot."""
    build = partial(settings._normalization, 784, 8, 6, recurrence="learned")
    static = replace(recipes.RECIPES["static-120-60"], build=build, epochs=1, batch_size=25)
    monkeypatch.setitem(settings.RECIPES, "static-120-60", static)
    runtime = partial(on.transfer.steady_agreement, duration=0.1, device="runtime")  # nothing to compile
    monkeypatch.setattr(results, "steady_agreement", runtime)
    for name in ("static-120-60", "rows-lstm"):
        finished = recipes.train(recipes.find(name), folder=tmp_path / name, progress=False)
        trained = recipes.load(tmp_path / name / f"{name}.safetensors")
        assert trained.circuit is None
        assert all(map(torch.equal, trained.model.state_dict().values(), finished.model.state_dict().values()))
    with pytest.raises(recipes.weights.FileFormatError, match="holds a network, not a circuit"):
        on.load(tmp_path / "static-120-60" / "static-120-60.safetensors")
    assert run("transfer", tmp_path / "static-120-60" / "static-120-60.safetensors", "--data", tmp_path / "data") == 0
    assert "the same class for 40 of 40 samples, states within" in capsys.readouterr().out
    assert run("transfer", tmp_path / "rows-lstm" / "rows-lstm.safetensors") == 2
    assert "has no steady-state layers, and is not a circuit" in capsys.readouterr().err


def test_tune_keeps_what_the_validation_data_say(tmp_path, monkeypatch, capsys):
    """One line for each setting; the test data are never looked at."""
    digits = datasets.mnist()
    monkeypatch.setattr(datasets, "mnist", lambda root=None: digits._replace(x_test=np.zeros(0), y_test=None))
    for lrs in [(0.01, 0.02), (0.02,)]:
        assert run("tune", "demo", "--lr", *lrs, "--data", tmp_path) == 0
    assert "lr 0.02: validation accuracy" in capsys.readouterr().out
    rows = results.read_rows(tmp_path / "results" / "trials.csv")
    assert [row["lr"] for row in rows] == ["0.01", "0.02"]
    monkeypatch.setattr(datasets, "mnist", lambda root=None: digits)
    trained = recipes.train(replace(recipes.find("demo"), lr=0.02), folder=tmp_path, progress=False)
    assert rows[1]["validation_accuracy"] == f"{trained.card.validation_accuracy:.4f}"
    assert rows[1]["options"] == ""


def test_tune_goes_on_where_it_was_interrupted(tmp_path, monkeypatch, capsys):
    """Epochs that were finished, and learning rates, are not tried again; the lines are those of a run that went through."""
    fit = recipes.trials.training.fit
    looked = []

    def interrupt(model, history):
        looked.append(len(history))
        if len(looked) == 3:  # in the first epoch of the second learning rate
            raise KeyboardInterrupt

    monkeypatch.setattr(recipes.trials.training, "fit", lambda *a, **k: fit(*a, **k, callback=interrupt))
    tune = partial(run, "tune", "demo", "--lr", 0.01, 0.02, "--epochs", 2)
    assert tune("--data", tmp_path / "once") == 130
    assert "demo-lr0.02-epochs2.pt holds every epoch that was finished" in capsys.readouterr().err
    assert tune("--data", tmp_path / "once") == 0
    assert looked == [1, 2, 1, 2]
    assert tune("--data", tmp_path / "anew", "--no-resume") == 0
    assert looked == [1, 2, 1, 2, 1, 2, 1, 2]
    once, anew = (results.read_rows(tmp_path / name / "results" / "trials.csv") for name in ("once", "anew"))
    assert [row | {"seconds": ""} for row in once] == [row | {"seconds": ""} for row in anew]
    assert run("tune", "demo", "--lr", 0.01, "--epochs", 0) == 2
    assert "epochs must be" in capsys.readouterr().err


def test_trials_of_other_networks_and_losses_are_kept_apart(tmp_path):
    """As they are for the recipe, they are not mentioned."""
    demo = replace(recipes.find("demo"), epochs=1)
    for recipe in [
        demo,
        replace(demo, build=partial(tiny, ORGaNICs, 5)),
        replace(demo, build=partial(tiny, torch.nn.LSTM)),
        replace(demo, loss=other_loss),
        replace(demo, name="mine"),
    ]:
        recipes.trial(recipe, tmp_path, progress=False)
    rows = results.read_rows(tmp_path / "results" / "trials.csv")
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
    rows = results.read_rows(tmp_path / "results" / "trials.csv")
    assert [row["lr"] for row in rows] == ["1e+38", "0.01"]
    assert rows[0]["validation_accuracy"] == "nan"
    assert float(rows[1]["validation_accuracy"]) >= 0


def test_tune_takes_every_network(monkeypatch, tmp_path):
    """The network of a recipe is made by any callable, with options or without."""
    monkeypatch.setitem(settings.RECIPES, "demo", replace(recipes.find("demo"), build=lambda: tiny(ORGaNICs)))
    assert run("tune", "demo", "--lr", 0.01, "--data", tmp_path) == 0
    (row,) = results.read_rows(tmp_path / "results" / "trials.csv")
    assert row["options"] == ""


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
    arrays, about = files.load(path, "circuit")
    arrays = {name: array.copy() for name, array in arrays.items()}
    harm(arrays, about)
    files.save(path, arrays, kind="circuit", metadata=about)
    with pytest.raises(on.errors.FileFormatError, match=words):
        recipes.load(path)


def test_a_missing_compiler_is_one_sentence(tmp_path, monkeypatch, capsys):
    recipes.train(recipes.find("demo"), folder=tmp_path, progress=False, epochs=1)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert run("transfer", tmp_path / "demo.safetensors", "--data", tmp_path / "data") == 2
    said = capsys.readouterr().err
    assert said.startswith("organics transfer: the device 'cpp' needs a C++ compiler, but 'no-such-compiler'")
    assert said.count("\n") == 1
