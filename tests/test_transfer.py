"""A torch module and its circuit are the same system."""

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from brian2 import ms, mV, prefs  # noqa: E402

from organics_neuro.brian import simulate  # noqa: E402
from organics_neuro.nn import (  # noqa: E402
    DivisiveNormalization,
    DivisiveNormalization2d,
    ORGaNICs,
    ORGaNICsCell,
    SequenceClassifier,
)
from organics_neuro.transfer import agreement, steady_agreement, steady_circuit, to_circuit  # noqa: E402
from tests.brian.conftest import clean_brian  # noqa: E402, F401  a fixture for these tests, too

STEPS, TRIALS, DT = 12, 3, 1e-3


def make(num_layers=1, dtype=torch.float64):
    torch.manual_seed(0)
    return ORGaNICs(3, 6, num_layers, dtype=dtype)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_reference_simulation_equals_module(num_layers):
    rnn, x = make(num_layers), torch.randn(STEPS, TRIALS, 3, dtype=torch.float64)
    circuit = to_circuit(rnn, dt=DT)
    with torch.no_grad():
        output, state = rnn(x)
    expected = on.reference.simulate(circuit, x.numpy(), duration=STEPS * DT, dt=DT)
    for k in range(num_layers):
        prefix = f"l{k}." if num_layers > 1 else ""
        for name in state._fields:
            np.testing.assert_allclose(getattr(state, name)[k], expected[prefix + name][-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(output, expected[f"{prefix}y"][1:], rtol=0, atol=1e-12)


def test_parameters():
    rnn = make(dtype=torch.float32)
    circuit, cell = to_circuit(rnn, dt=2 * ms), rnn.cells[0]
    assert circuit.model.name == "gated"
    np.testing.assert_array_equal(circuit.weights["W_r"].to_dense(), cell.W_r.detach())
    np.testing.assert_allclose(circuit.weights["W"].to_dense(), cell.W.detach(), rtol=1e-6)
    np.testing.assert_allclose(circuit.parameters["tau_b"], 2e-3 / cell.step_b.detach(), rtol=1e-6)
    np.testing.assert_array_equal(circuit.initial["b"], cell.initial_b)
    assert circuit.parameters["sigma"] == 1.0
    assert to_circuit(cell, dt=2e-3) == circuit


def test_files(tmp_path):
    circuit = to_circuit(make(num_layers=2))
    circuit.save(tmp_path / "stack.safetensors")
    assert on.Circuit.load(tmp_path / "stack.safetensors") == circuit


def test_the_module_is_not_tied_to_the_circuit():
    cell = ORGaNICsCell(2, 3, dtype=torch.float64)
    circuit = to_circuit(cell)
    before = circuit.weights["W_r"].to_dense()
    with torch.no_grad():
        cell.W_r.zero_()
        cell.initial_y.zero_()
    np.testing.assert_array_equal(circuit.weights["W_r"].to_dense(), before)
    assert circuit.initial["y"].any()


@pytest.mark.parametrize("num_layers", [1, 2])
def test_agreement(num_layers):
    """The same classes, unless the circuit is another one, which shows."""
    torch.manual_seed(0)
    rnn = ORGaNICs(3, 6, num_layers, batch_first=True)
    model = SequenceClassifier(rnn, 4)
    x = torch.randn(20, STEPS, 3)
    result = agreement(model, to_circuit(rnn), x.numpy(), device="runtime")
    assert result.torch.tolist() == model(x).argmax(1).tolist()
    assert result.count == 20
    assert 0 < result.difference < 1e-12
    assert str(result).startswith("the same class for 20 of 20 samples, states within ")
    other = SequenceClassifier(ORGaNICs(3, 6, num_layers, batch_first=True), 4)
    assert agreement(model, to_circuit(other.rnn), x, device="runtime").difference > 0.01
    with pytest.raises(ValueError, match="does not have the layers and units of the module"):
        agreement(model, to_circuit(ORGaNICs(3, 5, num_layers)), x, device="runtime")
    rnn.batch_first = False
    with pytest.raises(ValueError, match="must read sequences with batch_first=True"):
        agreement(model, to_circuit(rnn), x, device="runtime")


def test_bad_arguments():
    with pytest.raises(TypeError, match="takes an ORGaNICs or ORGaNICsCell module, got LSTM"):
        to_circuit(torch.nn.LSTM(3, 6))
    with pytest.raises(ValueError, match="dt must be one positive time"):
        to_circuit(make(), dt=0)
    with pytest.raises(on.errors.UnitError, match="dt = .* has the wrong unit"):
        to_circuit(make(), dt=1 * mV)


def steady_layer(kind, dtype=torch.float64):
    """A steady-state layer with random parameters, and a batch for it."""
    torch.manual_seed(0)
    if kind in ("identity", "learned"):
        layer, x = DivisiveNormalization(3, 6, kind, dtype=dtype), torch.randn(4, 3, dtype=dtype)
    else:
        given = {"pool": "local", "pool_size": 3} if kind == "local" else {}
        layer, x = DivisiveNormalization2d(1, 2, 3, dtype=dtype, **given), torch.randn(4, 1, 6, 5, dtype=dtype)
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return layer, x


@pytest.mark.parametrize("kind", ["identity", "learned", "uniform", "local"])
def test_steady_state_in_brian_equals_the_layer(kind, monkeypatch):
    monkeypatch.setitem(prefs, "codegen.target", "numpy")  # nothing to compile
    layer, x = steady_layer(kind)
    circuit, z = steady_circuit(layer, x)
    assert on.theory.is_stable(circuit, z).all()
    states = simulate(circuit, z, duration=0.12, dt=5e-4, every=None)
    rates = np.maximum(states["y"][-1], 0) ** 2
    np.testing.assert_allclose(rates.reshape(layer(x).shape), layer(x).detach(), rtol=0, atol=1e-9)


def test_steady_agreement(monkeypatch):
    """Layer by layer Brian2 arrives at what torch computes, at the pace that the smallest b0 sets."""
    monkeypatch.setitem(prefs, "codegen.target", "numpy")  # nothing to compile
    torch.manual_seed(0)
    layers = DivisiveNormalization(3, 6), torch.nn.BatchNorm1d(6), DivisiveNormalization(6, 5, "learned")
    model, x = torch.nn.Sequential(*layers, torch.nn.Linear(5, 4)), torch.randn(20, 3)
    result = steady_agreement(model, x, duration=0.2, device="runtime")
    assert result.torch.tolist() == model.eval()(x).argmax(1).tolist()
    assert result.count == 20
    assert result.difference < 1e-10
    assert steady_agreement(model, x, duration=0.002, device="runtime").difference > 1e-3
    assert isinstance(model[0], DivisiveNormalization)
    with pytest.raises(ValueError, match="has no steady-state layers"):
        steady_agreement(torch.nn.Sequential(torch.nn.Linear(3, 4)), x, device="runtime")


def test_steady_circuit_of_single_precision_and_one_sample():
    layer, x = steady_layer("learned", torch.float32)
    circuit, z = steady_circuit(layer, x[0].tolist())
    assert z.shape == (1, 6)
    rates = np.maximum(on.theory.fixed_point(circuit, z).state["y"], 0) ** 2
    np.testing.assert_allclose(rates[0], layer(x[0]).detach(), rtol=0, atol=1e-6)


def test_steady_circuit_bad_arguments():
    with pytest.raises(TypeError, match="takes a DivisiveNormalization or its 2d form, got ORGaNICs"):
        steady_circuit(make(), torch.ones(2, 3))
    with pytest.raises(ValueError, match="with legacy=True is not the steady state of a circuit"):
        steady_circuit(DivisiveNormalization(3, 5, "learned", legacy=True), torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"input has shape \(2, 4\)"):
        steady_circuit(DivisiveNormalization(3, 5), torch.ones(2, 4))
