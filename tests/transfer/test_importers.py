"""Checkpoints of the authors' public code: what is read of a file, and what is refused."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from organics_neuro.core.errors import FileFormatError  # noqa: E402
from organics_neuro.transfer import import_checkpoint  # noqa: E402
from tests.transfer.public_code import (  # noqa: E402
    GATED,
    MAX_STEPS,
    Classifier,
    N,
    Recurrent,
    Static,
    changed,
    convolutional,
    save,
    sigmoid,
)


def test_what_is_not_said_is_found_or_assumed(tmp_path):
    found = import_checkpoint(save(tmp_path, Classifier().state_dict()), "gated")
    assert found.parts["org"].model.name == "gated"
    assert "not mapped: fc.weight (2, 5), fc.bias (2,)" in str(found)
    assert "assumed max_step_y=0.01, max_step_a=0.01, max_step_b=0.1" in str(found)
    assert "entries of the pool above 1 were set to 1" in str(found)
    kept = {"state_dict": Classifier(True).state_dict(), "hyper_parameters": {"kwargs_dict": {"dt_tau_max_y": 0.02}}}
    found = import_checkpoint(save(tmp_path, kept), max_step_a=0.005)
    assert found.parts["org"].model.name == "gated_released"
    assert "taken for the cell 'gated_released', by the spectral norm of its recurrence and B0_const" in str(found)
    assert [note for note in found.notes if "assumed" in note][0].endswith("assumed max_step_b=0.1")
    h = 0.02 * sigmoid(kept["state_dict"]["org.param_dt_tauy"].numpy())
    np.testing.assert_allclose(found.parts["org"].parameters["tau_y"], 1e-3 / h)


def test_cell_alone_has_no_initial_state(tmp_path):
    found = import_checkpoint(save(tmp_path, Recurrent(False).state_dict()), **GATED)
    assert not found.parts[""].initial["y"].any()
    assert "does not hold the initial state y0, a0, b00, b10; it is that of the model" in str(found)
    state = Classifier().state_dict()
    del state["a0"]
    assert "does not hold the initial state a0; it is that of the model" in str(
        import_checkpoint(save(tmp_path, state), "gated")
    )


class Custom:
    pass


def with_hyper_parameters(value):
    return {"state_dict": changed(), "hyper_parameters": value}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Custom(), "holds more than tensors and plain values, which could run code when read; save it again"),
        ([1, 2], "holds a list, not a checkpoint or a state dict"),
        ({"state_dict": 3}, "holds no state dict"),
        ({"epoch": 3}, "holds no state dict"),
        ({0: torch.zeros(2)}, "holds no state dict"),
        (
            {**Static(4, 6, False).state_dict(), "b0": torch.zeros(6), "sigma": torch.tensor(3.0)},
            "sigma sigmoid.b0. of log_Way must lie between 0 and 1, but reaches from 1.5 to 1.5",
        ),
        (nn.Linear(2, 3).state_dict(), "unknown layout: it holds weight, bias, ..., but neither a recurrent cell"),
        ({}, "unknown layout: it holds nothing"),
        (changed(**{"org.Wby0": torch.ones(N, 4)}), r"org.Wby0 has shape \(5, 4\), but must have \(5, 5\)"),
        (changed(**{"org.Wzx.weight": torch.ones(N)}), r"org.Wzx.weight has shape \(5,\), but must have \(5, inputs\)"),
        (changed(**{"org.log_Way": torch.ones(N, 4)}), r"org.log_Way has shape \(5, 4\), but must have \(5, 5\)"),
        (changed(y0=torch.ones(N + 1)), r"y0 has shape \(6,\), but must have \(5\)"),
        (changed(**{"org.Wba1": torch.full((N, N), torch.nan)}), "org.Wba1 holds NaN or infinity"),
        ({k: v for k, v in changed().items() if k != "org.Wba1"}, "has no org.Wba1, which belongs to org.log_Way"),
        (
            changed(**{"org.Wby0": torch.eye(N).to_sparse()}),
            "org.Wby0 must hold plain real numbers, but is torch.float",
        ),
        (changed(**{"org.Wby0": torch.eye(N) * 1j}), "org.Wby0 must hold plain real numbers, but is torch.complex64"),
        (changed(**{"org.Wby0": torch.eye(N, device="meta")}), "org.Wby0 must hold plain real numbers, but is .* meta"),
        (changed(**{"org.sigma": -torch.ones(N)}), "parameter 'sigma' must be larger than 0"),
        (changed(**{"org.param_dt_tauy": torch.full((N,), -1e4)}), "parameter 'tau_y' must be finite"),
        (
            {**convolutional(), "b0": torch.rand(2, 3, 3)},
            "b0 of a convolutional layer differs from unit to unit, by up to 0..*, but layers have one b0 a channel",
        ),
        (
            {**convolutional(), "log_Way": -torch.rand(2, 9, 9)},
            "log_Way of a convolutional layer differs from unit to unit, .* but layers have one weight of the pool a ch",
        ),
        (
            {k: v for k, v in convolutional().items() if k != "attention_kernel"},
            "log_Way is of a convolutional layer without an attention kernel; layers have one",
        ),
    ],
)
def test_bad_files(tmp_path, content, message):
    with pytest.raises(FileFormatError, match=rf"model.ckpt.* {message}"):
        import_checkpoint(save(tmp_path, content), **GATED)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], "hyper_parameters must be a dictionary, got list; give max_step_y, max_step_a and max_step_b"),
        (3, "hyper_parameters must be a dictionary, got int"),
        ({"kwargs_dict": "fast"}, "kwargs_dict must be a dictionary, got str"),
        (
            {"dt_tau_max_y": "fast"},
            "dt_tau_max_y, which max_step_y overrides, must be above 0 and at most 1, got 'fast'",
        ),
        ({"kwargs_dict": {"dt_tau_max_a": 5}}, "dt_tau_max_a, which max_step_a overrides, must be above 0 .*, got 5"),
    ],
)
def test_bad_hyper_parameters(tmp_path, value, message):
    path = save(tmp_path, with_hyper_parameters(value))
    with pytest.raises(FileFormatError, match=rf"model.ckpt: {message}"):
        import_checkpoint(path, "gated")
    assert import_checkpoint(path, **GATED).parts.keys() == {"org"}  # the remedy


@pytest.mark.parametrize("name", MAX_STEPS)
@pytest.mark.parametrize("value", ["a", -1, 0, float("nan"), 5, True])
def test_bad_step_sizes(tmp_path, name, value):
    with pytest.raises(ValueError, match=f"{name} must be above 0 and at most 1, got {value!r}"):
        import_checkpoint(tmp_path / "not looked at.ckpt", **{name: value})


def test_changed_bits_are_noticed(tmp_path):
    """With any bit of a file changed, the circuit is the same, or there is an error."""
    path, rng = save(tmp_path, Recurrent(False).state_dict()), np.random.default_rng(0)
    expected, data = import_checkpoint(path, **GATED).parts[""], path.read_bytes()
    is_folder = data.rindex(b"model/data/0") - 8, 4  # in the list at the end of the archive
    for position, bit in [is_folder, *zip(rng.integers(len(data), size=100), rng.integers(8, size=100), strict=True)]:
        harmed = bytearray(data)
        harmed[position] ^= 1 << bit
        path.write_bytes(harmed)
        try:
            found = import_checkpoint(path, **GATED).parts[""]
        except FileFormatError as error:
            assert str(error).count("\n") == 0  # noqa: PT017  either is right
        else:
            assert found == expected


@pytest.mark.parametrize(
    "content", [changed(), dict(Classifier().named_parameters())], ids=["state dict", "parameters"]
)
def test_old_files_and_parameters_are_read(tmp_path, content):
    """Files of the format before archives, and tensors that have a gradient."""
    torch.save(content, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False)
    new = import_checkpoint(save(tmp_path, content), **GATED)
    assert import_checkpoint(tmp_path / "old.ckpt", **GATED).parts["org"] == new.parts["org"]


def test_bad_arguments(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        import_checkpoint(tmp_path / "missing.ckpt")
    (tmp_path / "text.ckpt").write_text("not a checkpoint")
    with pytest.raises(FileFormatError, match="text.ckpt is not a checkpoint"):
        import_checkpoint(tmp_path / "text.ckpt")
    with pytest.raises(
        ValueError, match="unknown cell 'old'; known: 'gated', 'gated_with_identity', 'gated_rectified', "
    ):
        import_checkpoint(tmp_path / "text.ckpt", "old")
