"""Circuits that the tests of the core share."""

import numpy as np

import organics_neuro as on

WILSON_COWAN = on.CircuitModel(
    name="user_wilson_cowan",
    equations="""
    dv_e/dt = (-v_e + sigmoid(gain*(drive + from_e - from_i - threshold)))/tau_v_e : 1
    dv_i/dt = (-v_i + tanh(relu(net_i)))/tau_v_i : 1
    net_i = to_i - threshold : 1
    drive : 1
    from_e : 1
    from_i : 1
    to_i : 1
    gain : 1
    threshold : 1
    tau_v_e : second
    tau_v_i : second
    """,
    couplings=[
        on.Coupling("from_e", "W_ee", "v_e"),
        on.Coupling("from_i", "W_ei", "2*v_i**2"),
        on.Coupling("to_i", "W_ie", "v_e", default="ones"),
    ],
    parameters={"gain": 4.0, "threshold": 0.2, "tau_v_e": 10e-3, "tau_v_i": 5e-3},
    outputs={"rate_e": "v_e"},
)


#: Two couplings into one variable; a source that reads another coupling; outputs with and without weights; an input
#: with a default; a start that depends on it; a time constant that is an expression.
CHAIN = on.CircuitModel(
    "chain",
    """
    dr/dt = (-r + tanh(gain*(drive + pooled)) - slope)/tau_s : 1
    dq/dt = (-q + change)/(2*tau_s) : 1
    change = -q + pooled + drive : 1
    drive : 1
    pooled : 1
    slope : 1
    gain : 1
    tau_s : second
    """,
    couplings=[
        on.Coupling("pooled", "W_1", "tanh(r)**2"),
        on.Coupling("pooled", "W_2", "sin(q)"),
        on.Coupling("slope", "W_3", "tanh(change)*r"),
    ],
    parameters={"gain": 1.5, "tau_s": 4e-3},
    defaults={"drive": 0.3},
    initial={"r": "drive*gain"},
    outputs={"rate_r": "relu(r)**2", "lfp": on.Output("W_lfp", "abs(pooled) + r")},
    time_constants={"r": "tau_s", "q": "2*tau_s"},
)


def make_chain(n=4, seed=0):
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=(n, n)) / n for name in ("W_1", "W_2", "W_3")}
    return on.Circuit(CHAIN, {**weights, "W_lfp": rng.normal(size=(2, n))})


def make_gated(n=4, inputs=3, seed=0):
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=(n, inputs)) for name in ("W_zx", "W_bx", "W_b0x")}
    weights.update({name: rng.normal(size=(n, n)) / 2 for name in ("W_r", "W_by", "W_b0y", "W_ba", "W_b0a")})
    weights["W"] = rng.uniform(size=(n, n))
    return on.Circuit("gated", weights, tau_y=3e-3, tau_b=1e-3)


def make_main(model="two_type", n=4, seed=0):
    rng = np.random.default_rng(seed)
    weights = {"W_r": rng.normal(size=(n, n)) / n, "W": rng.uniform(size=(n, n))}
    return on.Circuit(model, weights, b=rng.uniform(0.2, 1, n), b0=rng.uniform(0.2, 1, n), sigma=0.3, tau_y=3e-3)


def make_wilson_cowan(n=4, seed=0):
    rng = np.random.default_rng(seed)
    return on.Circuit(WILSON_COWAN, {"W_ee": rng.uniform(size=(n, n)), "W_ei": rng.uniform(size=(n, n))})


def make_joined(seed=1):
    """Three models and sizes in a loop: a two-type circuit feeds the input x of a gated one, whose output drives a
    Wilson-Cowan pair, which drives the first."""
    rng = np.random.default_rng(seed)
    return on.join(
        {"low": make_main(n=3), "high": make_gated(n=4, inputs=3), "side": make_wilson_cowan(n=2)},
        [
            on.Coupling("high.x", source="low: y**2 + sigma"),
            on.Coupling("low.z", rng.normal(size=(3, 2)), "side: 1 + v_e*v_i"),
            on.Coupling("side.drive", rng.normal(size=(2, 4)) / 2, "high: b*y"),
        ],
    )


def make_late():
    """Three models whose couplings arrive after different delays, one of them through an external input."""
    circuit = make_joined()
    late = [on.Coupling(c.target, c.weights, c.source, delay=(k + 1) * 2e-4) for k, c in enumerate(circuit.couplings)]
    return circuit.replace(couplings=late)


def make_nested():
    """A joined circuit that is itself part of a joined circuit."""
    pair = on.join(
        {"a": make_main(n=3), "b": make_main(n=2)},
        [on.Coupling("b.z", [[0.1, 0.2, 0.3]] * 2, "a: y**2")],
    )
    return on.join({"pair": pair, "top": make_main(n=2)}, [on.Coupling("top.z", on.AllToAll(2), "pair.b: y*b")])


def one_unit(model="two_type", w_r=1.0, w=1.0, **parameters):
    """The two-dimensional circuit of the figures of the paper: one principal unit and its normalizer."""
    parameters = {"tau_a": 2e-3, **parameters}
    return on.Circuit(model, {"W_r": [[w_r]], "W": [[w]]}, **parameters)


CIRCUITS = {
    "two_type": make_main,
    "two_type_rectified": lambda: make_main("two_type_rectified"),
    "two_type_rectified_recurrence": lambda: make_main("two_type_rectified_recurrence"),
    "gated": make_gated,
    "user_wilson_cowan": make_wilson_cowan,
    "ring": lambda: on.ring(n=12),
    "chain": make_chain,
    "joined": make_joined,
    "nested": make_nested,
}


def random_inputs(circuit, seed=0, trials=()):
    """Standard normal inputs for every input of a circuit, each (*trials, units)."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(*trials, n)) for name, n in circuit.inputs.items()}


def random_states(circuit, seed=0, trials=()):
    """Random states, each (*trials, units), away from the kinks of rectification: normalizers are positive."""
    rng = np.random.default_rng(seed)
    states = {name: rng.normal(size=(*trials, n)) for name, n in circuit.states.items()}
    return {name: np.abs(v) + 0.1 if name.split(".")[-1] == "a" else v for name, v in states.items()}
