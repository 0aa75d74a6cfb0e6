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
# # Oscillations and spectra
#
# A circuit that normalizes is a set of damped oscillators. Noise makes them visible, as a peak in the power spectrum whose frequency rises with
# contrast, as gamma oscillations do in visual cortex. We predict the spectrum, simulate it, and ask when an oscillation sustains itself.
#
# You need `pip install ".[plot]"`.

# %%
import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
b2.prefs.codegen.target = "numpy"  # small: nothing to compile

# %% [markdown]
# ## One unit is one oscillator
#
# With identity recurrence, linearise around the fixed point and divide the perturbation by the response: $\ddot q + B \dot q + K q = 0$.
# `on.theory.oscillators` gives natural frequency and damping ratio. Below a damping of 1 it rings.

# %%
unit = on.Circuit("two_type", size=1, sigma=0.1, b=0.5, b0=0.5, tau_y=2 * ms, tau_a=2 * ms)
contrasts = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
for c in contrasts:
    found, leading = on.theory.oscillators(unit, [c]), on.theory.eigenvalues(unit, [c])[0]
    print(
        f"contrast {c:4.2f}: natural frequency {found.natural_frequency[0]:5.1f} Hz, leading eigenvalue {leading:.0f} per second"
    )

# %% [markdown]
# The same is seen after a step: at low contrast the response creeps up, at high contrast it overshoots and rings.

# %%
trace = on.simulate(unit, contrasts[[1, 3, 5, 7], None], 100 * ms, record=["rate_y"])["rate_y"]
plt.figure(figsize=(6, 3.2), layout="constrained")
for k, c in enumerate(contrasts[[1, 3, 5, 7]]):
    plt.plot(np.linspace(0, 100, len(trace)), trace[:, k, 0] / trace[-1, k, 0], label=f"contrast {c}")
plt.xlabel("time (ms)")
plt.ylabel("firing rate / last value")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# ## The power spectrum
#
# Private white noise on every $y$. Theory needs no simulation: $S(f) = (i\omega - J)^{-1} C (i\omega - J)^{-H}$. In a ring the oscillation is in the
# *coherent mode*, the sum over units weighted by their drive.

# %%
ring, noise = on.ring(n=36), {"y": 1e-3}
shown = [0.05, 0.2, 0.4, 1.0]
linear = on.experiments.power_spectrum(ring, shown, noise, engine="theory", frequencies=np.arange(2, 201, 2.0))
simulated = on.experiments.power_spectrum(
    ring, [0.2, 1.0], noise, on.engines.Reference(trials=8, seed=1, duration=2000 * ms, dt=0.2 * ms), resolution=4.0
)
ax = on.plotting.power_spectrum(simulated, linear.sel(contrast=[0.2, 1.0]))
ax.set(xlim=(4, 200), ylim=(1e-11, None), title="Simulation, and theory (thin lines)")
plt.show()

# %% [markdown]
# What to look at: at contrast 0.2 the peak is at about 25 Hz, at 1 near 57 Hz, where the oscillator of one unit has its natural
# frequency. At low frequencies power *falls* with contrast, because the circuit is faster.
#
# ## The frequency rises with contrast
#
# `gamma` follows the peak. Where the oscillator is overdamped there is none, and the experiment says so by NaN.

# %%
peaks = on.experiments.gamma(ring, contrasts, noise)
print({float(c): round(float(p), 1) for c, p in zip(peaks.contrast, peaks.peak_frequency, strict=True)})
on.plotting.gamma(peaks)
plt.show()

# %% [markdown]
# ## Coherence
#
# Two units that share a stimulus oscillate together.

# %%
z = on.stimuli.contrast_series(ring, [1.0])[0]
frequencies = np.arange(2, 201, 2.0)
coherence = on.theory.coherence(ring, z, frequencies, noise, pairs=[(("y", 18), ("y", 19)), (("y", 18), ("y", 22))])
plt.figure(figsize=(5, 3.2), layout="constrained")
plt.plot(frequencies, coherence, label=["one apart", "four apart"])
plt.xlabel("frequency (Hz)")
plt.ylabel("squared coherence")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Damped, or sustained?
#
# All real parts are negative here: without noise the oscillation dies out, whatever the contrast (that is the theorem). The three-type circuit,
# with a modulator that anticipates, is different: its fixed point can be unstable, and it then runs into a limit cycle.

# %%
three = on.Circuit(
    "three_type", size=1, sigma=0.1, b=1 / 6, b0=1 / 6, alpha=1.0, tau_y=1 * ms, tau_u=1 * ms, tau_a=2 * ms
)
print(three.model)
print("eigenvalues:", on.theory.eigenvalues(three, [1.0]).round(1))
trace = on.simulate(three, [1.0], 300 * ms, on.engines.Reference(dt=0.05 * ms, method="rk4"), record=["y"])["y"][
    :, 0, 0
]
times = np.linspace(0, 300, len(trace))
late = trace[times > 150]
crossings = np.flatnonzero((late[1:] > late.mean()) & (late[:-1] <= late.mean()))
print(f"oscillates at {1e3 / (np.diff(crossings).mean() * (times[1] - times[0])):.1f} Hz")
plt.figure(figsize=(6, 3), layout="constrained")
plt.plot(times, trace)
plt.xlabel("time (ms)")
plt.ylabel("y")
plt.show()

# %% [markdown]
# The eigenvalues say how the oscillation starts; its final frequency is that of the limit cycle, which is another one.
#
# ## What next
#
# * Noise on `a`, or shared by all units (`on.Noise(1e-3, shared=True)`), gives other spectra: state where the noise is in any claim.
# * [Train and transfer](04_train_and_transfer.ipynb).
