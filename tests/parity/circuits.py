"""The circuits that all engines must agree on."""

from functools import partial

import numpy as np

import organics_neuro as on
from organics_neuro.core.models.gated import name_of
from tests.circuits import make_chain, make_gated, make_main, make_wilson_cowan

#: Rate units of a network of excitation and inhibition; two populations of them are joined below.
RATE = on.CircuitModel(
    name="user_rate",
    equations="""
    dv/dt = (-v + drive + own + other)/tau_v : 1
    drive : 1
    own : 1
    other : 1
    k : 1
    tau_v : second
    """,
    couplings=[on.Coupling("own", "W_own", "k*relu(v)**2")],
    parameters={"k": 0.4, "tau_v": 4e-3},
    outputs={"rate_v": "k*relu(v)**2"},
)


def make_excitation_inhibition(seed=2):
    """40 excitatory and 10 inhibitory units."""
    rng = np.random.default_rng(seed)
    excitation = on.Circuit(RATE, {"W_own": on.Circulant(rng.uniform(size=40) / 20)})
    inhibition = on.Circuit(RATE, {"W_own": on.AllToAll(10, -0.05)}, tau_v=2e-3, k=rng.uniform(0.3, 0.5, 10))
    return on.join(
        {"e": excitation, "i": inhibition},
        [
            on.Coupling("e.other", -rng.uniform(size=(40, 10)) / 5, "i: k*relu(v)**2"),
            on.Coupling("i.other", rng.uniform(size=(10, 40)) / 20, "e: k*relu(v)**2"),
        ],
    )


def make_two_layers():
    """Two gated layers; the first feeds the external input of the second."""
    return on.join(
        {"first": make_gated(n=5, inputs=2, seed=3), "second": make_gated(n=3, inputs=5, seed=4)},
        [on.Coupling("second.x", source="first: 1 + y")],
    )


def make_variant(variant, constant):
    """A variant of the gated circuit, with as many of its weights as there are left."""
    model, full = on.MODELS[name_of(variant, constant)], make_gated()
    gains = dict.fromkeys(constant, 0.7)
    return on.Circuit(model, {name: full.weights[name] for name in model.weights}, **gains)


def make_cable():
    """Two passive compartments: states, inputs and parameters with physical units."""
    model = on.CircuitModel(
        "cable",
        """
        dv/dt = (E_L - v + axial + R*I)/tau_v : volt
        axial : volt
        I : amp
        R : ohm
        E_L : volt
        tau_v : second
        """,
        couplings=[on.Coupling("axial", "W", "v - E_L")],
        parameters={"R": 1e8, "E_L": -0.07, "tau_v": 2e-3},
        initial={"v": "E_L"},
    )
    return on.Circuit(model, {"W": [[0, 0.4], [0.2, 0]]}, R=[1e8, 2e8])


def make_memory(n=6, seed=5):
    """Complex weights and a complex start."""
    rng = np.random.default_rng(seed)
    weights = {"W_r": (rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))) / n}
    return on.Circuit("working_memory", weights, initial={"y": rng.normal(size=n) + 1j})


def make_areas(n=4, seed=6):
    """Three areas with feedback and delays in both directions."""
    rng = np.random.default_rng(seed)
    weights = {"W": rng.uniform(size=(n, n)) / n, "W_r": rng.normal(size=(n, n)) / n}
    area = on.Circuit("three_type_area", weights, tau_y=2e-3, initial={"y": rng.normal(size=n)})
    up, down = on.Coupling("z", 1.0, "s", delay=4e-4), on.Coupling("feedback", 0.1, "s", delay=1e-3)
    return on.hierarchy({"v1": area, "v2": area, "v4": area}, up, down)


#: The step of the tests, which circuits that are maps are made for.
DT = 2e-4


def make_model(model, n=4, inputs=3, seed=5):
    """A circuit of any model, with parameters and initial states that differ from unit to unit."""
    rng, weights = np.random.default_rng(seed), {}
    for c in model.couplings:
        matrix = rng.normal(size=(n, inputs if model.external_source(c) else n)) / 2
        weights[c.weights] = matrix if c.allowed_sign is None else c.allowed_sign * np.abs(matrix)
    parameters = {
        name: default * rng.uniform(0.8, 1.2, n) if default else rng.normal(size=n)
        for name, default in model.parameters.items()
        if model.units[name] == "1"
    }
    initial = {name: rng.normal(size=n) for name in model.states}
    return on.Circuit(model, weights, initial=initial, **parameters, **({model.step: DT} if model.step else {}))


BY_HAND = {
    "cable": make_cable,
    "two_type": lambda: make_main("two_type", n=6),
    "two_type_rectified": lambda: make_main("two_type_rectified", n=6),
    "two_type_rectified_recurrence": lambda: make_main("two_type_rectified_recurrence", n=6),
    "normalization": lambda: make_main("normalization", n=6).replace(p=1.5),
    "three_type": lambda: make_main("three_type", n=6),
    "three_type_rate_change": lambda: make_main("three_type_rate_change", n=6),
    "three_type_rates": lambda: make_main("three_type_rates", n=6),
    "areas": make_areas,
    "working_memory": make_memory,
    "sheet": lambda: on.sheet(5, 4, 9),
    "gated": make_gated,
    "gated_rectified_constant_b": lambda: make_variant("gated_rectified", ("b",)),
    "gated_unrectified_constant_b0": lambda: make_variant("gated_unrectified", ("b0",)),
    "ring": lambda: on.ring(n=12),
    "chain": make_chain,
    "user_wilson_cowan": make_wilson_cowan,
    "excitation_inhibition": make_excitation_inhibition,
    "two_layers": make_two_layers,
}
#: All models of which there is no circuit yet; of the variants of the gated family those above stand for the others.
EVERY_OTHER = [name for name in on.MODELS if name not in BY_HAND and not name.startswith("gated")]
CIRCUITS = {**BY_HAND, **{name: partial(make_model, on.MODELS[name]) for name in EVERY_OTHER}}
