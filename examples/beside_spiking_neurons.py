"""
A circuit beside spiking neurons
================================

One network: a normalization circuit whose rates drive the currents of Hodgkin-Huxley and of leaky integrate-and-fire
neurons, and whose own drive their spikes feed. Linked variables and synapses of Brian2 join them.

With "cpp" as argument, the same script is generated, compiled and run as a C++ program.
"""

import sys

import brian2 as b2
import matplotlib.pyplot as plt
from brian2 import ms, mV, nA, nS, pF

import organics_neuro as on

on.use_device(sys.argv[1] if len(sys.argv) > 1 else "runtime")
b2.defaultclock.dt = 0.02 * ms
n = 24

# The circuit: its input is a stimulus plus filtered spikes, declared in a line of Brian2.
circuit = on.ring(n)
v1 = on.CircuitGroup(
    circuit,
    inputs={"z": "stimulus + feedback"},
    equations="dfeedback/dt = -feedback/(10*ms) : 1\nstimulus : 1 (constant)",
    name="v1",
)
v1.stimulus = on.stimuli.contrast_series(circuit, [0.5])

# Hodgkin-Huxley neurons with the channels of Traub and Miles (1991).
channels = {"C": 200 * pF, "g_L": 10 * nS, "E_L": -60 * mV, "g_Na": 20000 * nS, "E_Na": 50 * mV}
channels |= {"g_K": 6000 * nS, "E_K": -90 * mV, "V_T": -63 * mV, "scale": 4 * nA}
hh = b2.NeuronGroup(
    n,
    """
    dv/dt = (g_L*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*k**4*(E_K - v) + scale*rate)/C : volt
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    dk/dt = alpha_k*(1 - k) - beta_k*k : 1
    alpha_m = 1.28/exprel((13*mV - v + V_T)/(4*mV))/ms : Hz
    beta_m = 1.4/exprel((v - V_T - 40*mV)/(5*mV))/ms : Hz
    alpha_h = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms : Hz
    beta_h = 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms : Hz
    alpha_k = 0.16/exprel((15*mV - v + V_T)/(5*mV))/ms : Hz
    beta_k = 0.5*exp((10*mV - v + V_T)/(40*mV))/ms : Hz
    rate : 1 (linked)
    """,
    threshold="v > -20*mV",
    refractory=3 * ms,  # type: ignore  # Brian2 takes a time here, and declares a bool
    method="exponential_euler",
    namespace=channels,
    name="hh",
)
hh.rate = b2.linked_var(v1, "rate_y")
hh.v = -60 * mV

lif = b2.NeuronGroup(
    n,
    "dv/dt = (20*rate - v)/(10*ms) : 1\nrate : 1 (linked)",
    threshold="v > 1",
    reset="v = 0",
    method="euler",
    name="lif",
)
lif.rate = b2.linked_var(v1, "rate_y")

synapses = [b2.Synapses(group, v1, on_pre="feedback_post += 0.05", name=f"{group.name}_to_v1") for group in (hh, lif)]
for each in synapses:
    each.connect(j="i")

rates = b2.StateMonitor(v1, "rate_y", record=True)
spikes = {group.name: b2.SpikeMonitor(group) for group in (hh, lif)}
network = b2.Network(v1, hh, lif, *synapses, rates, *spikes.values())
network.run(200 * ms, report="text")
print({name: f"{monitor.num_spikes} spikes" for name, monitor in spikes.items()})

figure, axes = plt.subplots(3, 1, figsize=(7, 6), sharex=True, layout="constrained")
axes[0].imshow(rates.rate_y, aspect="auto", origin="lower", extent=(0, 200, 0, n), cmap="viridis")
axes[0].set(ylabel="unit", title="circuit: firing rate")
for ax, (name, monitor) in zip(axes[1:], spikes.items(), strict=True):
    ax.plot(monitor.t / ms, monitor.i, "k.", ms=2)
    ax.set(ylabel="neuron", title=name, ylim=(0, n))
axes[2].set(xlabel="time (ms)")
plt.show()
