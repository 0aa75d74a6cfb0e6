"""
What trained feedback networks settle at
========================================

A random network is to answer a constant input with a constant output z = A, which is fed back into it. Three rules reach the
target, but what they leave beside it differs. Dashes are what the theory of many units predicts for the readouts that least
squares finds, and dots are trained networks of 200 units, filled where a fixed point is stable.
"""

import matplotlib.pyplot as plt
import numpy as np

import organics_neuro as on

mf = on.theory.mean_field
statistics, rules = mf.Statistics(g=0.3, sigma_m=1.2, sigma_i=0.5, rho=0.5), ("least_squares", "force", "gradient")
targets = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])

figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", sharey=True)
branches = [(target, mf.least_squares(statistics, target)) for target in np.linspace(-2.2, 2.2, 24)]
network, extra = on.feedback.network(200, statistics, seed=2), dict.fromkeys(rules, 0)
for ax, rule in zip(axes, rules, strict=True):
    for stable, color, label in ((True, "k", "theory, stable"), (False, "0.7", "theory, unstable")):
        points = np.array([(a, z) for a, found in branches for z in found.z[found.stable == stable]])
        ax.plot(*points.T, "_", color=color, ms=9, label=label)
    for target in targets:
        found = on.feedback.attractors(on.feedback.train(network, target, rule))
        extra[rule] += (found.stable.sum() > 1).item()
        for stable, face in ((True, "C0"), (False, "none")):
            chosen = found.z[found.stable == stable]
            ax.plot(np.full(len(chosen), target), chosen, "o", ms=5, mfc=face, mec="C0")
    print(f"{rule}: {extra[rule]} of {len(targets)} networks have another attractor than the target")
    ax.set(xlabel="target A", title=rule.replace("_", " "))
axes[0].set_ylabel("output z at fixed points")
axes[0].legend(frameon=False)

# The theory of any readout: how it lies in the network tells how many attractors there are.
right = 0
for seed in range(10):
    trained = on.feedback.train(on.feedback.network(200, statistics, seed=seed), 2.0)
    predicted = mf.closed_loop(statistics, on.feedback.overlaps(trained)).stable.sum()
    right += predicted == on.feedback.attractors(trained).stable.sum()
print(f"number of attractors predicted from the readout's overlaps in {right} of 10 networks")
plt.show()
