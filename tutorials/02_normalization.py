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
# # Normalization
#
# A neuron that is normalized does not say how strong its stimulus is, but how strong it is *compared with* all that the pool sees.
# Five classical experiments show it. For each we write down what the normalization equation predicts, then measure.
#
# You need `pip install ".[plot]"`.

# %%
import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
b2.prefs.codegen.target = "numpy"  # small: nothing to compile
circuit = on.ring(n=36, sigma=0.1, b=0.5, b0=0.5)

# %% [markdown]
# ## The equation
#
# At the fixed point of a circuit with recurrence that sustains its input,
#
# $$ R_i = y_i^2 = \frac{(b z_i)^2}{\sigma^2 b_0^2 + \sum_j (b z_j)^2}. $$
#
# ## 1. Contrast response
#
# *Prediction:* for a grating of contrast $c$, $R = R_\mathrm{max}\, c^2/(c^2 + c_{50}^2)$ with $c_{50} = \sigma b_0 / b = 0.1$.

# %%
contrasts = np.geomspace(0.01, 1, 11)
theory = on.experiments.contrast_response(circuit, contrasts, engine="theory")
measured = on.experiments.contrast_response(circuit, contrasts)  # in Brian2
print("Brian2 and theory differ by", float(abs(measured.rate_y - theory.rate_y).max()))
r = theory.rate_y.isel(unit=18).squeeze().values
print("c50 from the curve:", np.interp(r[-1] * 1.01 / 2, r, contrasts).round(3))
on.plotting.contrast_response(measured, fit="naka_rushton").set(title="Contrast response in Brian2, and its fit")
plt.show()

# %% [markdown]
# ## 2. A mask adds to the pool
#
# Superimpose a grating at right angles. It does not drive the unit, but it drives the pool. *Prediction:*
# $R = R_\mathrm{max}\, c^2/(c^2 + c_m^2 + c_{50}^2)$: the curve moves to the right, to $\sqrt{c_{50}^2 + c_m^2}$, and keeps its shape.

# %%
masks = [0, 0.1, 0.5]
masked = on.experiments.contrast_response(circuit, contrasts, masks=masks, mask_angle=0, engine="theory")
peak = masked.rate_y.sel(contrast=0.1, method="nearest").isel(unit=18)
for mask in masks:
    ratio = float(peak.sel(mask=mask) / peak.sel(mask=0))
    print(f"mask {mask}: response x {ratio:.3f}, predicted {(0.1**2 + 0.1**2) / (0.1**2 + mask**2 + 0.1**2):.3f}")
on.plotting.contrast_response(masked, fit="naka_rushton").set(title="A mask shifts the curve")
plt.show()

# %% [markdown]
# ## 3. Tuning keeps its width
#
# All units are divided by the same number, so contrast scales the tuning curve. *Prediction:* the half width is the same at every contrast.
# Without normalization (an expansive nonlinearity with a threshold) tuning would widen.

# %%
tuning = on.experiments.orientation_tuning(circuit, [0.05, 0.2, 1.0], engine="theory")
print("half widths:", tuning.half_width.values.round(2), "degrees")
on.plotting.orientation_tuning(tuning).set(title="Orientation tuning")
plt.show()

# %% [markdown]
# ## 4. Surround suppression
#
# Now the pool is broader in space than the receptive field: `on.sheet` puts units on a line. *Prediction:* as a patch grows, it first drives the
# unit, then only the pool. The response peaks and falls; at high contrast it peaks at a smaller size.

# %%
line = on.sheet(1, 81, receptive_field=1.5, pool=5.0)
sizes = on.experiments.size_tuning(line, range(0, 31, 1), engine="theory")
print("suppression at contrasts 0.1, 0.3, 1:", sizes.suppression_index.values.round(2))
on.plotting.size_tuning(sizes).set(title="Size tuning")
plt.show()

# %% [markdown]
# ## 5. Attention turns gains
#
# Attention multiplies the input gain $b$ of the attended units. *Prediction:* with a field that covers all units, $c_{50}$ is halved when
# $b$ doubles: contrast gain, not response gain.

# %%
attended = on.experiments.attention(circuit, contrasts, engine="theory", strength=2.0)
print("c50 away and attended:", attended.c50.values.round(3), "largest rate:", attended.r_max.values.round(3))
on.plotting.attention(attended).set(title="Attention shifts the curve to the left")
plt.show()

# %% [markdown]
# ## What if recurrence does not sustain the input?
#
# The closed form holds for identity recurrence, and for a ring, whose recurrence passes the input patterns unchanged. Weaken the
# recurrence by a fifth, and the curve moves to the right and becomes steeper, because weak stimuli are amplified less. `fixed_point`
# then searches instead of using the formula.

# %%
weaker = on.Circuit(
    "two_type", {"W_r": 0.8 * circuit.weights["W_r"], "W": circuit.weights["W"]}, sigma=0.1, b=0.5, b0=0.5
)
z = on.stimuli.contrast_series(circuit, contrasts)
rates = [c.outputs(on.theory.fixed_point(c, z).state)["rate_y"][:, 18] for c in (circuit, weaker)]
plt.figure(figsize=(5, 3.4), layout="constrained")
for values, label in zip(rates, ("$W_r$", "0.8 $W_r$"), strict=True):
    plt.semilogx(contrasts, values, "o-", ms=4, label=label)
plt.xlabel("contrast")
plt.ylabel("firing rate")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# ## What next
#
# * Give any of these experiments `engine="brian"`, or a circuit of your own: they only ask for a circuit.
# * [Oscillations and spectra](03_oscillations.ipynb).
