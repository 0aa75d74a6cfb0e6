"""Circuits and models by their content: key, hash, pickle, deepcopy, plain data."""

import copy
import json
import pickle
import subprocess
import sys
from dataclasses import dataclass, field, fields

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.plain import digest, from_plain, to_plain
from tests.circuits import make_gated, make_main
from tests.parity.circuits import CIRCUITS


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_circuit_survives_pickle_and_copies(name):
    circuit = CIRCUITS[name]()
    back = pickle.loads(pickle.dumps(circuit))
    assert back == circuit
    assert back.key == circuit.key == copy.deepcopy(circuit).key
    assert len({circuit, back, copy.copy(circuit)}) == 1
    assert back.dynamics.states == circuit.dynamics.states


@pytest.mark.parametrize("model", on.MODELS.values(), ids=lambda m: m.name)
def test_a_model_survives_pickle_and_plain_data(model):
    for back in (pickle.loads(pickle.dumps(model)), on.CircuitModel.from_dict(json.loads(json.dumps(model.to_dict())))):
        assert back == model
        assert back.key == model.key
        assert hash(back) == hash(model)
        assert {f.name: getattr(back, f.name) for f in fields(back)} == {
            f.name: getattr(model, f.name) for f in fields(model)
        }


def test_the_key_is_that_of_the_values():
    matrix = np.random.default_rng(0).normal(size=(4, 4))
    keys = {
        on.Circuit("two_type", {"W_r": given}).key
        for given in (
            matrix,
            np.asfortranarray(matrix),
            matrix.astype(">f8"),
            np.repeat(matrix, 2, axis=1)[:, ::2],
            on.Dense(matrix),
        )
    }
    assert len(keys) == 1
    others = {
        on.Circuit("two_type", {"W_r": matrix}, sigma=0.2).key,
        on.Circuit("two_type_rectified", {"W_r": matrix}).key,
        on.Circuit("two_type", {"W_r": matrix}, initial={"y": 0.1}).key,
        on.Circuit("two_type", {"W_r": matrix + 1e-12}).key,
        on.Circuit("two_type", {"W_r": matrix, "W": np.ones((4, 4))}).key,  # another structure
    }
    assert len(others | keys) == 6
    assert digest({"a": np.array([0.0])}, 1) == digest({"a": np.array([-0.0])}, 1)


def test_the_key_is_the_same_in_another_process(tmp_path):
    circuit = make_gated()
    circuit.save(tmp_path / "c.safetensors")
    text = f"import organics_neuro as on; print(on.load({str(tmp_path / 'c.safetensors')!r}).key)"
    assert subprocess.check_output([sys.executable, "-c", text], text=True).strip() == circuit.key


def test_parts_and_couplings_are_in_the_key():
    parts = {"a": make_main(n=3), "b": make_main(n=3, seed=1)}
    keys = {
        on.join(parts, [on.Coupling("b.z", np.eye(3), source, nonnegative=sign)]).key
        for source in ("a: y", "a: y**2")
        for sign in (False, True)
    }
    assert len(keys) == 4


@dataclass(frozen=True)
class Future:
    """What a field of tomorrow may hold."""

    name: str
    delay: float = 0.0
    signs: tuple[int, ...] = ()
    parts: dict[str, on.Output] = field(default_factory=dict)
    last: on.Coupling | None = None


def test_fields_need_no_code_of_their_own():
    import brian2 as b2

    value = Future("f", 5e-3, (1, -1), {"r": on.Output("W", "y")}, on.Coupling("c", "W", "y", sign=-1))
    assert from_plain(Future, json.loads(json.dumps(to_plain(value)))) == value
    assert to_plain(Future("f", delay=5 * b2.ms))["delay"] == pytest.approx(5e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"equations": 3}, "CircuitModel, equations must be text, got int"),
        ({"couplings": {}}, "couplings must be a list, got dict"),
        ({"couplings": [3]}, "couplings must be a Coupling, got int"),
        ({"couplings": [{"target": "c", "weights": "W", "odd": 1}]}, "unknown field 'odd'"),
        ({"couplings": [{"weights": "W"}]}, "the field 'target' is missing"),
        ({"couplings": [{"target": "c", "nonnegative": 1}]}, "nonnegative must be true or false, got int"),
        ({"initial": {"y": 3}}, "initial 'y' must be text, got int"),
        ({"initial": [3]}, "initial must be a dictionary by name, got list"),
        ({"outputs": {"o": [3]}}, "outputs 'o' must be text"),
        ({"closed_form": 3}, "closed_form must be ClosedForm or NoneType, got int"),
        ({"rates": {}}, "unknown field 'rates'"),
    ],
)
def test_plain_data_is_checked(change, message):
    data = {**on.MODELS["two_type"].to_dict(), **change}
    with pytest.raises(ValueError, match=message):
        on.CircuitModel.from_dict(data)


def test_a_file_with_hostile_text_is_refused_in_a_sentence(tmp_path):
    circuit = make_main()
    arrays, metadata = circuit._record()
    from organics_neuro.core import files

    for text in ("4**(99999999999/2)", "+".join(["y"] * 3000), "-" * 100_000 + "y", "1e400"):
        model = {**metadata["model"], "initial": {"y": text}}
        files.save(tmp_path / "bad.safetensors", arrays, kind="circuit", metadata={**metadata, "model": model})
        with pytest.raises(FileFormatError, match="does not hold a valid circuit: .*too large"):
            on.load(tmp_path / "bad.safetensors")


def test_deep_files_are_refused(tmp_path):
    from safetensors.numpy import save_file

    from organics_neuro.core import files

    nested = current = {}
    for _ in range(200):
        current["parts"], current["couplings"] = {"a": {}}, []
        current = current["parts"]["a"]
    files.save(tmp_path / "deep.safetensors", {"x": np.zeros(1)}, kind="circuit", metadata=nested)
    for text in ("[" * 100_000, '{"kind": ' * 100_000, "[" * 100_000 + "]" * 100_000):
        save_file({"x": np.zeros(1)}, tmp_path / "deeper.safetensors", metadata={files._KEY: text})
        with pytest.raises(FileFormatError):
            on.load(tmp_path / "deeper.safetensors")
    with pytest.raises(FileFormatError):
        on.load(tmp_path / "deep.safetensors")
