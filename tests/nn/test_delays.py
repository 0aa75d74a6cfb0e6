"""Delays in torch: equal to the reference, and gradients through what is on its way."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.schemes import SCHEMES
from tests.circuits import make_late
from tests.simulators import simulate_reference

torch = pytest.importorskip("torch")
functional = pytest.importorskip("organics_neuro.nn.functional")


@pytest.mark.parametrize("method", SCHEMES)
def test_delays_equal_the_reference(method):
    circuit = make_late()
    expected = simulate_reference(circuit, None, 2e-3, 1e-4, method)
    found, _ = functional.unroll(circuit, None, 20, 1e-4, method=method)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value[1:, 0], atol=1e-14)


def test_gradients_flow_through_delays():
    circuit = make_late()
    weights = torch.tensor(circuit.weights["low.z"].to_dense(), requires_grad=True)

    def end(w):
        return functional.unroll(circuit, None, 12, 1e-4, weights={"low.z": w})[1]["high.y"].sum()

    assert torch.autograd.gradcheck(end, weights)


def test_a_step_of_a_circuit_with_delays_needs_its_past():
    step = functional.Step(make_late(), 1e-4)
    with pytest.raises(
        ValueError, match=r"a circuit with delays has a past: use unroll, or give .* past=step.past\(\)"
    ):
        step(step.initial())
    states, _ = step(step.initial(), past=step.past())
    assert states["low.y"].shape == (3,)


def test_a_layer_has_no_past():
    text = "dx/dt = (c + u - x)/tau_x : 1\n c : 1\n u : 1\n tau_x : second"
    coupling = on.Coupling("c", "W", "x", delay=1e-3)
    model = on.CircuitModel("late", text, couplings=[coupling], parameters={"tau_x": 1e-2})
    with pytest.raises(ValueError, match="the coupling 'c' of the model 'late' has a delay, .*functional.unroll"):
        on.nn.CircuitLayer(model, 2, 3)
