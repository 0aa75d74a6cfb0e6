"""Checkpoints of the authors' public code: their names and shapes are made here, and their steps computed in NumPy."""

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils.parametrizations import spectral_norm  # noqa: E402

from organics_neuro.core.errors import FileFormatError  # noqa: E402
from organics_neuro.transfer import import_checkpoint  # noqa: E402
from tests.simulators import simulate_reference  # noqa: E402

N, INPUTS, STEPS, DT = 5, 3, 15, 1e-3
MAX_STEPS = {"max_step_y": 0.3, "max_step_a": 0.2, "max_step_b": 0.4}
GATED = {"cell": "gated", **MAX_STEPS}


class Weight(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(*shape, dtype=torch.float64))


class Recurrent(nn.Module):
    """What the recurrent cell registers."""

    def __init__(self, spectral):
        super().__init__()
        self.Wzx, self.Wr = Weight(N, INPUTS), Weight(N, N)
        if spectral:
            spectral_norm(self.Wr, "weight")
            self.B0_const = nn.Parameter(torch.ones(N))
        for k in (0, 1):
            for name, columns in (("Wbx", INPUTS), ("Wby", N), ("Wba", N)):
                setattr(self, f"{name}{k}", nn.Parameter(torch.randn(N, columns, dtype=torch.float64)))
        self.log_Way = nn.Parameter(torch.rand(N, N, dtype=torch.float64) - 0.8)
        self.sigma = nn.Parameter(torch.ones(N))
        for name in ("tauy", "taua", "taub0", "taub1"):
            setattr(self, f"param_dt_{name}", nn.Parameter(torch.randn(N, dtype=torch.float64)))


class Classifier(nn.Module):
    def __init__(self, spectral=False):
        super().__init__()
        torch.manual_seed(0)
        self.org, self.fc = Recurrent(spectral), nn.Linear(N, 2)
        for name in ("y0", "a0", "b00", "b10"):
            self.register_buffer(name, torch.rand(N, dtype=torch.float64))


class Static(nn.Module):
    """What the static layer registers, with parameters as after some training."""

    def __init__(self, inputs, n, learned):
        super().__init__()
        self.Wzx, self.Wbx = nn.Parameter(torch.randn(n, inputs)), nn.Parameter(torch.randn(n, inputs))
        self.Wr = Weight(n, n)
        with torch.no_grad():
            self.Wr.weight = nn.Parameter(torch.randn(n, n) if learned else torch.eye(n))
        if learned:
            spectral_norm(self.Wr, "weight")
        self.identity_matrix = nn.Parameter(torch.eye(n), requires_grad=False)
        self.log_Way, self.b0 = nn.Parameter(torch.rand(n, n) - 1), nn.Parameter(torch.randn(n))
        self.sigma = nn.Parameter(torch.tensor(1.0), requires_grad=False)


def save(tmp_path, content):
    torch.save(content, tmp_path / "model.ckpt")
    return tmp_path / "model.ckpt"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def published_trace(model, cell, x):
    """States of the public recurrent cell, {name: (steps, trials, units)}: every right-hand side at the old state."""
    p = {k: v.detach().double().numpy() for k, v in model.org.named_parameters()}
    W_r = model.org.Wr.eval().weight.detach().numpy()  # where there is a spectral norm, divided by it
    W, h = np.exp(p["log_Way"]), {"y": 0.3, "a": 0.2, "b0": 0.4, "b1": 0.4}
    W = W if cell == "gated_released" else np.minimum(W, 1)
    h = {k: maximum * sigmoid(p[f"param_dt_tau{k}"]) for k, maximum in h.items()}
    y, a, b0, b = (np.tile(getattr(model, k).numpy(), (x.shape[1], 1)) for k in ("y0", "a0", "b00", "b10"))
    trace = {"y": [], "a": [], "b0": [], "b": []}
    for now in x:
        z = now @ p["Wzx.weight"].T
        z = z if cell == "gated_released" else relu(z)
        recurrent = {
            "gated_released": lambda y: relu(y) @ (np.eye(N) + W_r).T,
            "gated": lambda y: relu(y @ W_r.T),
            "gated_unrectified_recurrence": lambda y: y @ W_r.T,
        }[cell](y)
        rate = y**2 if cell == "gated_unrectified_recurrence" else relu(y) ** 2
        gains = [sigmoid(now @ p[f"Wbx{k}"].T + y @ p[f"Wby{k}"].T + a @ p[f"Wba{k}"].T) for k in (0, 1)]
        y, a, b0, b = (
            y + h["y"] * (-y + b * z + (1 - np.sqrt(relu(a))) * recurrent),
            a + h["a"] * (-a + b0**2 + (rate * relu(a)) @ W.T),
            b0 + h["b0"] * (gains[0] - b0),
            b + h["b1"] * (gains[1] - b),
        )
        for name, value in zip(trace, (y, a, b0, b), strict=True):
            trace[name].append(value)
    return trace


