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
# # Next to biophysical neurons
#
# A circuit is a group of Brian2, so it can stand next to Hodgkin–Huxley neurons in one network. We start with plain Brian2, add a
# normalization circuit that asks for a division by 1, 1.5 and 2, and look for a mechanism by which a neuron could divide. The obvious
# one, a conductance that shunts the drive, turns out to be wrong.
#
# You need `pip install ".[plot]"`; nothing is compiled here.

# %%
from typing import Any

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import Hz, ms, mV, nS, pA, pF
from scipy.optimize import curve_fit

import organics_neuro as on

plt.style.use("organics_neuro.organics")  # colours that all readers tell apart
b2.prefs.codegen.target = "numpy"  # few neurons: nothing to compile
b2.seed(1)
DURATION = 500 * ms

# %% [markdown]
# ## Plain Brian2
#
# The channels are those of Traub and Miles (1991). Three places are left open: what becomes of the drive, which other currents there
# are, and which variables those need. There is nothing else yet.

# %%
CHANNELS = {"C": 200 * pF, "g_L": 10 * nS, "E_L": -70 * mV, "g_Na": 20000 * nS, "E_Na": 50 * mV}
CHANNELS |= {"g_K": 6000 * nS, "E_K": -90 * mV, "V_T": -63 * mV, "E_i": -75 * mV}
EQUATIONS = """
dv/dt = (g_L*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + {drive} + {other})/C : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dh/dt = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms*(1 - h) - 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms*h : 1
dn/dt = alpha_n*(1 - n) - 0.5*exp((10*mV - v + V_T)/(40*mV))/ms*n : 1
alpha_m = 0.32/mV*(13*mV - v + V_T)/(exp((13*mV - v + V_T)/(4*mV)) - 1)/ms : hertz
beta_m = 0.28/mV*(v - V_T - 40*mV)/(exp((v - V_T - 40*mV)/(5*mV)) - 1)/ms : hertz
alpha_n = 0.032/mV*(15*mV - v + V_T)/(exp((15*mV - v + V_T)/(5*mV)) - 1)/ms : hertz
I_drive : amp (constant)
{variables}
"""


def neurons(drives, drive="I_drive", other="0*amp", variables=""):
    """Hodgkin-Huxley neurons, one for each drive (in pA)."""
    text = EQUATIONS.format(drive=drive, other=other, variables=variables)
    options: dict[str, Any] = {"threshold": "v > -20*mV", "refractory": "v > -40*mV", "name": "hh"}
    group = b2.NeuronGroup(len(drives), text, method="exponential_euler", namespace=CHANNELS, **options)
    group.v, group.h, group.I_drive = CHANNELS["E_L"], 1, drives * pA
    return group


drives = np.linspace(0, 900, 10)
hh = neurons(drives)
spikes, potential = b2.SpikeMonitor(hh), b2.StateMonitor(hh, "v", record=5)
b2.Network(hh, spikes, potential).run(DURATION)
plain = spikes.count / DURATION / Hz
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
axes[0].plot(potential.t / ms, potential.v[0] / mV)
axes[0].set(xlabel="time (ms)", ylabel="membrane potential (mV)", title=f"drive {drives[5]:.0f} pA")
axes[1].plot(drives, plain, "o-")
axes[1].set(xlabel="drive (pA)", ylabel="firing rate (Hz)", title="ten neurons")
plt.show()

# %% [markdown]
# ## A circuit that asks for a division
#
# One unit is enough. At the fixed point its response is what drives it, divided by $\sqrt a$: that is its normalizer. Three trials get
# inputs for which it is 1, 1.5 and 2 times what it is at rest. `equations` gives the group a variable that says by how much more than 1.

# %%
divisors = np.array([1, 1.5, 2])
circuit = on.Circuit("two_type", size=1, sigma=0.1)
EXCESS = "excess = sqrt(a)/(sigma*b0) - 1 : 1"


def normalizer():
    """The circuit in Brian2, three trials of one unit."""
    group = on.CircuitGroup(circuit, trials=3, equations=EXCESS, name="v1")
    group.z = 0.1 * np.sqrt(divisors[:, None] ** 2 - 1)
    return group


