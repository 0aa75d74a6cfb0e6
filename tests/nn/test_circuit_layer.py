"""Any declared model is a layer: called as torch.nn.LSTM, equal to its circuit, with the parameters of the model."""

import copy
import pickle

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from brian2 import ms, mV  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

from organics_neuro.core.model import CircuitModel, Coupling  # noqa: E402
from organics_neuro.nn import CircuitCell, CircuitLayer  # noqa: E402
from organics_neuro.transfer import to_circuit  # noqa: E402
from tests.simulators import simulate_reference  # noqa: E402

N, H, T, B = 3, 5, 7, 4  # inputs, units, steps, sequences
DOUBLE = {"dtype": torch.float64}
#: Excitation and inhibition with rates in hertz, parameters of several units, and one that has no default.
RATES = CircuitModel(
    "rates",
    """
    dr/dt = (-r + gain*relu(drive + recurrent))/tau : hertz
    drive : 1
    recurrent : 1
    gain : hertz
    width : 1
    tau : second
    """,
    couplings=[Coupling("recurrent", "W", "width*relu(r/gain)")],
    parameters={"gain": 20.0, "width": None, "tau": 0.01},
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def layers():
    """A layer of every model that has one input, of one and of two layers; of the others a layer asks which one."""
    for name in (name for name, model in on.MODELS.items() if len(model.external or model.inputs) == 1):
        for num_layers in (1,) if "constant" in name else (1, 2):
            yield pytest.param(name, num_layers, id=f"{name}-{num_layers}")


@pytest.mark.parametrize(("model", "num_layers"), list(layers()))
def test_every_model_is_a_layer_and_its_circuit(model, num_layers):
    """The shapes are those of an LSTM, every parameter has a gradient, and the circuit takes the same steps."""
    rnn, x = CircuitLayer(model, N, H, num_layers, **DOUBLE), torch.randn(T, B, N, **DOUBLE)
    like, (hidden, _) = torch.nn.LSTM(N, H, num_layers, **DOUBLE)(x)
    for cell in rnn.cells:
        if "eta" in rnn.states:  # a process that noise alone drives would stay at 0
            cell.initial_eta.normal_()
    output, state = rnn(x)
    assert state._fields == rnn.states == on.MODELS[model].states
    assert output.shape == like.shape
    assert all(s.shape == hidden.shape for s in state)
    loss = (output * torch.randn_like(output)).sum() + sum((s * torch.randn_like(s)).sum() for s in state)
    gradients = torch.autograd.grad(loss, [p for p in rnn.parameters() if p.requires_grad])
    assert all(g.isfinite().all() and g.any() for g in gradients)
    trace = simulate_reference(to_circuit(rnn, dt=2 * ms), x.numpy(), duration=T * 2e-3, dt=2e-3)
    for k in range(num_layers):
        part = f"l{k}." if num_layers > 1 else ""
        for name, value in state._asdict().items():
            np.testing.assert_allclose(value[k].detach(), trace[part + name][-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(output.detach(), trace[part + rnn.output][1:], rtol=0, atol=1e-12)


def test_sequences_are_run_as_those_of_organics():
    """One sequence, batches first, sequences of several lengths, parts of a sequence, checkpoints, single steps."""
    rnn, x = CircuitLayer("two_type", N, H, 2, **DOUBLE), torch.randn(T, B, N, **DOUBLE)
    other = CircuitLayer("two_type", N, H, 2, batch_first=True, checkpoint_every=3, **DOUBLE)
    other.load_state_dict(rnn.state_dict())
    output, state = rnn(x)
    torch.testing.assert_close(other(x.transpose(0, 1))[0].transpose(0, 1), output)
    torch.testing.assert_close(rnn(x[:, 1])[0], output[:, 1])
    torch.testing.assert_close(rnn.final_state(x), state)
    torch.testing.assert_close(rnn(x[3:], rnn(x[:3])[1])[1], state)
    packed, _ = rnn(pack_padded_sequence(x, [T, 4, 2, 1]))
    torch.testing.assert_close(pad_packed_sequence(packed)[0][:4, 1], output[:4, 1])
    one, step = CircuitLayer("two_type", N, H, **DOUBLE), None
    for now in x:
        step = one.cells[0](now, step)
    torch.testing.assert_close(step.y, one(x)[0][-1])


def test_states_can_be_pickled_and_layers_copied():
    rnn, x = CircuitLayer("two_type", N, H), torch.randn(T, B, N)
    _, state = rnn(x)
    again = pickle.loads(pickle.dumps(type(state)(*(s.detach() for s in state))))
    assert type(again) is type(state)
    assert torch.equal(again.a, state.a)
    assert torch.equal(copy.deepcopy(rnn)(x)[0], rnn(x)[0])


# --- what is read and what is given ----------------------------------------------------------------------------------


def test_an_input_is_read_through_weights_only_where_they_are_needed():
    """By the encoder that the model declares, or because the sizes differ; else unit by unit."""
    plain = CircuitModel(
        "leaky", "dv/dt = (-v + drive)/tau_v : 1\n drive : 1\n tau_v : second", parameters={"tau_v": 0.01}
    )
    assert CircuitLayer("two_type", H, H).cells[0].W_zx.shape == (H, H)
    direct, read = CircuitLayer(plain, H, H, 2, **DOUBLE), CircuitLayer(plain, N, H, 2, **DOUBLE)
    assert dict(direct.cells[0].named_parameters()).keys() == {"parametrizations.step_v.original"}
    assert read.cells[0].W_drivex.shape == (H, N)
    x = torch.randn(T, B, H, **DOUBLE)
    assert on.transfer.parity(direct, to_circuit(direct), x.transpose(0, 1).numpy()).largest < 1e-12
    assert dict(to_circuit(direct).inputs) == {"l0.drive": H}
    assert dict(to_circuit(read).inputs) == {"l0.x": N}


def test_input_and_output_may_be_named():
    two = CircuitModel(
        "two",
        "dx/dt = (-x + u)/tau : 1\n dv/dt = (x - v + w)/tau : 1\n u : 1\n w : 1\n tau : second",
        parameters={"tau": 0.01},
    )
    with pytest.raises(
        ValueError, match="model 'two' has the inputs 'u', 'w'; say which one the layer reads by input="
    ):
        CircuitLayer(two, H, H)
    rnn = CircuitLayer(two, H, H, input="w", output="v")
    output, state = rnn(torch.randn(T, B, H))
    assert rnn.output == "v"
    assert torch.equal(output[-1], state.v[0])
    assert not state.x.any()  # the other input stays 0
    with pytest.raises(ValueError, match="unknown input 'q'; known: 'u', 'w'"):
        CircuitLayer(two, H, H, input="q")
    with pytest.raises(ValueError, match="unknown output 'q'; known: 'x', 'v'"):
        CircuitLayer(two, H, H, input="w", output="q")


def test_parameters_start_where_they_are_said_to():
    given = {"b": 0.7, "b0": np.linspace(0.1, 0.5, H), "tau_y": 4 * ms}
    cell = CircuitCell(
        "two_type", N, H, parameters=given, fixed=["sigma", "tau_a", "b0"], max_step={"a": 0.3}, **DOUBLE
    )
    torch.testing.assert_close(cell.b, torch.full((H,), 0.7, **DOUBLE))
    torch.testing.assert_close(cell.step_y, torch.full((H,), 0.25, **DOUBLE))
    assert (cell.step_a < 0.3).all()
    learned = {name for name, p in cell.named_parameters() if p.requires_grad}
    assert learned == {
        "b",
        "W_zx",
        "W_r",
        "parametrizations.W.original",
        "parametrizations.step_y.original",
    }
    circuit = cell.to_circuit()
    assert circuit.parameters["sigma"] == 0.1
    np.testing.assert_allclose(circuit.parameters["b0"], given["b0"])
    np.testing.assert_allclose(circuit.parameters["tau_y"], 4e-3)
    np.testing.assert_allclose(circuit.initial["a"], (0.1 * given["b0"]) ** 2)  # as the model says
    np.testing.assert_allclose(cell.to_circuit(dt=2 * ms).parameters["tau_y"], 8e-3)


def test_start_of_the_weights():
    cell = CircuitCell("two_type", N, 50)
    assert torch.equal(cell.W_r, torch.eye(50))
    assert torch.equal(cell.W.diagonal(), torch.ones(50))
    assert np.exp(-1) <= cell.W.min() < cell.W.max() <= 1
    assert 0.5 < cell.W_zx.abs().max() <= N**-0.5
    assert ((cell.step_y > 0) & (cell.step_y < 0.5)).all()


def test_units_of_time_belong_to_the_step():
    """Times and rates of a model are in seconds and hertz of the step that the layer stands for."""
    rnn = CircuitLayer(RATES, N, H, dt=1 * ms, parameters={"width": 0.1}, **DOUBLE)
    x = torch.randn(T, B, N, **DOUBLE)
    trace = simulate_reference(rnn.to_circuit(), x.numpy(), duration=T * 1e-3, dt=1e-3)
    np.testing.assert_allclose(rnn(x)[0].detach(), trace["r"][1:], rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="dt = 0.002 s must be that of the layer, 0.001 s: 'r' has the unit hertz"):
        rnn.to_circuit(dt=2 * ms)


def test_dropout_and_repr():
    rnn = CircuitLayer("two_type", N, H, 2, dropout=0.5)
    x = torch.randn(T, B, N)
    assert not torch.equal(rnn(x)[0], rnn(x)[0])
    assert torch.equal(rnn.eval()(x)[0], rnn(x)[0])
    assert "'two_type', 3, 5, num_layers=2, dropout=0.5" in repr(rnn)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CircuitLayer("three", N, H), ValueError, "unknown model 'three'; known: .*'gated'"),
        (lambda: CircuitLayer("two_type", 0, H), ValueError, "input_size must be a positive"),
        (lambda: CircuitLayer("two_type", N, H, max_step=1.5), ValueError, "max_step_y must be above 0 and at most 1"),
        (
            lambda: CircuitLayer("two_type", N, H, max_step={"u": 0.5}),
            ValueError,
            "unknown step size in max_step 'u'; known: 'y', 'a'",
        ),
        (
            lambda: CircuitLayer("two_type", N, H, parameters={"q": 1}),
            ValueError,
            "unknown parameter in parameters 'q'; known: 'b', 'b0', 'sigma'",
        ),
        (
            lambda: CircuitLayer("two_type", N, H, parameters={"sigma": 1 * mV}),
            on.errors.UnitError,
            "parameter 'sigma' = .* has the wrong unit",
        ),
        (
            lambda: CircuitLayer("two_type", N, H, parameters={"b": [1, 2]}),
            ValueError,
            r"parameter 'b' has shape \(2,\), but must be one number or have shape \(5,\)",
        ),
        (
            lambda: CircuitLayer("two_type", N, H, parameters={"tau_y": 1e-3}),
            ValueError,
            "parameter 'tau_y' = 0.001 s .* step size of 1, but the largest is 0.5; give max_step",
        ),
        (lambda: CircuitLayer(RATES, N, H), ValueError, "model 'rates' needs the parameter 'width'; give parameters="),
        (lambda: CircuitLayer("two_type", N, H, fixed=["q"]), ValueError, "unknown parameter in fixed 'q'"),
        (
            lambda: CircuitLayer("two_type", N, H, parametrizations={"W_q": "positive"}),
            ValueError,
            "unknown parameter in parametrizations 'W_q'",
        ),
        (
            lambda: CircuitLayer("two_type", N, H, fixed=["b"], parametrizations={"b": "positive"}),
            ValueError,
            "'b' cannot have a parametrization: it is fixed, or a time constant",
        ),
        (
            lambda: CircuitLayer("two_type", N, H, kernel="fused")(torch.zeros(T, B, N)),
            ValueError,
            "kernel='fused' has no model 'two_type'; use kernel='auto'",
        ),
        (
            lambda: CircuitLayer("two_type", N, H)(torch.zeros(T, B, N), (torch.zeros(1, B, H),)),
            ValueError,
            "state must be a State of y, a, got 1 parts",
        ),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_name_that_layers_use_is_refused():
    model = CircuitModel(
        "m", "dx/dt = (-x + z)*output/tau : 1\n z : 1\n output : 1\n tau : second", parameters={"tau": 1, "output": 1}
    )
    with pytest.raises(ValueError, match="model 'm': 'output' is an attribute of every layer; give it another name"):
        CircuitLayer(model, N, H)


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.float64])
def test_fixed_parameters_of_units_have_the_precision_of_the_layer(dtype):
    rnn = CircuitLayer("ssn", N, H, parameters={"signs": np.repeat([1.0, -1.0], [H - 1, 1])}, dtype=dtype)
    output, _ = rnn(torch.randn(T, B, N, dtype=dtype))
    assert output.dtype == rnn.cells[0].signs.dtype == (dtype or torch.float32)
