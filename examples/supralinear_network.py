"""
A stabilized supralinear network
================================

Rates are powers of their input, and inhibition keeps them in check: what circuits that divide do by a normalizer, these
networks do by balance. Weak gratings add up to more than their sum, strong ones to less; responses to a bar fall with its
length and, at high contrast, with contrast. What they lack is unconditional stability: slow inhibition oscillates.
"""

import matplotlib.pyplot as plt
import numpy as np

import organics_neuro as on

figure, axes = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")

# Two orthogonal gratings on a ring, and each of them alone. A circuit that divides adds up below 1 at every contrast.
contrasts = np.geomspace(0.5, 100, 25)
for circuit, full, name in ((on.ssn.ring(36), 100, "supralinear network"), (on.ring(36), 1, "ORGaNICs")):

    def summed(angles, circuit=circuit, full=full):
        """The rates that two gratings, or one, evoke in the units that excite, summed over units."""
        shown = np.outer(contrasts / 100, on.stimuli.plaid(circuit, angles, np.full(len(angles), full)))
        z = on.stimuli.drive(circuit, shown)
        rates = circuit.outputs(on.theory.fixed_point(circuit, z).state, z)
        return next(iter(rates.values()))[:, :36].sum(axis=1)

    index = summed([90, 270]) / (summed([90]) + summed([270]))
    axes[0].semilogx(contrasts, index, label=name)
    print(
        f"{name}: two gratings evoke {index[0]:.2f} of their sum at contrast {contrasts[0]:g}, {index[-1]:.2f} at 100"
    )
axes[0].axhline(1, color="0.7", lw=0.8)
axes[0].set(xlabel="contrast (%)", ylabel="response / sum of responses", title="Summation")
axes[0].legend(frameon=False)

# Bars on a line: contrast and length.
N, line = 11, on.ssn.line(11)
levels, lengths = np.geomspace(1, 100, 25), range(1, 34)
bars = [on.theory.fixed_point(line, on.ssn.bar(N, 9, c)).state["r"][5] for c in levels]
axes[1].semilogx(levels, bars)
axes[1].set(xlabel="contrast (%)", ylabel="rate in the middle", title="Supersaturation")
for contrast in (10, 50):
    tuning = [on.theory.fixed_point(line, on.ssn.bar(N, length, contrast)).state["r"][5] for length in lengths]
    axes[2].plot(lengths, tuning, label=f"contrast {contrast}")
axes[2].set(xlabel="length of the bar", ylabel="rate in the middle", title="Surround suppression")
axes[2].legend(frameon=False)

# Slower inhibition does not move the steady state, but takes its stability away.
z = on.ssn.bar(N, 9, 25)
state = on.theory.fixed_point(line, z).state
ratios = np.linspace(0.5, 1.5, 41)
slower = [line.replace(tau_r=np.repeat([6e-3, 6e-3 * ratio], N)) for ratio in ratios]
leading = [on.theory.eigenvalues(circuit, z, state, k=1)[0] for circuit in slower]
growth, frequency = np.real(leading), np.imag(leading) / (2 * np.pi)
crossing = np.interp(0, growth, ratios)
print(f"unstable from tau_I/tau_E = {crossing:.2f} on, where it oscillates at {frequency[growth > 0][0]:.0f} Hz")
axes[3].plot(ratios, growth)
axes[3].axhline(0, color="0.7", lw=0.8)
axes[3].set(
    xlabel="tau of inhibition / tau of excitation", ylabel="leading eigenvalue (1/s)", title="Loss of stability"
)
plt.show()
