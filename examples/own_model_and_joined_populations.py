"""
A model of one's own, and populations joined
============================================

A model is a declaration: equation text and couplings. Simulation in NumPy, Brian2 and torch, steady states, stability
and spectra follow from it. Circuits of different size and model join into a circuit, to which the same applies.
"""

import importlib.util

import numpy as np

import organics_neuro as on
from organics_neuro.brian import simulate

# 1. Wilson and Cowan (1972): rates of an excitatory and an inhibitory cell at each place, coupled along a line.
wilson_cowan = on.CircuitModel(
    name="wilson_cowan",
    equations="""
    dE/dt = (-E + sigmoid(gain*(from_E - from_I + stimulus - threshold)))/tau_E : 1
    dI/dt = (-I + sigmoid(gain*(to_I - threshold)))/tau_I : 1
    stimulus : 1
    from_E : 1
    from_I : 1
    to_I : 1
    gain : 1
    threshold : 1
    tau_E : second
    tau_I : second
    """,
    couplings=[
        on.Coupling("from_E", "W_EE", "E", nonnegative=True),
        on.Coupling("from_I", "W_EI", "I", nonnegative=True),
        on.Coupling("to_I", "W_IE", "E", nonnegative=True),
    ],
    parameters={"gain": 4.0, "threshold": 1.0, "tau_E": 5e-3, "tau_I": 10e-3},
    rates={"E": "E", "I": "I"},
    citation="H. R. Wilson and J. D. Cowan, Biophys. J. 12, 1972",
)
distance = np.abs(np.subtract.outer(np.arange(20), np.arange(20)))
line = on.Circuit(
    wilson_cowan,
    {"W_EE": np.exp(-distance / 1.0), "W_EI": np.exp(-distance / 4.0) / 2, "W_IE": np.exp(-distance / 4.0) / 2},
)

# 2. Excitatory and inhibitory populations of 40 and 10 units: an expansive nonlinearity, joined by four couplings.
population = on.CircuitModel(
    name="power_law",
    equations="""
    dv/dt = (-v + from_e - from_i + h)/tau_v : 1
    h : 1
    from_e : 1
    from_i : 1
    k : 1
    n : 1
    tau_v : second
    """,
    parameters={"k": 0.3, "n": 2.0, "tau_v": 20e-3},
    rates={"v": "k*relu(v)**n"},
)
exc, inh = on.Circuit(population, size=40), on.Circuit(population, size=10, tau_v=10e-3)
random = np.random.default_rng(1)
network = on.join(
    {"e": exc, "i": inh},
    couplings=[
        on.Coupling("e.from_e", weights=0.8 * random.random((40, 40)) / 40, source="e: k*relu(v)**n"),
        on.Coupling("e.from_i", weights=1.6 * random.random((40, 10)) / 10, source="i: k*relu(v)**n"),
        on.Coupling("i.from_e", weights=1.6 * random.random((10, 40)) / 40, source="e: k*relu(v)**n"),
        on.Coupling("i.from_i", weights=0.8 * random.random((10, 10)) / 10, source="i: k*relu(v)**n"),
    ],
)

examples = {
    "line": (line, np.exp(-((np.arange(20) - 10) ** 2) / 8)),
    "network": (network, {"e.h": 2.0, "i.h": 1.0}),
}
for name, (circuit, z) in examples.items():
    state = next(iter(circuit.states))
    point = on.theory.fixed_point(circuit, z)
    print(f"{name}: {circuit.dynamics.size} variables, residual {point.residual:.0e}, stable: {on.theory.is_stable(circuit, z)}")
    print("  largest rates:", {k: round(float(v.max()), 4) for k, v in circuit.dynamics.rates(point.state).items()})
    spectrum = on.theory.power_spectrum(circuit, z, [5, 20, 80], noise={state: 0.01})
    print(f"  power of {state} at 5, 20 and 80 Hz:", spectrum[state].mean(axis=1))

    reference = on.reference.simulate(circuit, z, duration=0.1)[state]
    in_brian = simulate(circuit, z, duration=0.1)[state]
    print(f"  Brian2 and NumPy differ by {np.abs(in_brian - reference).max():.0e}")
    if importlib.util.find_spec("torch"):
        trace, _ = on.nn.functional.unroll(circuit, z, steps=1000, dt=1e-4)
        print(f"  torch and NumPy differ by {np.abs(trace[state].numpy() - reference[1:, 0]).max():.0e}")
