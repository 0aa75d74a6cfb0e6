"""
A model of one's own, and populations joined
============================================

A model is a declaration: equation text and couplings. Simulation in NumPy, Brian2 and torch, steady states, stability
and spectra follow from it. Circuits of different size and model join into a circuit, to which the same applies.
"""

import importlib.util

import matplotlib.pyplot as plt
import numpy as np

import organics_neuro as on

# 1. Wilson and Cowan (1972): an excitatory and an inhibitory rate at each place along a line.
wilson_cowan = on.CircuitModel(
    name="wilson_cowan",
    equations="""
    dE/dt = (-E + sigmoid(gain*(from_E - from_I + stimulus - 1)))/tau_E : 1
    dI/dt = (-I + sigmoid(gain*(to_I - 1)))/tau_I : 1
    stimulus : 1
    from_E : 1
    from_I : 1
    to_I : 1
    gain : 1
    tau_E : second
    tau_I : second
    """,
    couplings=[
        on.Coupling("from_E", "W_EE", "E", nonnegative=True),
        on.Coupling("from_I", "W_EI", "I", nonnegative=True),
        on.Coupling("to_I", "W_IE", "E", nonnegative=True),
    ],
    parameters={"gain": 4.0, "tau_E": 5e-3, "tau_I": 10e-3},
    outputs={"rate_E": "E", "rate_I": "I"},
)
distance = np.abs(np.subtract.outer(np.arange(20), np.arange(20)))
narrow, broad = np.exp(-distance), np.exp(-distance / 4) / 2
line = on.Circuit(wilson_cowan, {"W_EE": narrow, "W_EI": broad, "W_IE": broad})

# 2. Excitatory and inhibitory populations of 40 and 10 units with an expansive nonlinearity, joined by four couplings.
power_law = on.CircuitModel(
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
    outputs={"rate_v": "k*relu(v)**n"},
)
units, random = {"e": 40, "i": 10}, np.random.default_rng(1)
network = on.join(
    {"e": on.Circuit(power_law, size=40), "i": on.Circuit(power_law, size=10, tau_v=10e-3)},
    couplings=[
        on.Coupling(f"{to}.from_{of}", weights=w * random.random((units[to], units[of])) / units[of], source=f"{of}: k*relu(v)**n")
        for to, of, w in (("e", "e", 0.8), ("e", "i", 1.6), ("i", "e", 1.6), ("i", "i", 0.8))
    ],
)  # fmt: skip

examples = {"line": (line, np.exp(-((np.arange(20) - 10) ** 2) / 8)), "network": (network, {"e.h": 2.0, "i.h": 1.0})}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for ax, (name, (circuit, z)) in zip(axes, examples.items(), strict=True):
    state = next(iter(circuit.states))
    point = on.theory.fixed_point(circuit, z)
    print(f"{name}: {circuit.dynamics.size} variables, stable: {on.theory.is_stable(circuit, z)}")
    print("  largest rates:", {k: round(float(v.max()), 4) for k, v in circuit.outputs(point.state).items()})
    spectrum = on.theory.power_spectrum(circuit, z, [5, 20, 80], noise={state: 0.01})
    print(f"  power of {state} at 5, 20 and 80 Hz:", spectrum[state].mean(axis=1))
    reference = on.simulate(circuit, z, 0.1)[state]
    in_brian = on.simulate(circuit, z, 0.1, "brian")[state]
    ax.plot(np.linspace(0, 100, len(in_brian)), in_brian[:, 0])
    ax.set(title=f"{name}: {state} of all units, in Brian2", xlabel="time (ms)", ylabel=state)
    print(f"  Brian2 and NumPy differ by {np.abs(in_brian - reference).max():.0e}")
    if importlib.util.find_spec("torch"):
        trace, _ = on.nn.functional.unroll(circuit, z, steps=1000, dt=1e-4)
        print(f"  torch and NumPy differ by {np.abs(trace[state].numpy() - reference[1:, 0]).max():.0e}")
plt.show()
