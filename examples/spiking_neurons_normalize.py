"""
A spiking network that a circuit normalizes
===========================================

The principal units of a circuit become populations of integrate-and-fire (LIF) and adaptive exponential neurons (AdEx, Brette
and Gerstner 2005). The circuit keeps its normalizers: they pool what the neurons fire, and gate what drives them. So squared
rates follow contrast as c**2/(c**2 + sigma**2), with sigma = 0.3 as c50. The f-I curves of the neurons, measured first, say
which current makes them fire as the circuit asks.
"""

import sys

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import Hz, ms, mV

import organics_neuro as on
from organics_neuro.experiments.naka_rushton import fit_naka_rushton

CELLS, UNITS, TOP = 300, 6, 100 * Hz
LIF = "dv/dt = (I - v)/(10*ms) + 0.3*xi/sqrt(10*ms) : 1 (unless refractory)\n"
ADEX = """
dv/dt = (30*nS*(-70.6*mV - v) + 60*nS*mV*exp((v + 50.4*mV)/(2*mV)) - w + I*nA)/(281*pF) + 3*mV*xi/sqrt(9*ms) : volt
dw/dt = (4*nS*(v + 70.6*mV) - w)/(144*ms) : amp
"""
KINDS = {
    "lif": (LIF, {"threshold": "v > 1", "reset": "v = 0", "refractory": 2 * ms}, 0),
    "adex": (ADEX, {"threshold": "v > -40*mV", "reset": "v = -70.6*mV; w += 80.5*pA"}, -70.6 * mV),
}


def neurons(kind, units, trials, shift=0.0):
    """Neurons of one kind, at the current ``shift + current`` (in nA for AdEx)."""
    (text, options, start), current = KINDS[kind], "I = shift + current : 1\nshift : 1 (shared, constant)\ncurrent : 1"
    group = b2.NeuronGroup(CELLS * units * trials, text + current, name=kind, method="euler", **options)
    group.v, group.shift = start, shift
    return on.set_trials(group, trials, CELLS)


def driven(circuit, trials):
    """A circuit that drives neurons of both kinds."""
    group = on.CircuitGroup(circuit, trials)
    kinds = [neurons(kind, 1, trials) for kind in KINDS]
    return b2.Network(group, kinds, [on.rate_to_current(group, each, "current", rate="x") for each in kinds]), group


def replaced(circuit, trials):
    """The circuit with LIF neurons for its principal units of even, AdEx neurons for those of odd number."""
    v1 = on.CircuitGroup(circuit, trials, replaced={"y": np.full(UNITS, True)})
    network = b2.Network(v1)
    for k, (kind, (slope, rheobase)) in enumerate(curves.items()):
        group, own = neurons(kind, UNITS // 2, trials, rheobase), np.eye(UNITS)[k::2]
        network.add(group, on.rate_to_current(v1, group, "current", float(TOP) / slope, "drive_y", own))
        network.add(on.spikes_to_rate(group, v1, "y", own.T, tau=10 * ms, maximum=TOP))
    return network, v1


options = {"seed": 1, "device": sys.argv[1] if len(sys.argv) > 1 else "runtime"}
options |= {"measure": [f"{kind}.firing_rate" for kind in KINDS], "duration": 2.0, "window": 1.6}
relay = on.CircuitModel("relay", "dx/dt = (z - x)/tau_x : 1\nz : 1\ntau_x : second", parameters={"tau_x": 1e-3})
f_i = on.experiments.f_i_curve(on.Circuit(relay, size=1), np.linspace(0, 4, 17), on.engines.Network(driven, **options))
axes, curves = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")[1], {}
for kind in KINDS:
    rate = f_i[f"{kind}.firing_rate"][:, 0]
    slope, offset = np.polyfit(f_i.drive[(rate > 10) & (rate < 70)], rate[(rate > 10) & (rate < 70)], 1)
    curves[kind] = slope, -offset / slope
    axes[0].plot(f_i.drive, rate, "o-", ms=4, label=f"{kind}: {slope:.0f} Hz per unit of current")
tuning = np.exp(np.cos(2 * np.pi * np.arange(UNITS) / UNITS) - 1)
circuit = on.Circuit("two_type_rectified", size=UNITS, sigma=0.3, b=1.5, b0=1.5, tau_y=10 * ms, tau_a=10 * ms)
shown = {"contrasts": np.geomspace(0.05, 1, 7), "stimulus": {"z": tuning / np.linalg.norm(tuning)}}
found = on.experiments.contrast_response(circuit, engine=on.engines.Network(replaced, **options), **shown).isel(mask=0)
theory = on.experiments.contrast_response(circuit, engine="theory", **shown).isel(mask=0)
for k, kind in enumerate(KINDS):
    rate, asked = found[f"{kind}.firing_rate"][:, 0], float(TOP) * np.sqrt(theory.rate_y[:, k])
    fit, worst = fit_naka_rushton(found.contrast, rate**2), float(abs(rate - asked).max())
    print(f"{kind}: c50 {fit['c50']:.3f}, exponent {fit['exponent']:.2f}, largest difference {worst:.1f} Hz")
    axes[1].semilogx(found.contrast, rate, f"C{k}o", ms=4, label=f"{kind}: $c_{{50}}$ {fit['c50']:.2f} of the square")
    axes[1].semilogx(theory.contrast, asked, f"C{k}", label="the circuit")
for ax, label in zip(axes, ("current (nA for AdEx)", "contrast"), strict=True):
    ax.set(xlabel=label, ylabel="firing rate (Hz)")
    ax.legend(frameon=False, fontsize=8)
plt.show()