@pytest.mark.parametrize("cell", ["gated_released", "gated", "gated_unrectified_recurrence"])
def test_recurrent_cell(tmp_path, cell):
    model, x = Classifier(spectral=cell == "gated_released"), np.random.default_rng(0).normal(size=(STEPS, 2, INPUTS))
    found = import_checkpoint(save(tmp_path, {"state_dict": model.state_dict()}), cell, dt=DT, **MAX_STEPS)
    circuit = found.parts["org"]
    states = simulate_reference(circuit, x, duration=STEPS * DT, dt=DT)
    for name, expected in published_trace(model, cell, x).items():
        np.testing.assert_allclose(states[name][1:], expected, rtol=0, atol=1e-12, err_msg=name)
    assert circuit.model.outputs["rate_y"].source == (
        "y**2" if cell == "gated_unrectified_recurrence" else "relu(y)**2"
    )  # what the pool sees
    left = {"fc.weight", "fc.bias", *({"org.B0_const"} if cell == "gated_released" else ())}
    assert found.unmapped.keys() == left
    circuit.save(tmp_path / "circuit.safetensors")
    assert on.load(tmp_path / "circuit.safetensors") == circuit


def test_what_is_not_said_is_found_or_assumed(tmp_path):
    found = import_checkpoint(save(tmp_path, Classifier().state_dict()), "gated")
    assert found.parts["org"].model.name == "gated"
    assert "not mapped: fc.weight (2, 5), fc.bias (2,)" in str(found)
    assert "assumed max_step_y=0.01, max_step_a=0.01, max_step_b=0.1" in str(found)
    assert "entries of the pool above 1 were set to 1" in str(found)
    kept = {"state_dict": Classifier(True).state_dict(), "hyper_parameters": {"kwargs_dict": {"dt_tau_max_y": 0.02}}}
    found = import_checkpoint(save(tmp_path, kept), max_step_a=0.005)
    assert found.parts["org"].model.name == "gated_released"
    assert "taken for the cell 'gated_released', by its spectral norm" in str(found)
    assert [note for note in found.notes if "assumed" in note][0].endswith("assumed max_step_b=0.1")
    h = 0.02 * sigmoid(kept["state_dict"]["org.param_dt_tauy"].numpy())
    np.testing.assert_allclose(found.parts["org"].parameters["tau_y"], 1e-3 / h)


def test_a_file_that_fits_several_cells_is_an_error(tmp_path):
    """They differ in what is rectified, which no weight tells."""
    path = save(tmp_path, Classifier().state_dict())
    message = "org.Wr fits the cells 'gated' and 'gated_unrectified_recurrence', which .* tell apart; give cell="
    with pytest.raises(FileFormatError, match=f"model.ckpt: {message}"):
        import_checkpoint(path)
    for cell in ("gated", "gated_unrectified_recurrence"):
        assert import_checkpoint(path, cell).parts["org"].model.name == cell


def test_cell_alone_has_no_initial_state(tmp_path):
    found = import_checkpoint(save(tmp_path, Recurrent(False).state_dict()), **GATED)
    assert not found.parts[""].initial["y"].any()
    assert "does not hold the initial state y0, a0, b00, b10; it is that of the model" in str(found)
    state = Classifier().state_dict()
    del state["a0"]
    assert "does not hold the initial state a0; it is that of the model" in str(
        import_checkpoint(save(tmp_path, state), "gated")
    )