v1 = normalizer()
b2.Network(v1).run(DURATION)
print(f"asks for a division by {np.round(1 + v1.excess[:], 2)}")

# %% [markdown]
# ## Couple them
#
# `rate_to_conductance` brings a variable of the circuit into a variable of the neurons, checks the units, and keeps the trials apart: the
# neurons of the first trial see the normalizer of the first trial. `set_trials` tells it that the neurons, a plain group, have trials.
# The conductance is the leak times the excess; so the sum of both is the leak times what the circuit asks for.


# %%
def measure(drives, equations, couple, cells=1, each_step=None):
    """Rates (Hz) and mean potentials (mV), (trials, drives), of neurons that the circuit acts on."""
    v1, driven = normalizer(), np.repeat(drives, cells)
    hh = on.set_trials(neurons(np.tile(driven, 3), **equations), trials=3)
    if each_step:
        hh.run_regularly(each_step)
    coupling = couple(v1, hh, np.ones((len(driven), 1)))  # the one unit reaches all neurons of its trial
    spikes, potential = b2.SpikeMonitor(hh, record=False), b2.StateMonitor(hh, "v", record=True, dt=2 * ms)
    b2.Network(v1, hh, coupling, spikes, potential).run(DURATION)
    found = spikes.count / DURATION / Hz, np.mean(potential.v / mV, axis=1)
    return [np.reshape(values, (3, len(drives), cells)).mean(axis=2) for values in found]


def shunt(v1, hh, weights):
    return on.rate_to_conductance(v1, hh, "g_shunt", gain=10 * nS, rate="excess", weights=weights)


SHUNT = {"other": "g_shunt*(E_L - v)", "variables": "g_shunt : siemens"}
below = np.linspace(0, 60, 6)
potential = measure(below, SHUNT, shunt)[1]
depolarized = potential - potential[:, :1]
print(f"the depolarization is divided by {np.round(depolarized[0, -1] / depolarized[:, -1], 2)}")

# %% [markdown]
# Below threshold the shunt divides, very nearly as asked. Now let the neurons fire.
#
# ## Shunting subtracts
#
# We fit each curve by the first one, times a gain and shifted along the drive, and give the gain with two standard errors.


# %%
def show(drives, curves, ax, ylabel):
    """Points, and fits that are the first curve times a gain and shifted."""
    fit = lambda x, gain, shift: gain * np.interp(x - shift, drives, curves[0])  # noqa: E731
    ax.plot(drives, curves[0], "o-", ms=4, label="1")
    for k in (1, 2):
        best, errors = curve_fit(fit, drives, curves[k], p0=(0.9, 0.01 * drives[-1]))
        gain = f"gain {best[0]:.2f} ± {2 * errors[0, 0] ** 0.5:.2f}"
        print(f"{ylabel}: asked {1 / divisors[k]:.2f}, {gain}, shift {best[1]:.0f} pA")
        ax.plot(drives, curves[k], f"C{k}o", ms=4, label=f"1/{divisors[k]:g}: {gain}")
        fine = np.linspace(drives[0], drives[-1] + min(best[1], 0), 300)  # as far as the first curve is known
        ax.plot(fine, fit(fine, *best), f"C{k}")
    ax.set(xlabel="drive (pA)", ylabel=ylabel)
    ax.legend(title="asked for, and found", frameon=False, fontsize=8)


figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
show(below, depolarized, axes[0], "depolarization (mV)")
show(drives, measure(drives, SHUNT, shunt)[0], axes[1], "rate with a shunt (Hz)")
plt.show()

# %% [markdown]
# The gain of the firing rate does not fall; the curve is shifted. Spikes keep the mean potential near threshold, and there the shunt takes
# a nearly constant current (Holt and Koch 1997).
#
# ## A noisy background divides
#
# Cortical neurons receive a storm of excitation and inhibition that nearly cancel. If the circuit makes both stronger, the slope falls
# (Chance, Abbott and Reyes 2002). Here means grow with the strength, and standard deviations with its root, as for Poisson inputs whose
# rate grows. The factor 3.3 was chosen so that a division by 2 comes out right. Twelve neurons for each drive average the noise.


