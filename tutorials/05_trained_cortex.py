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
# # A trained network as a cortex
#
# A network learns to say at which angle a grating stands, whatever its contrast. Then we treat it as a piece of visual cortex: we look for
# receptive fields, measure contrast responses with and without a mask, and ask whether it is stable. Is what it has learned normalization?
#
# For that question the stimulus must *last* until the responses settle, and the circuit must be one that settles. So the network has
# identity recurrence, whose stability is proved, and time constants short against the stimulus.
#
# You need `pip install ".[torch,plot]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from brian2 import ms

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
torch.manual_seed(0)
torch.set_num_threads(1)

# %% [markdown]
# ## The task
#
# Sixteen channels, tuned to angle, report a grating of random contrast, with noise. The stimulus stays on for 50 steps of 1 ms; two
# numbers are read from the rates at the end: cosine and sine of the angle.

# %%
CHANNELS, UNITS, STEPS = 16, 24, 50
preferred = 2 * np.pi * torch.arange(CHANNELS) / CHANNELS


def tuned(angle):
    return torch.exp(2 * (torch.cos(torch.as_tensor(angle)[..., None] - preferred) - 1))


def gratings(count, generator, lowest=0.05):
    """Stimuli (count, channels), and their angles."""
    angle = 2 * np.pi * torch.rand(count, generator=generator)
    contrast = lowest ** torch.rand(count, generator=generator)  # from `lowest` to 1, evenly in the logarithm
    return contrast[:, None] * tuned(angle) + 0.02 * torch.randn(count, CHANNELS, generator=generator), angle


# %% [markdown]
# ## The network
#
# `CircuitLayer` makes a layer of any declared model, here of the two-type circuit. It learns the input weights `W_zx` (their largest singular value
# is kept at 1 or below, so that no step is too large) and the pool `W` (kept positive). The semisaturation and the gains are fixed.

# %%
layer = on.nn.CircuitLayer(
    "two_type",
    CHANNELS,
    UNITS,
    batch_first=True,
    parametrizations={"W_r": "identity", "W_zx": "spectral"},
    parameters={"sigma": 0.3, "b": 1.0, "b0": 1.0},
    fixed=["sigma", "b", "b0"],
    max_step=0.25,
    learned_steps=False,
    dt=1 * ms,
)
readout = torch.nn.Linear(UNITS, 2)


def read(stimuli):
    output, _ = layer(stimuli[:, None].expand(-1, STEPS, -1))
    return readout(output[:, -1] ** 2)  # the firing rate is y²


def error(count=500):
    """Median error of the angle in degrees, on stimuli that training has not seen."""
    with torch.no_grad():
        stimuli, angle = gratings(count, torch.Generator().manual_seed(2))
        cosine, sine = read(stimuli).T
        wrong = torch.atan2(sine, cosine) - angle
        return float(torch.rad2deg(torch.atan2(torch.sin(wrong), torch.cos(wrong)).abs().median()))


untrained = layer.to_circuit(dt=1 * ms)
print(f"median error before training: {error():.0f} degrees")

# %% [markdown]
# A training loop of one's own, as for any torch module.

# %%
optimizer = torch.optim.Adam([*layer.parameters(), *readout.parameters()], lr=0.01)
generator, losses = torch.Generator().manual_seed(1), []
for _ in range(200):
    stimuli, angle = gratings(64, generator)
    loss = (read(stimuli) - torch.stack([torch.cos(angle), torch.sin(angle)], 1)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"median error after training: {error():.1f} degrees")

# %% [markdown]
# ## Receptive fields
#
# From here on there is no torch: the layer becomes a circuit. What did training do to the input weights?

# %%
circuit = layer.to_circuit(dt=1 * ms)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
axes[0].plot(losses)
axes[0].set(xlabel="batch", ylabel="mean squared error", title="training")
for ax, each, title in zip(axes[1:], (untrained, circuit), ("before training", "after training"), strict=True):
    weights = each.weights["W_zx"].to_dense()
    order = np.argsort(np.angle(weights @ np.exp(1j * preferred.numpy())))
    ax.imshow(weights[order], aspect="auto", cmap="RdBu_r", vmin=-0.4, vmax=0.4)
    ax.set(xlabel="input channel", ylabel="unit, sorted", title=title)
figure.colorbar(axes[2].images[0], ax=axes[2], label="input weight")
plt.show()

