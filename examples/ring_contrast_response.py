"""
Contrast response of a ring circuit
===================================

Units tuned to orientation excite their neighbours and share one normalization pool. All contrasts run side by side,
as trials of one group. The steady rate follows R_max c²/(c² + c50²) with c50 = sigma b0/b: normalization.
The dataset goes to the folder ``output/``.
"""

from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms

import organics_neuro as on

contrasts = np.geomspace(0.01, 1, 12)
circuit = on.ring(n=36, sigma=0.1, b=0.5, b0=0.5)
print(circuit.model)

# One group, one trial per contrast; a group like any other in Brian2.
v1 = on.CircuitGroup(circuit, trials=len(contrasts), name="v1")
v1.z = on.stimuli.contrast_series(circuit, contrasts, angle=180)
monitor = b2.StateMonitor(v1, "rate_y", record=True, dt=1 * ms)
network = b2.Network(v1, monitor)
network.run(500 * ms, report="text")

rates = v1.per_trial(monitor.rate_y)[:, 18]  # unit 18 prefers 180 degrees: (trials, times)
theory = circuit.outputs(on.theory.fixed_point(circuit, v1.per_trial(v1.z[:])).state)["rate_y"][:, 18]
print(f"largest difference from the fixed point: {np.abs(rates[:, -1] - theory).max():.1e}")

# The same as an experiment: labelled results with a mask, saved as NetCDF, and a fit.
masked = on.experiments.contrast_response(circuit, contrasts, masks=[0, 0.1, 0.5])
Path("output").mkdir(exist_ok=True)
on.experiments.save(masked, "output/contrast_response.nc")

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for k in range(0, len(contrasts), 3):
    axes[0].plot(monitor.t / ms, rates[k], label=f"contrast {contrasts[k]:.2g}")
axes[0].set(xlim=(0, 150), xlabel="time (ms)", ylabel="firing rate of unit 18", title="Onset responses")
axes[0].legend(frameon=False)
on.plotting.contrast_response(masked, fit="naka_rushton", ax=axes[1])
plt.show()
