"""
Train a model of one's own
==========================

Any declared circuit can be trained: `nn.functional.unroll` makes its Euler steps in torch, with gradients for weights
and parameters. Here a stabilized supralinear network (excitatory and inhibitory units with an expansive
nonlinearity) learns to normalize: to answer a grating of any contrast with a tuning curve that only its height
changes. The trained network then runs in Brian2.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from tqdm import trange

import organics_neuro as on
from organics_neuro.nn.functional import unroll

torch.set_num_threads(1)
N, DT, DURATION, CONTRASTS = 12, 5e-3, 0.2, np.array([0.05, 0.1, 0.2, 0.4, 0.8])

ssn = on.CircuitModel(
    name="ssn",
    equations="""
    dv/dt = (-v + from_e - from_i + h)/tau_v : 1
    h : 1
    from_e : 1
    from_i : 1
    k : 1
    n : 1
    tau_v : second
    """,
    parameters={"k": 0.3, "n": 2.0, "tau_v": 20e-3},
    outputs={"rate_v": "k*relu(v)**n"},
)


def network(weights):
    """Excitation e and inhibition i, joined by four couplings; their weights by target and source, "ei" from i to e."""
    couplings = [on.Coupling(f"{p[0]}.from_{p[1]}", weights[p], f"{p[1]}: k*relu(v)**n") for p in weights]
    return on.join({"e": on.Circuit(ssn, size=N), "i": on.Circuit(ssn, size=N, tau_v=10e-3)}, couplings)


# gratings at one orientation, and what a normalization circuit with c50 = 0.2 answers
angle = 2 * np.pi * np.arange(N) / N
tuning = np.exp(2 * (np.cos(angle) - 1))
drive = torch.as_tensor(10 * CONTRASTS[:, None] * tuning)
target = torch.as_tensor((CONTRASTS**2 / (CONTRASTS**2 + 0.2**2))[:, None] * tuning**2)

# weights are kept positive (Dale's law) by learning their logarithm; they start local
near = np.exp(4 * (np.cos(np.subtract.outer(angle, angle)) - 1)) + 1e-3
start = {"ee": 0.2, "ei": 0.4, "ie": 0.4, "ii": 0.2}
logarithms = {pair: torch.tensor(np.log(size * near)).requires_grad_() for pair, size in start.items()}
circuit = network({pair: np.exp(value.detach().numpy()) for pair, value in logarithms.items()})
optimizer = torch.optim.Adam(logarithms.values(), lr=0.1)


def loss():
    weights = {f"{p[0]}.from_{p[1]}": value.exp() for p, value in logarithms.items()}
    steps = round(DURATION / DT)
    _, states = unroll(circuit, {"e.h": drive, "i.h": drive}, steps, DT, weights=weights, record=[])
    rate = ssn.parameters["k"] * torch.relu(states["e.v"]) ** ssn.parameters["n"]
    return (rate - target).square().mean() / target.square().mean()


before = loss().item()
for _ in trange(100):
    optimizer.zero_grad()
    loss().backward()
    optimizer.step()
print(f"relative error: {before:.3f} before, {loss().item():.4f} after training")

trained = network({pair: np.exp(value.detach().numpy()) for pair, value in logarithms.items()})
inputs = {"e.h": drive.numpy(), "i.h": drive.numpy()}
print("stable:", np.asarray(on.theory.is_stable(trained, inputs)).tolist())
rates = on.simulate(trained, inputs, 0.5, "brian", record=["e.rate_v"], every=None)["e.rate_v"][-1]
for contrast, rate, wanted in zip(CONTRASTS, rates, target.numpy(), strict=True):
    print(f"contrast {contrast:4.2f}: peak {rate.max():.3f} in Brian2, wanted {wanted.max():.3f}")

figure, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
points = ax.plot(np.rad2deg(angle), rates.T, "o")
for line, wanted in zip(points, target.numpy(), strict=True):
    ax.plot(np.rad2deg(angle), wanted, color=line.get_color())
ax.set(
    xlabel="preferred angle (degrees)",
    ylabel="firing rate",
    title="trained, in Brian2 (points), and what was asked for",
)
ax.legend(points, [f"contrast {contrast:g}" for contrast in CONTRASTS], fontsize="small")
plt.show()
