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
# # Large circuits, sweeps and the GPU
#
# What a circuit costs depends on the structure of its weights. We measure it, study a sheet of ten thousand units without making a matrix, sweep a parameter
# in several processes, and see what changes for a compiled program and for a GPU.
#
# You need `pip install ".[plot]"`.

# %%
import tempfile
import time

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
b2.prefs.codegen.target = "numpy"  # nothing to compile

# %% [markdown]
# ## Structure
#
# Weights are operators: `Dense` costs N² per step, `Circulant` with few weights and `Convolution` cost their taps, `AllToAll` costs N.

# %%
sizes, seconds = [100, 400, 1600], {}
for name in ("dense", "structured"):
    for n in sizes:
        ring = on.ring(n=n)
        weights = dict(ring.weights)
        if name == "dense":
            weights = {key: on.Dense(value.to_dense()) for key, value in weights.items()}
        circuit = on.Circuit("two_type", weights, sigma=0.1)
        z = np.ones(n) / np.sqrt(n)
        on.simulate(circuit, z, 1 * ms)  # functions are made once
        start = time.perf_counter()
        on.simulate(circuit, z, 5 * ms)
        seconds.setdefault(name, []).append((time.perf_counter() - start) / 50)
plt.figure(figsize=(5, 3.2), layout="constrained")
for name, found in seconds.items():
    plt.loglog(sizes, 1e6 * np.array(found), "o-", label=name)
plt.xlabel("units")
plt.ylabel("time of one step (µs), NumPy")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Ten thousand units
#
# A sheet of 29 by 29 positions with 12 orientations each, broad pools, no matrix. Theory finds its fixed point and
# its leading eigenvalues by products with the Jacobian alone.

# %%
sheet = on.sheet(29, 29, 12)
print(sheet)
patch = on.stimuli.patch(sheet, radius=6, contrast=0.5, angle=90)
z = on.stimuli.drive(sheet, patch)
start = time.perf_counter()
point = on.theory.fixed_point(sheet, z)
print(f"{sheet.size:,} units: fixed point in {time.perf_counter() - start:.2f} s")
rates = sheet.outputs(point.state)["rate_y"].reshape(12, 29, 29)

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for ax, k in zip(axes, (3, 4), strict=True):
    ax.imshow(rates[k], cmap="magma", vmin=0, vmax=rates.max())
    ax.set(title=f"units that prefer {30 * k}°", xlabel="position x", ylabel="position y")
figure.colorbar(axes[0].images[0], ax=axes, label="firing rate")
plt.show()

# %% [markdown]
# ## Sweeps
#
# A sweep varies an argument of the experiment, of its engine, or a parameter of the circuit. Each point is a file: stop it, call it again, and it goes on.
# `workers=2` uses two processes, a dask `Client` a cluster (a script then needs `if __name__ == "__main__":`).

# %%
folder = tempfile.mkdtemp()
sigmas = [0.05, 0.1, 0.2, 0.4]
arguments = {"contrasts": np.geomspace(0.01, 1, 9), "engine": "theory"}
swept = on.experiments.sweep("contrast_response", on.ring(n=36), {"sigma": sigmas}, folder, workers=1, **arguments)
start = time.perf_counter()
on.experiments.sweep("contrast_response", on.ring(n=36), {"sigma": sigmas}, folder, workers=1, **arguments)
print(f"the second time, from files: {time.perf_counter() - start:.2f} s")
curves = swept.rate_y.isel(unit=18).squeeze()
plt.figure(figsize=(5, 3.2), layout="constrained")
for sigma in sigmas:
    plt.semilogx(swept.contrast, curves.sel(sigma=sigma), "o-", ms=3, label=f"$\\sigma$ = {sigma}")
plt.xlabel("contrast")
plt.ylabel("firing rate")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Many trials at once
#
# Trials share their weights: the products of all trials are one matrix product, which uses the processor far better than one trial after the other.

# %%
circuit = on.Circuit("two_type", {k: on.Dense(w.to_dense()) for k, w in on.ring(n=400).weights.items()})
per_trial = {}
for trials in (1, 16, 64):
    z = np.tile(np.ones(400) / 20, (trials, 1))
    start = time.perf_counter()
    on.simulate(circuit, z, 2 * ms)
    per_trial[trials] = 1e6 * (time.perf_counter() - start) / 20 / trials
print({trials: f"{value:.0f} µs for a step of one trial" for trials, value in per_trial.items()})

# %% [markdown]
# ## Compiled programs, and the GPU
#
# The same script becomes a C++ program by one line at its beginning, `on.use_device("cpp")`, or a CUDA program by `on.use_device("cuda")` (Python 3.12, extra
# `cuda`). Compiling takes some seconds, so it pays for long runs. A program can be run again with other inputs and weights:
#
# ```python
# on.use_device("cpp", build_on_run=False)
# v1 = on.CircuitGroup(circuit)
# network = b2.Network(v1)
# network.run(100 * ms)
# on.brian.build(run=False)
# ends = on.brian.sweep([{(v1, "z"): z} for z in stimuli], read=lambda: np.array(v1.y[:]), processes=2)
# ```
#
# Experiments take the device as an argument of their engine: `engine=on.engines.Brian(device="cpp", trials=16)`. For what runs where see
# [kernels](../kernels.md), for the GPU [cuda](../cuda.md), for clusters [sweeps on a cluster](../howto/cluster.md).
