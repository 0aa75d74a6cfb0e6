"""nn.LSTM, nn.GRU and nn.RNN as circuits: one Euler step is one step of the network."""

import warnings

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from brian2 import ms, prefs  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402

from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from organics_neuro.transfer import agreement, parity, to_circuit  # noqa: E402
from tests.simulators import simulate_reference  # noqa: E402

N, H, T, B = 3, 5, 9, 4  # inputs, units, steps, sequences
DT = 1e-3
NETWORKS = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "tanh": nn.RNN,
    "relu": lambda *args, **options: nn.RNN(*args, nonlinearity="relu", **options),
}


@pytest.fixture(autouse=True)
def _seed(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setitem(prefs, "codegen.target", "numpy")  # nothing to compile


def run(circuit, x, dt=DT):
    """States of a circuit without a word of warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="the circuit")
        return simulate_reference(circuit, x, duration=len(x) * dt, dt=dt)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("network", NETWORKS)
def test_one_step_of_the_circuit_is_one_of_the_network(network, bias, layers):
    """Also of several layers, each of which reads the new output of the one below."""
    rnn = NETWORKS[network](N, H, layers, bias=bias, dtype=torch.float64)
    x = torch.randn(T, B, N, dtype=torch.float64)
    with torch.no_grad():
        output, last = rnn(x)
    circuit = to_circuit(rnn, dt=2 * ms)
    found = run(circuit, x.numpy(), 2e-3)
    top = f"l{layers - 1}." if layers > 1 else ""
    np.testing.assert_allclose(found[f"{top}h"][1:], output, rtol=0, atol=1e-15)
    if network == "lstm":
        np.testing.assert_allclose(found[f"{top}c"][-1], last[1][-1], rtol=0, atol=1e-15)


def test_the_second_layer_does_not_lag():
    """With the output of the step before, as layers of this package read it, it would be another network."""
    rnn, x = nn.RNN(N, H, 2, dtype=torch.float64), torch.randn(T, B, N, dtype=torch.float64)
    circuit = to_circuit(rnn)
    lagging = on.join(dict(circuit.parts), [on.Coupling("l1.x", None, "l0: h")])
    expected = rnn(x)[0].detach().numpy()
    assert np.abs(run(lagging, x.numpy())["l1.h"][1:] - expected).max() > 0.1
    assert np.abs(run(circuit, x.numpy())["l1.h"][1:] - expected).max() < 1e-15


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("network", ["lstm", "gru"])
def test_parity_in_brian(network, batch_first):
    rnn = NETWORKS[network](N, H, 2, batch_first=batch_first, dropout=0.3).eval()
    x = np.random.default_rng(0).normal(size=(2, T, N))
    found = parity(rnn, to_circuit(rnn), x)
    assert found.largest < 1e-14
    states = ("h", "c") if network == "lstm" else ("h",)
    assert set(found.differences) == {f"l{k}.{state}" for k in range(2) for state in states}


def test_agreement_in_brian():
    model = SequenceClassifier(nn.GRU(N, H, batch_first=True), 4)
    x = torch.randn(20, T, N)
    result = agreement(model, to_circuit(model.rnn), x, device="runtime")
    assert result.count == 20
    assert 0 < result.difference < 1e-14


def test_circuits_are_saved_and_know_their_step(tmp_path):
    circuit, x = to_circuit(nn.LSTM(N, H, 2)), np.ones((T, 1, N))
    circuit.save(tmp_path / "lstm.safetensors")
    back = on.load(tmp_path / "lstm.safetensors")
    assert back == circuit
    with pytest.warns(
        UserWarning, match=r"the circuit 'l0' was made for steps of 0.001 s, but is run with steps of 0.002 s"
    ):
        simulate_reference(back, x, duration=T * 2e-3, dt=2e-3)
    half = to_circuit(nn.LSTM(N, H), dt=0.5 * ms)
    assert half.parameters["step"] == 5e-4
    run(half, x, 5e-4)


def test_weights_with_a_parametrization():
    rnn = parametrizations.orthogonal(nn.RNN(N, H, dtype=torch.float64), "weight_hh_l0")
    x = torch.randn(T, B, N, dtype=torch.float64)
    found = run(to_circuit(rnn), x.numpy())["h"][1:]
    np.testing.assert_allclose(found, rnn(x)[0].detach(), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("rnn", "message"),
    [
        (lambda: nn.LSTM(N, H, bidirectional=True), "bidirectional=True reads a sequence from its end, too, which no"),
        (
            lambda: nn.LSTM(N, H, proj_size=2),
            "proj_size=2 is not offered: the model 'lstm' has no projection; leave it",
        ),
        (
            lambda: nn.GRU(N, H, 2, dropout=0.5),
            r"dropout=0.5 is random in training, and a circuit is not; call eval\(\) f",
        ),
    ],
)
def test_what_is_not_offered(rnn, message):
    with pytest.raises(ValueError, match=message):
        to_circuit(rnn())


def test_what_is_no_layer():
    for wrong in (nn.LSTMCell(N, H), nn.Linear(N, H), nn.LSTM, None):
        with pytest.raises(TypeError, match="such as ORGaNICs, or nn.LSTM, nn.GRU, nn.RNN, got "):
            to_circuit(wrong)
        with pytest.raises(
            TypeError, match="is no layer that is a circuit, such as ORGaNICs, and no nn.LSTM, nn.GRU or"
        ):
            parity(wrong, to_circuit(nn.RNN(N, H)), np.ones((1, T, N)))


@pytest.mark.parametrize("layers", [1, 2])
def test_transferred_circuits_warn_at_another_step(layers):
    """A circuit of a layer is that at its own step alone, in every engine; it says which step that is."""
    circuit = to_circuit(ORGaNICs(N, H, layers), dt=2 * ms)
    name, x = next(iter(circuit.inputs)), np.ones((2, 1, N))
    message = (
        "was made for steps of 0.002 s, but is run with steps of 0.001 s: give dt=0.002, or make it with to_circuit"
    )
    for engine in (on.engines.Reference(dt=DT, progress=False), on.engines.Brian(dt=DT, report=False)):
        with pytest.warns(UserWarning, match=message):
            on.simulate(circuit, {name: x}, 2 * DT, engine)
    with pytest.warns(UserWarning, match=message):
        on.nn.functional.unroll(circuit, {name: torch.tensor(x)}, 2, DT)
    run(circuit, x, 2e-3)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="the circuit")
        on.simulate(circuit, {name: x}, 4e-3, on.engines.Brian(dt=2e-3, report=False))
        on.nn.functional.unroll(circuit, {name: torch.tensor(x)}, 2, 2e-3)


def test_the_step_is_no_part_of_what_a_circuit_is():
    rnn = ORGaNICs(N, H)
    circuit = to_circuit(rnn, dt=2 * ms)
    plain = on.Circuit(circuit.model, circuit.weights, initial=circuit.initial, **circuit.parameters)
    assert circuit == plain
    assert circuit.key == plain.key
    with pytest.warns(UserWarning, match="was made for steps of 0.002 s"):
        simulate_reference(circuit.replace(sigma=0.5), np.ones((2, 1, N)), duration=2 * DT, dt=DT)
    run(plain, np.ones((2, 1, N)))