# %%
def excess(v1, hh, weights):
    return on.rate_to_current(v1, hh, "excess", rate="excess", weights=weights)


NOISE = """
g_e = clip(g_e + (12*nS*strength - g_e)*dt/(2.7*ms) + 6*nS*sqrt(2*strength*dt/(2.7*ms))*randn(), 0*nS, inf*nS)
g_i = clip(g_i + (51.6*nS*strength - g_i)*dt/(10.5*ms) + 12.9*nS*sqrt(2*strength*dt/(10.5*ms))*randn(), 0*nS, inf*nS)
"""
VARIABLES = "strength = 1 + 3.3*excess : 1\nexcess : 1\ng_e : siemens\ng_i : siemens"
BACKGROUND = {"other": "g_i*(E_i - v) - g_e*v", "variables": VARIABLES}  # excitation reverses at 0 mV
rates = measure(drives, BACKGROUND, excess, cells=12, each_step=NOISE)[0]
figure, ax = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
show(drives, rates, ax, "rate with a background (Hz)")
plt.show()

# %% [markdown]
# The gain falls to about half where the circuit asks for half; in between it falls less than asked.
#
# ## Or scale the drive
#
# If the excitation itself is scaled down, for example before the synapse, the neuron gets a drive that is divided already. Nobody has to
# measure what that does: it stretches the curve along the drive. A stretched straight line is one with a smaller gain.

# %%
SCALED = {"drive": "I_drive/(1 + excess)", "variables": "excess : 1"}
rates = measure(drives, SCALED, excess)[0]
figure, ax = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
show(drives, rates, ax, "rate with a scaled drive (Hz)")
plt.show()

# %% [markdown]
# The gain falls, but less than asked, for these curves are no straight lines: they start at a threshold, which is stretched as well and
# shows as a shift, and then they bend.
#
# ## Close the loop
#
# Spikes can drive the circuit in turn. `spikes_to_rate` filters them and adds them to what the circuit has as input: here the neurons
# raise the normalizer that divides their drive. An input of $z$ asks for a division by $\sqrt{1 + (z/0.1)^2}$.

# %%
v1 = on.CircuitGroup(circuit, equations=EXCESS, name="v1")
hh = neurons(drives, **SCALED)
down = excess(v1, hh, np.ones((len(drives), 1)))
mean = np.full((1, len(drives)), 0.2 / len(drives))  # z is 0.2 at a mean rate of 50 Hz
up = on.spikes_to_rate(hh, v1, target="z", weights=mean, tau=20 * ms, maximum=50 * Hz)
spikes, trace = b2.SpikeMonitor(hh), b2.StateMonitor(v1, "excess", record=0)
b2.Network(v1, hh, down, up, spikes, trace).run(DURATION)
late = 100 * ms  # when it has settled
rate = np.sum(spikes.t > late) / len(hh) / (DURATION - late) / Hz
asked, found = np.sqrt(1 + (0.2 * rate / 50 / 0.1) ** 2), 1 + trace.excess[0][trace.t > late].mean()
print(
    f"mean rate {rate:.0f} Hz, {plain.mean():.0f} Hz alone; this rate asks for {asked:.2f}, the normalizer is {found:.2f}"
)
plt.figure(figsize=(5, 3), layout="constrained")
plt.plot(trace.t / ms, 1 + trace.excess[0])
plt.axhline(asked, color="0.5", ls=":", label="asked for by the mean rate")
plt.xlabel("time (ms)")
plt.ylabel("normalizer (1: at rest)")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# Rate and normalizer agree. The ripples are the spikes of ten neurons, which a filter of 20 ms does not smooth away.
#
# ## What next
#
# * [What divides the response of Hodgkin-Huxley neurons?](../gallery/division_in_hodgkin_huxley.rst) is the same in one network and with
#   one second of spikes, and runs as a C++ program: `on.use_device("cpp")` before the first group.
# * Delays, Poisson neurons, units that are replaced by neurons, and which step a spike belongs to:
#   [simulating in Brian2](../simulation.md).
# * [Your own model](07_your_own_model.ipynb).
