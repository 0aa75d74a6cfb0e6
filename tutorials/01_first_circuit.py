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
# # A first circuit
#
# Thirty-six units prefer orientations around a circle. They excite their neighbours, and all of them share one
# normalization pool. We look at the circuit, run it in NumPy and in Brian2, and compare with what the theory says.
#
# You need `pip install ".[plot]"`; nothing is compiled here.

# %%
import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
b2.prefs.codegen.target = "numpy"  # small: nothing to compile

# %% [markdown]
# ## A circuit is data
#
# A circuit is a model (equation text and couplings), weights, and parameters. `on.ring` makes one of a few numbers.

# %%
circuit = on.ring(n=36, sigma=0.1)
print(circuit.model)
print({name: circuit.parameters[name] for name in ("sigma", "b", "b0", "tau_y", "tau_a")})

# %% [markdown]
# `y` are the principal neurons, `a` the normalizer neurons. `recurrent` and `pool` are what the two couplings deliver. Their
# weights are operators that know their structure: the recurrence is circulant, the pool is one number for all pairs.

# %%
print(circuit.weights)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
image = axes[0].imshow(circuit.weights["W_r"].to_dense(), cmap="RdBu_r", vmin=-0.7, vmax=0.7)
axes[0].set(title="recurrent weights $W_r$", xlabel="from unit", ylabel="to unit")
figure.colorbar(image, ax=axes[0], label="weight")
z = on.stimuli.contrast_series(circuit, [0.1, 0.5, 1.0], angle=180)  # (contrasts, units)
axes[1].plot(on.stimuli.preferred(circuit)["angle"], z.T)
axes[1].set(title="input drive $z$ of a grating at 180°", xlabel="preferred angle (degrees)", ylabel="z")
axes[1].legend(["contrast 0.1", "contrast 0.5", "contrast 1"], frameon=False)
plt.show()

# %% [markdown]
# Angles are degrees around the circle; for orientation, 360° stand for 180° of the visual field.
#
# ## Run it
#
# `on.simulate` is one call for every engine. Arrays are (steps, trials, units): the three contrasts run side by side, as trials.

# %%
found = on.simulate(circuit, z, 80 * ms, record=["y", "a", "rate_y"])  # the reference simulator, in NumPy
in_brian = on.simulate(circuit, z, 80 * ms, "brian", record=["y", "a", "rate_y"])
print({name: values.shape for name, values in found.items()})
print("Brian2 and NumPy differ by", max(np.abs(found[name] - in_brian[name]).max() for name in found))

# %% [markdown]
# What to look at: strong contrasts are answered quickly, with an overshoot, weak ones slowly. The steady rates grow much less than the
# contrast: from 0.5 to 1 it doubles, and the rate barely changes. That is normalization.

# %%
point = on.theory.fixed_point(circuit, z)
steady = circuit.outputs(point.state)["rate_y"]  # (contrasts, units)
times = np.linspace(0, 80, len(found["rate_y"]))
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for k, contrast in enumerate((0.1, 0.5, 1.0)):
    (line,) = axes[0].plot(times, found["rate_y"][:, k, 18], label=f"contrast {contrast}")
    axes[0].axhline(steady[k, 18], color=line.get_color(), ls=":", lw=1)
axes[0].set(xlabel="time (ms)", ylabel="firing rate $y^2$", title="unit 18, dotted: fixed point")
axes[0].legend(frameon=False)
axes[1].plot(on.stimuli.preferred(circuit)["angle"], found["rate_y"][-1].T)
axes[1].set(xlabel="preferred angle (degrees)", ylabel="firing rate $y^2$", title="all units at the end")
plt.show()

# %% [markdown]
# ## As a group of Brian2
#
# `CircuitGroup` is a `NeuronGroup`: one neuron for each unit and trial. Record it, link it, put it beside spiking neurons.

# %%
v1 = on.CircuitGroup(circuit, trials=3, name="v1")
v1.z = z
monitor = b2.StateMonitor(v1, ["rate_y", "a"], record=True)
network = b2.Network(v1, monitor)
network.run(80 * ms)
rates = v1.per_trial(monitor.rate_y)  # (trials, units, times)
print(rates.shape, "largest difference from the fixed point:", np.abs(rates[1:, :, -1] - steady[1:]).max())

# %% [markdown]
# The weakest contrast has not settled after 80 ms. How long does it take? Near the fixed point a unit relaxes with
# $\tau_y/\sqrt{a}$; the leading eigenvalue says the same.

# %%
for contrast, a, leading in zip(
    (0.1, 0.5, 1.0), point.state["a"], on.theory.eigenvalues(circuit, z)[:, 0], strict=True
):
    print(
        f"contrast {contrast}: tau_y/sqrt(a) = {2 / np.sqrt(a[18]):5.1f} ms, leading eigenvalue {leading:.1f} per second"
    )

# %% [markdown]
# ## What next
#
# * [Normalization](02_normalization.ipynb): contrast, masks, tuning, surrounds, attention.
# * Change `sigma`, or give `on.ring(n=36, b=1.0)`, and run this page again.
