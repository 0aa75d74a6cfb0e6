"""Any declared circuit trains: joined populations of a user's model, through the generic step."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn.functional import unroll  # noqa: E402
from tests.parity.circuits import make_excitation_inhibition  # noqa: E402

DT = 1e-3


def logarithms(circuit):
    """Logarithms of the sizes of all weights: learning them leaves the signs of excitation and inhibition alone."""
    signs = {key: torch.tensor(np.sign(weights.to_dense())) for key, weights in circuit.weights.items()}
    values = {key: torch.tensor(np.log(np.abs(weights.to_dense()))) for key, weights in circuit.weights.items()}
    return signs, values


def rates(circuit, weights, inputs, steps, **given):
    _, states = unroll(circuit, inputs, steps, DT, weights=weights, record=[], **given)
    return torch.relu(states["e.v"]) ** 2


def test_joined_excitation_and_inhibition_learn_a_response():
    """Weights of the network answer as those of a teacher with other weights do, to inputs of several contrasts."""
    circuit = make_excitation_inhibition()
    signs, start = logarithms(circuit)
    contrasts = torch.tensor([0.2, 0.5, 1.0], dtype=torch.float64)[:, None]
    bump = torch.exp(-((torch.arange(40, dtype=torch.float64) - 20) ** 2) / 50)
    inputs = {"e.drive": contrasts * bump, "i.drive": 0.5 * contrasts.expand(3, 10)}
    rng = np.random.default_rng(0)
    teacher = {key: signs[key] * torch.exp(v + torch.tensor(rng.normal(0, 1, v.shape))) for key, v in start.items()}
    target = rates(circuit, teacher, inputs, 15)
    learned = {key: value.requires_grad_() for key, value in start.items()}
    optimizer = torch.optim.Adam(learned.values(), lr=0.05)
    losses = []
    for _ in range(40):
        weights = {key: signs[key] * value.exp() for key, value in learned.items()}
        loss = (rates(circuit, weights, inputs, 15) - target).square().mean() / target.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1e-3
    assert losses[-1] < losses[0] / 100


def test_gradients_through_several_steps():
    circuit = make_excitation_inhibition()
    keys, rng = list(circuit.weights), np.random.default_rng(1)
    weights = [torch.tensor(w.to_dense(), requires_grad=True) for w in circuit.weights.values()]
    drive = torch.tensor(rng.uniform(0.5, 1, (2, 40)), requires_grad=True)
    k, tau = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.4, 3e-3))

    def run(drive, k, tau, *weights):
        inputs, named = {"e.drive": drive}, dict(zip(keys, weights, strict=True))
        return rates(circuit, named, inputs, 5, parameters={"e.k": k, "i.tau_v": tau}).sum()

    assert torch.autograd.gradcheck(run, (drive, k, tau, *weights), fast_mode=True)
