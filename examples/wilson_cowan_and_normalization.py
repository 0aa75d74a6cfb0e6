"""
Wilson-Cowan dynamics and divisive normalization
================================================

Wilson-Cowan dynamics, which subtract, settle exactly where divisive normalization is, if their weights are chosen for the
stimulus. Here they are chosen at one contrast and then kept: at others the response does not saturate, and a mask takes the same
from every response. ORGaNICs, whose weights are fixed as well, normalize at all contrasts: a mask divides.
"""

import matplotlib.pyplot as plt
import numpy as np

import organics_neuro as on

# Four channels tuned to frequency, normalized by their neighbours: x = kappa e/(b + H e).
kappa, b = np.array([1.0, 1.2, 0.8, 1.0]), np.array([0.5, 0.4, 0.6, 0.5])
H = np.array(
    [[0.15, 0.077, 0.04, 0.02], [0.077, 0.15, 0.077, 0.04], [0.04, 0.077, 0.15, 0.077], [0.02, 0.04, 0.077, 0.15]]
)
stimulus = np.array([0.9, 0.4, 1.5, 0.2])


def sent(x):
    return x**0.7


found = on.weights.wilson_cowan_from_normalization(kappa, b, H, stimulus, sent)
leak, start = found["alpha"], {"x": stimulus}
wilson_cowan = on.Circuit("wilson_cowan", {"W": found["W"]}, alpha=leak, floor_f=0.0, initial=start)
organics = on.Circuit("normalization", {"W": H / kappa}, p=1.0, b=kappa, b0=b, sigma=1.0)


def responses(e):
    """Of normalization, of Wilson-Cowan dynamics with the weights of contrast 1, and of ORGaNICs; each (trials, channels)."""
    normalized = kappa * e / (b + e @ H.T)
    states = (on.theory.fixed_point(circuit, e).state for circuit in (wilson_cowan, organics))
    return [normalized, *(next(iter(state.values())) for state in states)]


names, styles = ("normalization", "Wilson-Cowan, frozen", "ORGaNICs"), ("k-", "C1-", "C0--")
figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
contrasts = np.geomspace(0.1, 4, 20)
for values, name, style in zip(responses(contrasts[:, None] * stimulus), names, styles, strict=True):
    axes[0].plot(contrasts, values[:, 0], style, label=name)
    print(f"{name}: {values[-1, 0]:.2f} at contrast {contrasts[-1]:g}")
axes[0].axvline(1, color="0.8", lw=0.8)
axes[0].set(xlabel="contrast", ylabel="response of channel 1", title="Contrast response")
axes[0].legend(frameon=False)

# Masking: a test in channel 1 at rising contrast, under masks in channel 2.
tests, masks = np.linspace(0.05, 2, 20), (0.0, 1.0, 3.0)
for ax, which in ((axes[1], 1), (axes[2], 2)):
    for mask in masks:
        e = np.full((len(tests), 4), 1e-3)
        e[:, 0], e[:, 1] = tests, e[:, 1] + mask
        values = responses(e)
        ax.plot(tests, values[0][:, 0], "k:", lw=1)
        ax.plot(tests, values[which][:, 0], f"C{int(mask)}", label=f"mask {mask:g}")
    kept = [responses(np.array([0.5, m, 1e-3, 1e-3]))[which][0] for m in (1e-3, 3.0)]
    print(f"{names[which]}: a mask of 3 leaves {kept[1] / kept[0]:.2f} of the response to a test of 0.5")
    ax.set(xlabel="contrast of the test", title=f"Masking: {names[which]}", ylabel="response of channel 1")
    ax.legend(frameon=False)
plt.show()
