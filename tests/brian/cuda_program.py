"""Compile one CUDA program with every kernel, as ``make cuda-build`` does: ``python -m tests.brian.cuda_program DIRECTORY``.

All operators, several trials and one, single and double precision, every method, and noise. Nothing is run.
"""

import sys

import brian2 as b2
import numpy as np
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian import build
from organics_neuro.core.schemes import SCHEMES
from tests.brian.operators import make_every_operator
from tests.circuits import make_main


def make_network():
    """Groups that need every kernel, with their network."""
    circuit = make_every_operator()
    groups = [
        on.CircuitGroup(circuit, trials=4, method="rk4", noise={"x": 1e-3}, dt=0.1 * ms),
        on.CircuitGroup(circuit, weights_dtype=np.float32, dt=0.1 * ms),
        on.CircuitGroup(on.ring(n=5000), dt=0.1 * ms),
        *(on.CircuitGroup(make_main(n=16), method=method, dt=0.1 * ms) for method in SCHEMES),
    ]
    return b2.Network(*groups), groups


if __name__ == "__main__":
    on.use_device("cuda", directory=sys.argv[1], build_on_run=False)
    network, _ = make_network()
    network.run(2 * ms)
    build(run=False)
    print(f"compiled: {sys.argv[1]}/main")