def test_static_layers(tmp_path):
    torch.manual_seed(1)
    model = nn.ModuleDict({"org1": Static(4, 6, True), "org2": Static(6, 5, False), "fc": nn.Linear(5, 2)})
    found = import_checkpoint(save(tmp_path, {"state_dict": model.state_dict()}))
    assert {name: layer.recurrence for name, layer in found.parts.items()} == {"org1": "learned", "org2": "identity"}
    assert found.unmapped.keys() == {"fc.weight", "fc.bias"}
    assert [note.split(":")[0] for note in found.notes] == ["org1.Wr is learned"]
    W_r = model["org1"].Wr.eval().weight
    torch.testing.assert_close(found.parts["org1"].W_r, W_r / max(1, torch.linalg.matrix_norm(W_r, 2)))
    x, second = torch.rand(3, 6), model["org2"]
    z = x @ second.Wzx.T
    energy = (torch.sigmoid(x @ second.Wbx.T) * z / z.norm(dim=1, keepdim=True)) ** 2
    a = torch.sigmoid(second.b0) ** 2 + energy @ second.log_Way.exp().T
    torch.testing.assert_close(found.parts["org2"](x), torch.where(z > 0, energy / a, 0))
    assert found.parts["org1"](torch.rand(3, 4)).dtype == torch.float32


def test_arguments_of_static_layers(tmp_path):
    """A diagonal that the code sets at every call is set; another number of its iterations is said, for legacy=True."""
    torch.manual_seed(1)
    state = Static(4, 6, True).state_dict()
    made_with = {"set_norm_diag_one": True, "num_iterations": 50, "n": 2.0}
    found = import_checkpoint(save(tmp_path, {"state_dict": state, "hyper_parameters": {"kwargs_dict": made_with}}))
    expected = state["log_Way"].exp().fill_diagonal_(1)
    torch.testing.assert_close(found.parts[""].W, expected)
    assert "it repeats that iteration, 10 times and not 50" in str(found)
    content = {"state_dict": state, "hyper_parameters": {"kwargs_dict": {"n": 4.0}}}
    with pytest.raises(
        FileFormatError, match=r"model.ckpt: log_Way is of a layer with the exponent n=4.0; layers have 2"
    ):
        import_checkpoint(save(tmp_path, content))


def test_recurrence_that_layers_cannot_have_is_noted(tmp_path):
    state = {**Static(4, 6, False).state_dict(), "Wr.weight": 3 * torch.eye(6)}
    found = import_checkpoint(save(tmp_path, state))
    torch.testing.assert_close(found.parts[""].W_r, torch.eye(6))
    assert "Wr has the largest singular value 3; it was divided by it" in str(found)


class Custom:
    pass


def changed(**tensors):
    return {**Classifier().state_dict(), **tensors}


def convolutional(prefix=""):
    """What the convolutional static layer holds: 2 channels of 3 by 3."""
    tensors = {"input_kernel": torch.rand(2, 1, 3, 3), "attention_kernel": torch.rand(2, 1, 3, 3)}
    tensors |= {"b0": torch.zeros(2, 3, 3), "log_Way": torch.zeros(2, 9, 9), "sigma": torch.tensor(1.0)}
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


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
            convolutional(),
            "log_Way is of a convolutional layer, which is not mapped; recurrent cells and static layers",
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


def test_convolutional_layers_of_a_whole_model_are_noted(tmp_path):
    found = import_checkpoint(save(tmp_path, changed(**convolutional("conv."))), **GATED)
    assert found.parts.keys() == {"org"}
    assert "note: conv.log_Way is of a convolutional layer, which is not mapped" in str(found)
    assert convolutional("conv.").keys() <= found.unmapped.keys()


def test_bad_arguments(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        import_checkpoint(tmp_path / "missing.ckpt")
    (tmp_path / "text.ckpt").write_text("not a checkpoint")
    with pytest.raises(FileFormatError, match="text.ckpt is not a checkpoint"):
        import_checkpoint(tmp_path / "text.ckpt")
    with pytest.raises(
        ValueError, match="unknown cell 'old'; known: 'gated_released', 'gated', 'gated_unrectified_recurrence'"
    ):
        import_checkpoint(tmp_path / "text.ckpt", "old")
