# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own model
#
# A model is a declaration: equation text in Brian2's syntax, couplings, outputs. From it follow the simulation in NumPy, Brian2 and torch, fixed
# points, stability and spectra. We declare a supralinear network of excitatory and inhibitory units, look at it with theory, join it to a
# normalization circuit, and train it.
#
# You need `pip install ".[torch,plot]"`.

# %%
import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import torch
from brian2 import ms

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
b2.prefs.codegen.target = "numpy"  # small: nothing to compile
torch.set_num_threads(1)

# %% [markdown]
# ## Declare it
#
# $\tau\, \dot v = -v + W_E\, r_E - W_I\, r_I + h$ with the rate $r = k\,[v]_+^n$. One declaration serves both populations: the two couplings
# are filled when the populations are joined. Names of variables are yours; every one is checked, units included.

# %%
power_law = on.CircuitModel(
    name="power_law",
    equations="""
    dv/dt = (-v + from_e - from_i + h)/tau_v : 1
    h : 1            # an input
    from_e : 1       # what couplings deliver
    from_i : 1
    k : 1            # parameters
    n : 1
    tau_v : second
    """,
    parameters={"k": 0.04, "n": 2.0, "tau_v": 20e-3},
    outputs={"rate_v": "k*relu(v)**n"},
)
print(power_law)

# %% [markdown]
# What is wrong is said in one sentence:

# %%
try:
    on.CircuitModel("wrong", "dv/dt = (-v + h)/tau_v : 1\nh : 1\ntau_v : 1")
except on.errors.UnitError as error:
    print(error)

# %% [markdown]
# ## Join populations
#
# One excitatory and one inhibitory unit first, with the classical strong couplings: excitation alone would run away.

# %%
STRENGTH = {"ee": 1.25, "ei": 0.65, "ie": 1.2, "ii": 0.5}


def network(weights, size=1):
    """Populations e and i; weights by target and source, "ei" from i to e."""
    couplings = [
        on.Coupling(f"{to}.from_{of}", weights=weights[to + of], source=f"{of}: k*relu(v)**n")
        for to in "ei"
        for of in "ei"
    ]
    return on.join(
        {"e": on.Circuit(power_law, size=size), "i": on.Circuit(power_law, size=size, tau_v=10e-3)}, couplings
    )


pair = network({key: [[value]] for key, value in STRENGTH.items()})
drives = np.geomspace(1, 100, 40)
inputs = {"e.h": drives[:, None], "i.h": drives[:, None]}
points = on.theory.fixed_point(pair, inputs)
rates = pair.outputs(points.state)
leading = np.real(on.theory.eigenvalues(pair, inputs)).max(axis=1)
print("all steady states found:", bool(np.all(points.converged)), " all stable:", bool((leading < 0).all()))

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
axes[0].loglog(drives, rates["e.rate_v"][:, 0], label="excitatory")
axes[0].loglog(drives, rates["i.rate_v"][:, 0], label="inhibitory")
axes[0].loglog(drives, 0.04 * drives**2, "--", color="0.5", label="without couplings")
axes[0].set(xlabel="input h", ylabel="firing rate", title="amplified, then stabilized")
axes[0].legend(frameon=False)
axes[1].semilogx(drives, leading)
axes[1].set(xlabel="input h", ylabel="leading eigenvalue (1/s)", title="stability")
plt.show()

# %% [markdown]
# What to look at: weak inputs are answered as without couplings (dashed, slope 2), middle ones are amplified, and strong ones grow ever more slowly, because
# inhibition, with its own supralinear rate, catches up. That is normalization by other means.
#
# ## Every engine runs it

# %%
z = {"e.h": [[10.0]], "i.h": [[10.0]]}
reference = on.simulate(pair, z, 100 * ms)["e.v"]
in_brian = on.simulate(pair, z, 100 * ms, "brian")["e.v"]
in_torch, _ = on.nn.functional.unroll(pair, {"e.h": [10.0], "i.h": [10.0]}, steps=1000, dt=1e-4)
print("Brian2 and NumPy differ by", np.abs(in_brian - reference).max())
print("torch and NumPy differ by", np.abs(in_torch["e.v"].numpy().ravel() - reference[1:].ravel()).max())
print(
    "power of e.v at 5, 20, 80 Hz:",
    on.theory.power_spectrum(pair, {"e.h": [10.0], "i.h": [10.0]}, [5, 20, 80], noise={"e.v": 0.1})["e.v"][:, 0],
)

# %% [markdown]
# ## Beside a normalization circuit
#
# Circuits of different models join in the same way. Here the excitatory rate drives a normalization circuit of twelve units.

# %%
ring = on.ring(n=12)
joined = on.join(
    {"e": on.Circuit(power_law, size=1), "v1": ring},
    [on.Coupling("v1.z", weights=0.02 * np.ones((12, 1)), source="e: k*relu(v)**n")],
)
print(joined)
answer = on.simulate(joined, {"e.h": [[20.0]]}, 200 * ms, record=["e.rate_v", "v1.rate_y"])
print("rates at the end:", answer["e.rate_v"][-1].ravel().round(2), answer["v1.rate_y"][-1, 0, :3].round(4))

# %% [markdown]
# ## Train it
#
# `unroll` has gradients for weights and parameters. We ask for a pair whose excitatory rate is 5 at the input 10 and 15 at the input 20; the logarithms of the
# weights are learned, so that signs stay (Dale's law).

# %%
start = {
    key: torch.tensor([[float(np.log(value))]], dtype=torch.float64, requires_grad=True)
    for key, value in STRENGTH.items()
}
optimizer = torch.optim.Adam(start.values(), lr=0.03)
h = torch.tensor([[10.0], [20.0]], dtype=torch.float64)
target, history = torch.tensor([5.0, 15.0], dtype=torch.float64), []
for _ in range(100):
    weights = {f"{p[0]}.from_{p[1]}": value.exp() for p, value in start.items()}
    _, state = on.nn.functional.unroll(pair, {"e.h": h, "i.h": h}, 50, 4e-3, weights=weights, record=[])
    rate = 0.04 * torch.relu(state["e.v"][:, 0]) ** 2
    loss = (rate - target).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())
trained = network({key: np.exp(value.detach().numpy()) for key, value in start.items()})
found = trained.outputs(on.theory.fixed_point(trained, {"e.h": h.numpy(), "i.h": h.numpy()}).state)["e.rate_v"][:, 0]
print(f"loss {history[0]:.2f} before, {history[-1]:.2g} after; rates {found.round(2)}, wanted {target.numpy()}")

# %% [markdown]
# ## What next
#
# * [Declaring a model](../declarations.md): delays, signs, outputs with weights, maps, complex states, functions of your own.
# * `on.nn.CircuitLayer(power_law, ...)` makes a layer of a declaration.
# * [Large circuits](08_large_circuits.ipynb).
