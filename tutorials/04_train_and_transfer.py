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
# # Train and transfer
#
# In this tutorial a recurrent normalization circuit learns in torch to read handwritten digits, one row of 28 pixels a
# step. Then the *same* circuit, with the learned weights, runs in Brian2, and names the same digits.
#
# You need `pip install ".[torch,plot]"`.

# %%
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import torch
from brian2 import ms

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
b2.prefs.codegen.target = "numpy"  # the circuits here are small: nothing to compile

# %% [markdown]
# ## The circuit
#
# The model is called "gated". It is a declaration: Brian2 equations and couplings. `y` are the principal units, `a`
# the normalizer units; the gains `b` and `b0` follow the input and the activity.

# %%
torch.manual_seed(0)
rnn = on.nn.ORGaNICs(input_size=28, hidden_size=32, batch_first=True)
circuit = on.transfer.to_circuit(rnn, dt=1 * ms)
assert isinstance(circuit, on.Circuit)  # of one layer; several make a joined circuit
print(circuit.model)

# %% [markdown]
# ## Train
#
# The layer is called as `output, state = rnn(x)`. A digit is a sequence of 28 rows of 28 pixels; a linear layer reads
# the last state. To be quick we take a sixth of the data and a few epochs; with all the data and twice the units, the
# demo reaches about 98 % on the validation data. Note that gradients are not clipped.

# %%
digits = on.datasets.mnist()
torch.set_num_threads(1)  # matrices this small gain little from more
model = on.nn.SequenceClassifier(rnn, classes=10)
history = on.training.fit(
    model, digits.x_train[:10000], digits.y_train[:10000], epochs=4, lr=0.02, batch_size=100, progress=False
)
accuracy = on.training.accuracy(model, digits.x_test, digits.y_test)
print(f"validation accuracy by epoch: {np.round(history.validation_accuracy, 3)}; test accuracy {accuracy:.1%}")

# %% [markdown]
# ## Transfer
#
# One step of the layer is one Euler step of the circuit. With `dt=1*ms` the learned step sizes become time constants,
# τ = dt / step size. The circuit can be saved to a file that needs neither torch nor Brian2 to be read. Pages of this course write into the
# folder `output/` only.

# %%
circuit = on.transfer.to_circuit(rnn, dt=1 * ms)
assert isinstance(circuit, on.Circuit)
Path("output").mkdir(exist_ok=True)
circuit.save("output/digits.safetensors")
print(on.load("output/digits.safetensors") == circuit)
plt.figure(figsize=(4, 2.5), layout="constrained")
plt.hist([1e3 * circuit.parameters[name] for name in ("tau_y", "tau_a")], bins=20, label=["$\\tau_y$", "$\\tau_a$"])
plt.xlabel("learned time constant (ms)")
plt.ylabel("units")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# Is it really the same? `parity` runs both, in float64, and compares all states at every step. Then we let Brian2
# classify digits.

# %%
images = digits.x_test[:200]
print(on.transfer.parity(rnn, circuit, images))
engine = on.engines.Brian(dt=1 * ms)  # that of to_circuit
final = on.simulate(circuit, images.swapaxes(0, 1), 28 * ms, engine, every=None)["y"][-1]
scores = final @ model.readout.weight.detach().double().numpy().T + model.readout.bias.detach().double().numpy()
in_torch = on.training.predict(model, images).numpy()
print(f"Brian2 and torch agree on {np.sum(scores.argmax(1) == in_torch)} of {len(images)} digits")

# %% [markdown]
# ## A group like any other
#
# `CircuitGroup` is a `NeuronGroup`: it can be monitored, linked, and put into a network with spiking neurons. Here it
# reads one digit from a `TimedArray`, as users of Brian2 would do it.

# %%
rows = b2.TimedArray(digits.x_test[0], dt=1 * ms)
group = on.CircuitGroup(circuit, inputs={"x": "rows(t, i)"}, dt=1 * ms, name="reader")
monitor = b2.StateMonitor(group, ["y", "a"], record=True)
network = b2.Network(group, monitor)
network.run(28 * ms)

figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
axes[0].imshow(digits.x_test[0].T, cmap="gray_r")
axes[0].set(title="input, row by row", xlabel="time (ms)")
axes[1].plot(monitor.t / ms, monitor.y.T, lw=0.8)
axes[1].set(title="principal units y", xlabel="time (ms)")
axes[2].plot(monitor.t / ms, monitor.a.T, lw=0.8)
axes[2].set(title="normalizer units a", xlabel="time (ms)")
plt.show()

# %% [markdown]
# ## While it reads
#
# This network was trained on 28 steps, so it is measured as it is used, while it reads. Its responses do not settle, and nothing guarantees that they
# would: recurrence is learned. For a network whose normalization one can see, with stimuli that last, go on with
# [a trained network as a cortex](05_trained_cortex.ipynb).

# %%
visited = on.experiments.trajectories(circuit, digits.x_test[:5], eigenvalues_every=7, progress=False)
on.plotting.trajectories(visited).set(title="length of the states while five digits are read")
plt.show()
print(
    "leading eigenvalue on the way, largest of five digits:",
    visited.leading.max("sample").values.round(0),
    "per second",
)

# %% [markdown]
# ## What next
#
# * With all the data and twice the units, `organics demo` reaches about 98 % on the validation data, and classifies 10,000 digits in C++.
# * Networks that come with the package: `on.recipes.load("rows")`, and `organics recipes` for how they were trained.
# * [Your own data](../howto/own_data.md): checkpoints, resuming, several processes.
