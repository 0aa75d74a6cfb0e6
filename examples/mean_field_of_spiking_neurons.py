"""
Spiking neurons and their mean field
====================================

The rate of integrate-and-fire neurons with white noise is known in closed form (Siegert 1951; Amit and Brunel 1997). A
circuit that is declared with that f-I curve, and 200 neurons that a circuit drives, fire at the same rate within 2 Hz: alone,
and with recurrent inhibition, where the rate is that of the fixed point.
"""

import sys

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import Hz, ms
from scipy.special import erfcx

import organics_neuro as on

CELLS, TAU, DEAD, SIGMA, DT = 200, 0.02, 0.002, 0.4, 1e-4
TOP = 1 + 0.5826 * SIGMA * np.sqrt(DT / TAU)  # steps miss crossings of 1 (Broadie, Glasserman and Kou 1997)


def lif_rate(x):
    """Rate at the mean input x, where threshold and reset are 1 and 0, as a fraction of 100 Hz."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    low, width = -np.asarray(x, dtype=float)[..., None] / SIGMA, TOP / SIGMA
    integral = np.sum(erfcx(-(low + width * (nodes + 1) / 2)) * weights, axis=-1) * width / 2
    return 0.01 / (DEAD + TAU * np.sqrt(np.pi) * integral)


# its derivative: erfcx(-x) is exp(x**2)*(1 + erf(x))
ends = [f"exp((({value} - x)/{SIGMA})**2)*(1 + erf(({value} - x)/{SIGMA}))" for value in (TOP, 0)]
slope = f"{100 * TAU * np.sqrt(np.pi) / SIGMA}*lif_rate(x)**2*({ends[0]} - {ends[1]})"
on.register_function("lif_rate", lif_rate, slope)
text = "dI/dt = (z - inhibition - I)/tau_I : 1\nz : 1\ninhibition : 1\ntau_I : second"
inhibits = on.Coupling("inhibition", "W", "lif_rate(I)")
declared = on.CircuitModel(
    "mean_field", text, [inhibits], parameters={"tau_I": 5e-3}, outputs={"rate_I": "lif_rate(I)"}
)
text = "dI/dt = (z - I)/tau_I : 1\nz : 1\ntau_I : second"
relay = on.Circuit(on.CircuitModel("relay", text, parameters={"tau_I": 5e-3}), size=1)


def build(strength):
    """A function that makes the network: a circuit drives neurons, which inhibit it."""

    def network(circuit, trials):
        group = on.CircuitGroup(circuit, trials, dt=DT * b2.second)
        text = "dv/dt = (current - v)/tau + sigma*xi/sqrt(tau) : 1 (unless refractory)\ncurrent : 1"
        options = {"threshold": "v > 1", "reset": "v = 0", "refractory": DEAD * b2.second, "method": "euler"}
        options |= {"namespace": {"tau": TAU * b2.second, "sigma": SIGMA}, "dt": DT * b2.second, "name": "lif"}
        lif = on.set_trials(b2.NeuronGroup(CELLS * len(group), text, **options), trials, CELLS)
        current = on.rate_to_current(group, lif, "current", rate="I")
        back = on.spikes_to_rate(lif, group, "z", [[-strength]], tau=20 * ms, maximum=100 * Hz)
        return b2.Network(group, lif, current, back), group

    return network


options = {"measure": ["lif.firing_rate"], "duration": 1, "window": 0.8, "dt": DT, "seed": 1}
options["device"] = sys.argv[1] if len(sys.argv) > 1 else "runtime"
drives = np.linspace(0, 4, 13)
figure, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
for k, (name, strength) in enumerate({"alone": 0.0, "with recurrent inhibition": 2.0}.items()):
    mean_field = on.experiments.f_i_curve(on.Circuit(declared, {"W": [[strength]]}), drives)
    neurons = on.experiments.f_i_curve(relay, drives, on.engines.Network(build(strength), **options))
    expected, found = 100 * mean_field.rate_I[:, 0], neurons["lif.firing_rate"][:, 0]
    print(f"{name}: largest difference {float(abs(found - expected).max()):.2f} Hz of {float(expected.max()):.0f} Hz")
    ax.plot(drives, expected, f"C{k}", label=f"mean field, {name}")
    ax.plot(drives, found, f"C{k}o", ms=4, label=f"neurons, {name}")
ax.set(xlabel="drive (of the threshold)", ylabel="firing rate (Hz)")
ax.legend(frameon=False)
plt.show()