# %% [markdown]
# Before training the weights are random. After it a handful of units have strong weights from a few neighbouring channels: tuned receptive fields,
# spread around the circle. The others are left nearly silent.
#
# ## Does it normalize?
#
# We do what one would do in the laboratory: choose the unit that answers most to a grating, raise the contrast, then add a mask at right angles.
# The stimulus lasts 400 ms, so responses settle; we average the last 50 ms, and compare with the fixed point.

# %%
contrasts = np.geomspace(0.02, 1, 9)
grating, mask = tuned(np.pi).double().numpy(), tuned(np.pi / 2).double().numpy()
shown = {"stimulus": grating, "mask_stimulus": mask, "masks": [0, 0.3, 1.0]}
measured = on.experiments.contrast_response(
    circuit, contrasts, engine=on.engines.Reference(dt=1 * ms, duration=400 * ms, window=50 * ms), **shown
)
theory = on.experiments.contrast_response(circuit, contrasts, engine="theory", **shown)
print("measured and fixed point differ by", float(abs(measured.rate_y - theory.rate_y).max()))
unit = int(measured.rate_y.sel(mask=0).isel(contrast=-1).argmax())
response = measured.rate_y.isel(unit=unit)

# %% [markdown]
# Three signs of normalization. The response *saturates*; it follows a Naka-Rushton function; and a mask that hardly drives the unit
# *shifts the curve to the right* instead of adding to it.

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
on.plotting.contrast_response(measured, unit=unit, fit="naka_rushton", ax=axes[0])
axes[0].set(title=f"unit {unit}: a mask shifts the curve")
alone = response.sel(mask=0)
axes[1].loglog(contrasts, alone, "o", label="measured")
axes[1].loglog(
    contrasts, alone[0].item() * (contrasts / contrasts[0]) ** 2, "--", color="0.5", label="without normalization"
)
axes[1].set(xlabel="contrast", ylabel="firing rate", ylim=(None, 3 * alone.max().item()), title="and it saturates")
axes[1].legend(frameon=False)
plt.show()
fits = on.experiments.fit_naka_rushton(contrasts, alone.values)
print("fit without mask:", fits)
print(
    "suppression by the mask at contrast 0.1:",
    float(1 - response.sel(contrast=0.1, method="nearest")[1] / response.sel(contrast=0.1, method="nearest")[0]),
)

# %% [markdown]
# ## What did training do, and what was there before?
#
# Saturation and suppression are in the equations: the untrained network has them as well. What training made is the *tuning*. Below are the rates of the
# six most active units against the angle of the grating, as fractions of the largest rate, at contrast 0.1 (dashed) and 1.

# %%
angles = np.linspace(0, 2 * np.pi, 73)
shown = tuned(angles).double().numpy()
figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained", sharey=True)
for ax, each, title in zip(axes, (untrained, circuit), ("before training", "after training"), strict=True):
    found = [each.outputs(on.theory.fixed_point(each, c * shown).state)["rate_y"] for c in (0.1, 1.0)]
    most = found[1].max(axis=0).argsort()[-6:]
    for unit, colour in zip(most, plt.rcParams["axes.prop_cycle"].by_key()["color"], strict=False):
        for rates, style in zip(found, ("--", "-"), strict=True):
            ax.plot(np.rad2deg(angles), rates[:, unit] / rates.max(), style, color=colour)
    ax.set(xlabel="angle of the grating (degrees)", title=title)
axes[0].set(ylabel="rate / largest rate")
plt.show()

# %% [markdown]
# Dashed and solid lines nearly coincide: contrast changes how much the population answers, hardly its pattern. So *one* linear readout can be right at every
# contrast, and it is normalization that makes it so. After training the curves are narrow and cover the circle.

# %% [markdown]
# ## Is it stable?
#
# With identity recurrence it must be, for every input. We look anyway.

# %%
random = np.random.default_rng(0).normal(size=(50, CHANNELS))
leading = np.real(on.theory.eigenvalues(circuit, random)).max(axis=1)
print(f"leading eigenvalue over 50 random inputs: at most {leading.max():.1f} per second")

# %% [markdown]
# For a network with *learned* recurrence there is no such theorem: there `on.experiments.leading_eigenvalues` and `trajectories` tell. The digits of
# `on.recipes.load("rows")` are read in 28 ms, too short to settle, and its leading eigenvalue becomes positive on the way.
#
# ## What next
#
# * Ask for the angle of the *stronger* of two gratings, and see what becomes of the pool.
# * [Next to biophysical neurons](06_beside_biophysical_neurons.ipynb).
