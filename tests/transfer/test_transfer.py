"""A torch module and its circuit are the same system."""

import warnings

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from brian2 import ms, mV, prefs  # noqa: E402

from organics_neuro.core.models.gated import VARIANTS  # noqa: E402
from organics_neuro.nn import DivisiveNormalization, ORGaNICs, ORGaNICsCell, SequenceClassifier  # noqa: E402
from organics_neuro.transfer import agreement, steady_agreement, to_circuit  # noqa: E402
from tests.simulators import simulate_reference  # noqa: E402

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
    expected = simulate_reference(circuit, x.numpy(), duration=STEPS * DT, dt=DT)
    for k in range(num_layers):
        prefix = f"l{k}." if num_layers > 1 else ""
        for name in state._fields:
            np.testing.assert_allclose(getattr(state, name)[k], expected[prefix + name][-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(output, expected[f"{prefix}y"][1:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("constant", [{}, {"b": 0.7}, {"b0": 0.4}, {"b": 0.7, "b0": 0.4}], ids=str)
@pytest.mark.parametrize("model", VARIANTS)
@pytest.mark.parametrize("recurrence", ["free", "identity", "orthogonal", "spectral", "diagonal"])
def test_every_variant_becomes_its_circuit(recurrence, model, constant):
    """Also where its numbers were made in single precision, as those of trained networks were."""
    torch.manual_seed(0)
    rnn = ORGaNICs(3, 6, recurrence=recurrence, model=model, **constant).double()
    x = torch.randn(STEPS, TRIALS, 3, dtype=torch.float64)
    circuit = to_circuit(rnn, dt=DT)
    expected = simulate_reference(circuit, x.numpy(), duration=STEPS * DT, dt=DT)
    assert set(expected) == {"y", "a", "b0", "b"} - set(constant)
    with torch.no_grad():
        output, state = rnn(x)
    np.testing.assert_allclose(output, expected["y"][1:], rtol=0, atol=1e-13)
    for name, trace in expected.items():
        np.testing.assert_allclose(getattr(state, name)[0], trace[-1], rtol=0, atol=1e-13)
    assert circuit.weights["W_r"].is_identity == (recurrence == "identity")


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        ("gated", "two_type_rectified_recurrence"),
        ("gated_rectified", "two_type_rectified"),
        ("gated_unrectified", "two_type"),
    ],
)
def test_constant_gains_leave_the_circuit_without_gains(model, plain):
    """The layer then is the two-type model with that rectification, driven by W_zx x, one Euler step a step."""
    torch.manual_seed(0)
    rnn = ORGaNICs(3, 6, model=model, b=0.7, b0=0.4, learned_steps=False, dtype=torch.float64)
    cell, x = rnn.cells[0], torch.randn(STEPS, TRIALS, 3, dtype=torch.float64)
    with torch.no_grad():
        output, _ = rnn(x)
        z = x @ cell.W_zx.T
        weights = {"W_r": cell.W_r.numpy(), "W": cell.W.numpy()}
        taus = {f"tau_{name}": DT / getattr(cell, f"step_{name}").numpy() for name in "ya"}
    initial = {name: getattr(cell, f"initial_{name}").numpy() for name in "ya"}
    circuit = on.Circuit(plain, weights, initial=initial, b=0.7, b0=0.4, sigma=1.0, **taus)
    z = z if model == "gated_unrectified" else z.relu()
    expected = simulate_reference(circuit, z.numpy(), duration=STEPS * DT, dt=DT)
    np.testing.assert_allclose(output, expected["y"][1:], rtol=0, atol=1e-13)


def test_variants_in_brian():
    """Both layers, the first without a state b; its circuit is run by Brian2."""
    torch.manual_seed(0)
    options = {"recurrence": "diagonal", "model": "gated_rectified", "b": 0.7}
    rnn = ORGaNICs(3, 6, 2, batch_first=True, dropout=0.5, dtype=torch.float64, **options)
    x = np.random.default_rng(0).normal(size=(TRIALS, STEPS, 3))
    found = on.transfer.parity(rnn, to_circuit(rnn, dt=DT), x, dt=DT)
    assert set(found.differences) == {f"l{k}.{state}" for k in range(2) for state in ("y", "a", "b0")}
    assert found.largest < 1e-12


@pytest.mark.parametrize("num_layers", [1, 2])
def test_another_step_than_that_of_the_circuit_warns(num_layers):
    """At another step it is another system, whose differences would be taken for a fault of the transfer."""
    rnn = make(num_layers)
    rnn.batch_first = True
    circuit, x = to_circuit(rnn, dt=2 * ms), np.random.default_rng(0).normal(size=(2, 3, 3))
    with pytest.warns(
        UserWarning, match="was made for steps of 0.002 s, but is run with steps of 0.001 s: give dt=0.002"
    ):
        assert on.transfer.parity(rnn, circuit, x).largest > 1e-3
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="the circuit was made")
        assert on.transfer.parity(rnn, circuit, x, dt=2 * ms).largest < 1e-12
    with pytest.warns(UserWarning, match="was made for steps of 0.002 s"):
        agreement(SequenceClassifier(rnn, 2), circuit, x, device="runtime")


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
    assert on.load(tmp_path / "stack.safetensors") == circuit


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


def test_agreement_says_what_is_wrong_before_it_simulates(monkeypatch):
    monkeypatch.setattr("organics_neuro.engines.brian.Brian.simulate", lambda *_, **__: pytest.fail("simulated"))
    rnn = ORGaNICs(3, 6, batch_first=True)
    x = np.zeros((2, STEPS, 3))
    with pytest.raises(ValueError, match="input is torch.float64, but the parameters are torch.float32"):
        agreement(SequenceClassifier(rnn, 4), to_circuit(rnn), x)
    with pytest.raises(TypeError, match="takes a SequenceClassifier with a layer that is a circuit, got Linear"):
        agreement(torch.nn.Linear(3, 4), to_circuit(rnn), x)
    with pytest.raises(ValueError, match="input is torch.float64, but the parameters are torch.float32"):
        steady_agreement(DivisiveNormalization(3, 4), x[:, 0])
    with pytest.raises(TypeError, match="circuit must be a circuit, got NoneType"):
        agreement(SequenceClassifier(rnn, 4), None, x)
    with pytest.raises(ValueError, match="x must be one array of numbers"):
        agreement(SequenceClassifier(rnn, 4), to_circuit(rnn), "abc")
    with pytest.raises(TypeError, match=r"model must be a torch.nn.Module, got None"):
        steady_agreement(None, x[:, 0])
    with pytest.raises(TypeError, match="x must be a number or an array of numbers, got 'abc'"):
        on.transfer.steady_circuit(DivisiveNormalization(3, 4), "abc")


def test_bad_arguments():
    with pytest.raises(ValueError, match="dt must be one positive time"):
        to_circuit(make(), dt=0)
    with pytest.raises(on.errors.UnitError, match="dt = .* has the wrong unit"):
        to_circuit(make(), dt=1 * mV)


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
    assert steady_agreement(model[0], x, device="runtime").difference < 1e-10  # a layer alone
    with pytest.raises(ValueError, match="has no steady-state layers"):
        steady_agreement(torch.nn.Sequential(torch.nn.Linear(3, 4)), x, device="runtime")


class Twice(torch.nn.Module):
    """Uses one layer twice, and, under another name, once more."""

    def __init__(self):
        super().__init__()
        self.layer, self.readout = DivisiveNormalization(3, 3, dtype=torch.float64), torch.nn.Linear(3, 4).double()
        self.again = torch.nn.Sequential(self.layer)

    def forward(self, x):
        return self.readout(self.again(self.layer(input=self.layer(x))))


def test_steady_agreement_of_a_layer_that_is_used_more_than_once(monkeypatch):
    """Brian2 computes every use, and the difference is the largest of all, also if it is no number."""
    torch.manual_seed(0)
    model, x, calls = Twice(), torch.randn(5, 3, dtype=torch.float64), []

    def too_large_by(errors):
        def simulate(_engine, circuit, z, **_):
            calls.append(z)
            return {"y": np.array([on.theory.fixed_point(circuit, z).state["y"] * (1 + errors[len(calls) - 1])])}

        calls.clear()
        return simulate

    monkeypatch.setattr("organics_neuro.engines.brian.Brian.simulate", too_large_by([0, 0, 0]))
    assert steady_agreement(model, x).difference < 1e-9
    assert len(calls) == 3
    monkeypatch.setattr("organics_neuro.engines.brian.Brian.simulate", too_large_by([0.1, 0, 0]))
    assert steady_agreement(model, x).difference > 1e-3
    monkeypatch.setattr("organics_neuro.engines.brian.Brian.simulate", too_large_by([0, 0, np.nan]))
    assert np.isnan(steady_agreement(model, x).difference)


def test_a_steady_layer_that_is_not_called_is_an_error():
    """It would be missing from the difference."""
    model = torch.nn.Linear(3, 4)
    model.unused = DivisiveNormalization(3, 4)
    with pytest.raises(ValueError, match="the network does not call all of its steady-state layers"):
        steady_agreement(model, torch.randn(5, 3))


def test_agreement_with_a_circuit_that_runs_away(monkeypatch):
    """The largest difference is then no number, and not that of the other states."""
    nothing = {name: np.full((1, 2, 6), np.nan) for name in ("y", "a", "b0", "b")}
    monkeypatch.setattr("organics_neuro.engines.brian.Brian.simulate", lambda *_, **__: nothing)
    rnn = ORGaNICs(3, 6, batch_first=True)
    assert np.isnan(agreement(SequenceClassifier(rnn, 4), to_circuit(rnn), torch.randn(2, STEPS, 3)).difference)
