"""Files of the package, cut and with changed bits: refused, or read as what was written."""

import gzip
import json
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np

import organics_neuro as on
from organics_neuro.core import files
from organics_neuro.core.errors import UncheckedFileWarning
from tests.fuzz.areas.circuits import draw_circuit
from tests.fuzz.outcomes import UndetectedError, WrongError

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz_"))


def _model():
    import torch

    from organics_neuro.nn import ORGaNICs, SequenceClassifier

    torch.manual_seed(0)
    return SequenceClassifier(ORGaNICs(2, 3, batch_first=True), 2)


def _network(path):
    from organics_neuro import recipes

    trained = recipes.load(path)
    return {name: value.numpy().tobytes() for name, value in trained.model.state_dict().items()}, trained.circuit


def _checkpoint(path):
    from organics_neuro.training import checkpoints

    content = checkpoints.load(path, {"epochs": 1}, _model())
    plain = {name: {k: v.numpy().tobytes() for k, v in content[name].items()} for name in ("model", "best")}
    return plain, content["history"], repr(content["settings"]), repr(content["optimizer"])


def _imported(path):
    found = on.transfer.import_checkpoint(path, cell="gated", max_step_y=0.02, max_step_a=0.02, max_step_b=0.02)
    return {name: part.key for name, part in found.parts.items()}, sorted(found.unmapped)


def _dataset(path):
    dataset = on.experiments.load(path)
    return dataset.to_dict(), {name: v.values.tobytes() for name, v in dataset.variables.items() if v.dtype.kind == "f"}


def _card(path):
    from organics_neuro.recipes import Card

    return Card.load(path)


def _rows(path):
    from organics_neuro.recipes.rows import read_rows

    names = ("task", "model", "seed", "test_accuracy")  # a renamed column of checksums is no other content
    return [{name: row[name] for name in names} for row in read_rows(path, dict.fromkeys(names, str))]


@cache
def kinds():
    """By kind of file: a whole one, and what reads it."""
    import torch

    from organics_neuro import recipes, training
    from organics_neuro.recipes import Card, weights
    from organics_neuro.recipes.rows import write_rows

    eye, made = np.eye(4), {}

    def add(name, path, read):
        made[name] = (path, read)

    sparse = on.Circuit("two_type", {"W_r": on.Sparse(eye), "W": on.Sparse(eye) + on.AllToAll(4)})
    pair = on.join({"e": sparse, "i": on.ring(n=9)}, [on.Coupling("e.z", np.ones((4, 9)), "i: y**2", delay=1e-3)])
    for name, circuit in {"sparse circuit": sparse, "joined circuit": pair, "ring": on.ring(n=9)}.items():
        circuit.save(FOLDER / f"{name}.safetensors", extra={"readout": eye})
        add(name, FOLDER / f"{name}.safetensors", lambda path: on.load(path).key)
    dataset = on.experiments.contrast_response(on.ring(n=9), [0.1, 1], engine="theory")
    on.experiments.save(dataset, FOLDER / "dataset.nc")
    add("dataset", FOLDER / "dataset.nc", _dataset)
    row = {"task": "rows", "model": "a, b", "seed": "0", "test_accuracy": "0.5"}
    write_rows(FOLDER / "rows.csv", [row, {**row, "seed": "1"}])
    add("table", FOLDER / "rows.csv", _rows)
    Card("demo", "rows", "M", 3, 0, 1, 0.5, 0.25, 1.5, "organics", "2026-01-01", {"torch": "2"}).save(
        FOLDER / "card.json"
    )
    add("card", FOLDER / "card.json", _card)
    x, y = np.random.default_rng(0).normal(size=(8, 4, 2)).astype("f4"), np.array([0, 1] * 4)
    training.fit(_model(), x, y, epochs=1, lr=0.01, validation=0.25, progress=False, checkpoint=FOLDER / "run.pt")
    add("checkpoint", FOLDER / "run.pt", _checkpoint)
    recipe = recipes.find("static-80")
    weights.save(FOLDER / "network.safetensors", recipe, recipe.model(0))
    add("network", FOLDER / "network.safetensors", _network)
    cell = {
        f"org.{name}": torch.randn(3, 3)
        for name in ("Wr", "Wby0", "Wba0", "Wby1", "Wba1", "Wzx", "Wbx0", "Wbx1", "log_Way")
    }
    cell |= {
        f"org.{name}": torch.randn(3)
        for name in ("param_dt_tauy", "param_dt_taua", "param_dt_taub0", "param_dt_taub1", "sigma")
    }
    cell |= {f"org.{name}": torch.rand(3) for name in ("y0", "a0", "b00", "b10")}
    torch.save(cell, FOLDER / "authors.pt")
    add("authors' checkpoint", FOLDER / "authors.pt", _imported)
    images = bytes([0, 0, 8, 1]) + (16).to_bytes(4, "big") + bytes(range(16))
    (FOLDER / "labels.gz").write_bytes(gzip.compress(images, mtime=0))
    add("digits", FOLDER / "labels.gz", lambda path: on.datasets._read_idx(path, 1).tobytes())
    return made


