"""Accuracy against cost of the integration methods, in C++ standalone. ``python -m benchmarks.methods``

A dense random circuit of 64 units with time constants of 5 ms, from rest to 20 ms after the onset of its input.
"""

import brian2 as b2
import numpy as np

import organics_neuro as on
from benchmarks import harness as h
from benchmarks.tables import Table
from organics_neuro.core.schemes import SCHEMES

UNITS, DURATION = 64, 20e-3
STEPS = (1e-3, 5e-4, 2e-4, 1e-4, 1e-5)


def make_circuit():
    recurrence, pool = h.matrices(UNITS)
    return on.Circuit("two_type", {"W_r": recurrence, "W": pool}, tau_y=5e-3, tau_a=5e-3)


def main():
    h.pin()
    circuit, z = make_circuit(), np.random.default_rng(1).random(UNITS)

    def make(method):
        group = on.CircuitGroup(circuit, method=method)
        group.z = z
        return (group,)

    engines = [h.brian(method, "cpp", lambda method=method: make(method), 2e-6) for method in SCHEMES]
    step = dict(zip(SCHEMES, np.median(h.race(engines), axis=0), strict=True))
    b2.prefs.codegen.target = "numpy"

    def run(method, dt):
        return on.simulate(circuit, z, DURATION, on.engines.Brian(dt=dt, method=method), every=None)["y"]

    exact = run("rk4", 2e-5)
    table = Table("methods", ["method", "dt [ms]", "products", "error", "us"])
    for method, scheme in SCHEMES.items():
        for dt in STEPS:
            count = round(DURATION / dt)
            error = np.abs(run(method, dt) - exact).max()
            table.add(method, dt * 1e3, scheme.products * count, error, count * step[method] * 1e6)


if __name__ == "__main__":
    main()
