"""
Gamma in spikes and in the field potential
==========================================

Noise that comes with the stimulus makes a normalization circuit resonate in the gamma range. Poisson neurons fire at its
rates, and a field potential is recorded beside them. Spikes are coherent with the field around the frequency that theory
gives for the resonance, which rises with contrast (Ray and Maunsell 2010), and so does the coherence.
"""

import sys

import brian2 as b2
import matplotlib.pyplot as plt
from brian2 import Hz, ms

import organics_neuro as on

contrasts = [0.2, 0.5, 1.0]
circuit = on.ring(12, tau_y=2 * ms, tau_a=2 * ms)
noise = {"y": on.Noise("0.06*abs(z)", shared=True)}  # it comes with the stimulus


def build(circuit, trials):
    """The circuit with noise, Poisson neurons for each unit, and a field potential."""
    v1 = on.CircuitGroup(circuit, trials, noise=noise, dt=0.1 * ms)
    cells = on.rate_to_spikes(v1, maximum=400 * Hz, cells=20, name="cells")
    return b2.Network(v1, cells, on.lfp(v1, name="lfp")), v1


engine = on.engines.Network(
    build,
    measure=["cells.firing_rate", "lfp.lfp"],
    duration=4,
    trials=4,
    dt=1e-4,
    seed=1,
    device=sys.argv[1] if len(sys.argv) > 1 else "runtime",
)
measured = on.experiments.spike_field_coherence(circuit, contrasts, engine, resolution=4.0)
theory = on.experiments.gamma(circuit, contrasts, noise, resolution=4.0)
for k, contrast in enumerate(contrasts):
    print(
        f"contrast {contrast}: coherence {float(measured.peak_coherence[k]):.3f} at {float(measured.peak_frequency[k]):.0f} Hz, "
        f"theory {float(theory.peak_frequency[k]):.1f} Hz"
    )
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
on.plotting.spike_field_coherence(measured, ax=axes[0])
for k, contrast in enumerate(contrasts):
    color = plt.get_cmap("viridis")(0.4 * k)
    axes[1].plot(measured.frequency, measured.field_power[k], color=color, label=f"contrast {contrast:g}")
    axes[1].axvline(float(theory.peak_frequency[k]), color=color, ls=":")
axes[1].set(
    xlabel="frequency (Hz)", ylabel="power of the field (1/Hz)", yscale="log", xlim=(0, 150), title="Dotted: theory"
)
axes[0].set(xlim=(0, 150))
axes[2].plot(contrasts, measured.rate.max("neuron"), "o-")
axes[2].set(xlabel="contrast", ylabel="firing rate of the preferred unit (Hz)", ylim=(0, None))
plt.show()
