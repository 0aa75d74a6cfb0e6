"""Compile one CUDA program with every kernel, as ``make cuda-build`` does: ``python -m tests.brian.cuda_program DIRECTORY``.

Dense, uniform and circulant weights, several trials and one, Runge-Kutta stages and noise. Nothing is run.
"""

import sys

import brian2 as b2
import numpy as np
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian import build
from tests.core.circuits import make_main


def make_network():
    """Groups that need every kernel, with their network."""
    ring = on.CircuitGroup(on.ring(n=36), trials=4, method="rk4", noise={"y": 1e-3}, dt=0.1 * ms)
    dense = on.CircuitGroup(make_main(n=16), method="ab2", dt=0.1 * ms)
    trials = on.CircuitGroup(make_main(n=16), trials=4, dt=0.1 * ms)
    for group in (ring, dense, trials):
        group.z = np.random.default_rng(0).normal(size=(group.trials, group.units))
    return b2.Network(ring, dense, trials), (ring, dense, trials)


if __name__ == "__main__":
    on.use_device("cuda", directory=sys.argv[1], build_on_run=False)
    network, _ = make_network()
    network.run(2 * ms)
    build(run=False)
    print(f"compiled: {sys.argv[1]}/main")
