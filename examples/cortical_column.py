"""
A cortical column
=================

A circuit for each of three layers, joined with delays: the input layer 4 drives layers 2/3, these drive layer 5, which
reaches back to layer 4. Adaptive exponential neurons (Brette and Gerstner 2005) carry the output. Responses begin in the
order of the layers. Feedback changes layer 4 when all three delays have passed; the loop then rings, here at about 24 Hz.
"""

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms, mV, nA

import organics_neuro as on

UNITS, CELLS, ONSET, DELAY, DT = 24, 10, 50 * ms, 5 * ms, 0.1 * ms
layers = {"l4": "layer 4", "l23": "layers 2/3", "l5": "layer 5"}
area, same = on.ring(UNITS, tau_y=4 * ms, tau_a=4 * ms), on.Circulant([1.0, *[0] * (UNITS - 1)])
steps = [
    on.Coupling(f"{to}.z", weights=same, source=f"{of}: relu(y)", delay=DELAY)
    for of, to in [("l4", "l23"), ("l23", "l5")]
]
ADEX = """
dv/dt = (30*nS*(-70.6*mV - v) + 60*nS*mV*exp((v + 50.4*mV)/(2*mV)) - w + I_syn)/(281*pF) + 3*mV*xi/sqrt(9*ms) : volt
dw/dt = (4*nS*(v + 70.6*mV) - w)/(144*ms) : amp
I_syn : amp
"""


def respond(feedback):
    """The column before and after the onset of a grating: y of each layer, (units, times), and spikes of the output."""
    back = on.Coupling("l4.recurrent", weights=feedback * same, source="l5: relu(y)", delay=DELAY)
    groups = on.groups(on.join(dict.fromkeys(layers, area), [*steps, back]), dt=DT)
    adex = b2.NeuronGroup(
        UNITS * CELLS, ADEX, threshold="v > -40*mV", reset="v = -70.6*mV; w += 80.5*pA", method="euler", dt=DT
    )
    adex.v = -70.6 * mV
    out = on.rate_to_current(
        groups["l5"], on.set_trials(adex, 1, CELLS), "I_syn", gain=4 * nA, rate="rate_y", delay=DELAY
    )
    traces = {name: b2.StateMonitor(group, "y", record=True) for name, group in groups.items()}
    spikes = b2.SpikeMonitor(adex)
    network = b2.Network(groups.values(), adex, out, traces.values(), spikes)
    network.run(ONSET)
    groups["l4"].z = on.stimuli.contrast_series(area, [0.3])[0]
    network.run(200 * ms)
    return {name: trace.y[:] for name, trace in traces.items()}, spikes


b2.seed(1)
(alone, _), (found, spikes) = respond(0.0), respond(0.5)
time = np.arange(found["l4"].shape[1]) * DT / ms - ONSET / ms
best = found["l4"][:, -1].argmax()
figure, axes = plt.subplots(3, 1, figsize=(7, 7), sharex=True, layout="constrained", height_ratios=[1, 1, 1.4])
for k, (name, title) in enumerate(layers.items()):
    y = found[name][best]
    half = time[np.argmax(y > y[-1] / 2)]
    print(f"{title}: half of its response after {half:.1f} ms")
    axes[0].plot(time, y, f"C{k}", label=f"{title}: half after {half:.1f} ms")
changed = np.abs(found["l4"][best] - alone["l4"][best]) > 0
print(f"feedback reaches layer 4 after {time[np.argmax(changed)]:.1f} ms, and changes its response ", end="")
print(f"from {alone['l4'][best, -420:].mean():.3f} to {found['l4'][best, -420:].mean():.3f}")  # a period, in steps
peaks = np.flatnonzero(np.diff(np.sign(np.diff(found["l4"][best]))) < 0)
print(f"it rings at {1e3 / np.diff(time[peaks]).mean():.0f} Hz")
driven, late = spikes.i // CELLS == best, spikes.t > ONSET + 100 * ms
print(f"output neurons of the preferred unit: {np.sum(driven & late) / CELLS / 0.1:.0f} Hz")
axes[1].plot(time, alone["l4"][best], "C0--", label="layer 4 without feedback")
axes[1].plot(time, found["l4"][best], "C0", label="with feedback from layer 5")
axes[1].axvline(time[np.argmax(changed)], color="0.6", ls=":", label="feedback arrives")
axes[2].plot(spikes.t / ms - ONSET / ms, spikes.i / CELLS, "k|", ms=2)
axes[0].set(ylabel="y, preferred unit")
axes[1].set(ylabel="y, preferred unit")
axes[2].set(
    xlabel="time after the onset of the grating (ms)", ylabel="unit of layer 5", title="Spikes of output neurons"
)
for ax in axes[:2]:
    ax.legend(frameon=False, fontsize=8)
plt.show()
