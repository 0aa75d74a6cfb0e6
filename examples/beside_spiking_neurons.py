"""
A circuit beside spiking neurons
================================

One network: a normalization circuit whose rates drive the currents of Hodgkin-Huxley and of leaky integrate-and-fire
neurons, and whose own drive their spikes feed.

With "cpp" as argument, the same script is generated, compiled and run as a C++ program.
"""

import sys

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms, mV, nA, nS, pF

import organics_neuro as on

on.use_device(sys.argv[1] if len(sys.argv) > 1 else "runtime")
b2.defaultclock.dt = 0.02 * ms
n = 24
circuit = on.ring(n)
v1 = on.CircuitGroup(circuit, name="v1")
v1.z = on.stimuli.contrast_series(circuit, [0.5])

# Hodgkin-Huxley neurons with the channels of Traub and Miles (1991), silent at rest.
channels = {"C": 200 * pF, "g_L": 10 * nS, "E_L": -70 * mV, "g_Na": 20000 * nS, "E_Na": 50 * mV}
channels |= {"g_K": 6000 * nS, "E_K": -90 * mV, "V_T": -63 * mV}
hh = b2.NeuronGroup(
    n,
    """
    dv/dt = (g_L*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*k**4*(E_K - v) + I_syn)/C : volt
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    dk/dt = alpha_k*(1 - k) - beta_k*k : 1
    alpha_m = 1.28/exprel((13*mV - v + V_T)/(4*mV))/ms : Hz
    beta_m = 1.4/exprel((v - V_T - 40*mV)/(5*mV))/ms : Hz
    alpha_h = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms : Hz
    beta_h = 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms : Hz
    alpha_k = 0.16/exprel((15*mV - v + V_T)/(5*mV))/ms : Hz
    beta_k = 0.5*exp((10*mV - v + V_T)/(40*mV))/ms : Hz
    I_syn : amp
    """,
    threshold="v > -20*mV",
    refractory="v > -40*mV",  # type: ignore  # Brian2 takes a condition here, and declares a bool
    method="exponential_euler",
    namespace=channels,
    name="hh",
)
hh.v, hh.h = -70 * mV, 1
text = "dv/dt = (I_syn - v)/(10*ms) : 1\nI_syn : 1"
lif = b2.NeuronGroup(n, text, threshold="v > 1", reset="v = 0", method="euler", name="lif")

currents = [on.rate_to_current(v1, hh, gain=4 * nA), on.rate_to_current(v1, lif, gain=20)]
drives = [on.spikes_to_rate(group, v1, weights=on.AllToAll(n, 0.1 / n)) for group in (hh, lif)]
rates = b2.StateMonitor(v1, "rate_y", record=True)
spikes = {"Hodgkin-Huxley": b2.SpikeMonitor(hh), "integrate and fire": b2.SpikeMonitor(lif)}
b2.Network(v1, hh, lif, *currents, *drives, rates, *spikes.values()).run(200 * ms, report="text")
driven = abs(v1.z[:]) > 0.01
print(f"spikes of neurons without drive: {sum(np.asarray(m.count)[~driven].sum() for m in spikes.values())}")
print({name: f"{monitor.num_spikes} spikes" for name, monitor in spikes.items()})

figure, axes = plt.subplots(3, 1, figsize=(7, 6), sharex=True, layout="constrained")
image = axes[0].imshow(rates.rate_y, aspect="auto", origin="lower", extent=(0, 200, -0.5, n - 0.5), cmap="viridis")
figure.colorbar(image, ax=axes[0], label="firing rate")
axes[0].set(ylabel="unit", title="circuit")
for ax, (name, monitor) in zip(axes[1:], spikes.items(), strict=True):
    ax.plot(monitor.t / ms, monitor.i, "k|", ms=4)
    ax.set(ylabel="neuron", title=f"{name}: spikes", ylim=(-0.5, n - 0.5))
axes[2].set(xlabel="time (ms)", xlim=(0, 200))
plt.show()