@cache
def _whole(kind):
    path, read = kinds()[kind]
    return path.read_bytes(), read(path)


def _damaged(random, data):
    """A file with a bit flipped, cut off, with zeros in it, or with a part of it twice."""
    at, length = random.randrange(len(data)), random.randint(1, 64)
    kind = random.randrange(8)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + bytes(length) + data[at + length :]
    if kind == 2:
        return data[:at] + data[max(0, at - length) :]
    if random.random() < 0.5:  # where what says what the rest is stands
        at = random.randrange(min(len(data), 2000))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _damage(random):
    kind = random.choice(list(kinds()))
    path, read = kinds()[kind]
    data, expected = _whole(kind)
    damaged = _damaged(random, data)
    other = FOLDER / f"damaged{path.suffix}"
    other.write_bytes(damaged)
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        found = read(other)
    if found != expected:
        said = any(issubclass(warning.category, UncheckedFileWarning) for warning in noted)
        raise UndetectedError(f"{kind}: a damaged file was read as another one{', with a warning' * said}")


def _craft(random):
    """A circuit whose checksum fits, but whose content was changed before it was written."""
    path = kinds()[random.choice(["sparse circuit", "joined circuit", "ring"])][0]
    content = files.load(path, "circuit")
    arrays, metadata = dict(content.arrays), json.loads(json.dumps(content.metadata))
    for _ in range(random.randint(1, 3)):
        name, change = random.choice(sorted(arrays)), random.randrange(6)
        array = np.array(arrays[name])
        if change == 0 and array.size:
            array.flat[random.randrange(array.size)] = np.array(random.choice([-1, 99, 2**31 - 1, 0, 1])).astype(
                array.dtype
            )
        elif change == 1 and array.size and array.dtype.kind == "f":
            value = np.array(random.choice([np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-320]))
            array.flat[random.randrange(array.size)] = value.astype(array.dtype)
        elif change == 2:
            array = array.reshape(-1)[: random.randint(0, array.size)]
        elif change == 3:
            array = array.astype(random.choice(["i1", "f4", "f2", "u8", "?", "i8"]))
        elif change == 4:
            del arrays[name]
            continue
        else:
            _spoil(random, metadata)
        arrays[name] = array
    files.save(FOLDER / "crafted.safetensors", arrays, "circuit", metadata)
    circuit = on.load(FOLDER / "crafted.safetensors")
    trace = on.simulate(circuit, None, 2e-3, on.engines.Reference(dt=1e-4, progress=False))
    if not all(np.isfinite(value).all() for value in trace.values()):
        raise WrongError("a crafted circuit gives NaN in silence")


def _spoil(random, data):
    """Another value somewhere in what JSON holds."""
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    if not keys:
        return
    key = random.choice(keys)
    if isinstance(data[key], (dict, list)) and random.random() < 0.8:
        _spoil(random, data[key])
    else:
        data[key] = random.choice(
            [
                None,
                -1,
                0,
                3,
                10**9,
                10**30,
                1e308,
                "",
                "y",
                "é",
                "y" * 5000,
                [],
                {},
                [[[]]],
                {"y": None},
                True,
                "1/0",
                "-" * 9000,
            ]
        )


def _save_and_load(random):
    circuit = draw_circuit(random)
    circuit.save(FOLDER / "drawn.safetensors")
    if on.load(FOLDER / "drawn.safetensors") != circuit:
        raise WrongError(f"{circuit!r} is another one when it was saved and loaded")


def attempt(random):
    random.choices([_damage, _craft, _save_and_load], [8, 3, 1])[0](random)
