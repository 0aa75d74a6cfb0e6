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
# # Train, transfer, experiment
#
# In this tutorial a recurrent normalization circuit learns in torch to read handwritten digits. Then the *same*
# circuit, with the learned weights, runs in Brian2, and we do to it what one does to a piece of cortex: show it
# stimuli of rising contrast, add masks, and ask whether its activity is stable.
#
# You need the extra `torch` and the extra `plot`. In the checkout:
#
# ```
# pip install -e ".[torch,plot]"
# ```

# %%
import warnings

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import torch
from brian2 import ms

import organics_neuro as on

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
# τ = dt / step size. The circuit can be saved to a file that needs neither torch nor Brian2 to be read.

# %%
circuit = on.transfer.to_circuit(rnn, dt=1 * ms)
assert isinstance(circuit, on.Circuit)
circuit.save("digits.safetensors")
print(on.load("digits.safetensors") == circuit)
plt.figure(figsize=(4, 2.5), layout="constrained")
plt.hist([1e3 * circuit.parameters[name] for name in ("tau_y", "tau_a")], bins=20, label=["$\\tau_y$", "$\\tau_a$"])
plt.xlabel("learned time constant (ms)")
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
# ## Experiment
#
# What has training made of normalization? We flash one row of a "3" at rising contrast, alone and together with a row
# of a "7" as a mask, and average the rates over the last 8 of 28 ms, the time that the circuit was trained for.

# %%
stimulus = digits.x_test[digits.y_test == 3][0, 14]
mask = digits.x_test[digits.y_test == 7][0, 10]
contrasts = np.geomspace(0.05, 2, 9)
with warnings.catch_warnings(action="ignore", category=on.errors.ConvergenceWarning):  # 28 ms are an onset response
    measured = on.experiments.contrast_response(
        circuit,
        contrasts,
        masks=[0, 1],
        stimulus=stimulus,
        mask_stimulus=mask,
        engine=on.engines.Brian(duration=28 * ms, window=8 * ms, dt=1 * ms),
    )
print(measured)

# %% [markdown]
# The dataset is labelled; select, average and plot it with xarray, or save it as NetCDF.

# %%
on.experiments.save(measured, "trained_contrast_response.nc")
strongest = measured.rate_y.sel(mask=0).isel(contrast=-1).values.argsort()[::-1]
figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained", sharey=True)
for ax, unit in zip(axes, strongest, strict=False):
    on.plotting.contrast_response(measured, unit=int(unit), ax=ax)
    ax.set(title=f"unit {unit}")
plt.show()

# %% [markdown]
# ## Stability
#
# Would the circuit settle if the stimulus stayed? Rawat, Heeger and Martiniani (2024) prove it for the circuit with
# identity recurrence. This one has *learned* recurrence, gains that follow its activity, and was trained on 28 steps
# only: nothing guarantees a steady state, so one has to look. `fixed_point` says where it found one and where not.

# %%
with warnings.catch_warnings(action="ignore", category=on.errors.ConvergenceWarning):
    points = on.theory.fixed_point(circuit, np.outer(contrasts[::4], stimulus))
    leading = on.theory.eigenvalues(circuit, np.outer(contrasts[::4], stimulus))[:, 0]
for contrast, found, value in zip(contrasts[::4], np.atleast_1d(points.converged), leading, strict=True):
    print(
        f"contrast {contrast:.2f}: "
        + (f"leading eigenvalue {value:.1f} per second" if found else "no steady state found")
    )

# %% [markdown]
# Compare with a ring circuit, where recurrence is fixed: all real parts are negative, at every contrast.

# %%
ring = on.ring(n=36)
for contrast, values in zip(
    contrasts[::4], on.theory.eigenvalues(ring, on.stimuli.contrast_series(ring, contrasts[::4])), strict=True
):
    print(f"contrast {contrast:.2f}: leading eigenvalue {values[0]:.1f} per second")
