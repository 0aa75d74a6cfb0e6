"""A model of two lines, declared here, is trained as a layer, runs in Brian2, and has its fixed point and its spectrum."""

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from organics_neuro.nn import CircuitLayer  # noqa: E402
from organics_neuro.transfer import parity, to_circuit  # noqa: E402

INHIBITED = on.CircuitModel(
    "inhibited",
    "dr/dt = (-r + relu(z) - r*pool)/tau_r : 1\n z : 1\n pool : 1\n tau_r : second",
    couplings=[on.Coupling("pool", "W", "relu(r)", nonnegative=True)],
    parameters={"tau_r": 0.01},
)


def test_a_model_of_two_lines():
    torch.manual_seed(0)
    rnn = CircuitLayer(INHIBITED, 2, 8, batch_first=True, dtype=torch.float64)
    readout = torch.nn.Linear(8, 1, dtype=torch.float64)
    x = torch.randn(64, 10, 2, dtype=torch.float64)
    target = x[..., 0].relu().sum(1, keepdim=True)  # what only a memory knows
    optimizer, losses = torch.optim.Adam([*rnn.parameters(), *readout.parameters()], lr=0.02), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (readout(rnn.final_state(x).r[-1]) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert (rnn.cells[0].W > 0).all()

    circuit = to_circuit(rnn, dt=1e-3)
    assert parity(rnn, circuit, x[:3].numpy()).largest < 1e-12

    still = np.array([0.5, -1.0])
    point = on.theory.fixed_point(circuit, still)
    r, z = point.state["r"], np.maximum(circuit.weights["W_zx"].to_dense() @ still, 0)
    W, tau = circuit.weights["W"].to_dense(), circuit.parameters["tau_r"]
    np.testing.assert_allclose(r, z / (1 + W @ r), atol=1e-10)
    jacobian = -np.diag(1 + W @ r) - r[:, None] * W * (r > 0)
    assert on.theory.is_stable(circuit, still)
    spectrum = on.theory.power_spectrum(circuit, still, [0.0, 5.0], noise={"r": 1e-3})
    for f, found in zip([0.0, 5.0], spectrum["r"], strict=True):
        gain = np.linalg.inv(2j * np.pi * f * np.diag(tau) - jacobian)
        np.testing.assert_allclose(found, 1e-6 * (np.abs(gain) ** 2 @ tau), rtol=1e-6)
