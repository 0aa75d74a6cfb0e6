"""Pairs of opposite sign are the same circuit: every model, every state, to rounding error."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.models.gated import VARIANTS
from tests.circuits import CIRCUITS, make_gated, make_joined, make_main, random_inputs, random_states
from tests.simulators import simulate_reference

SINGLE = {name: make for name, make in CIRCUITS.items() if name not in ("joined", "nested")}
SINGLE |= {name: lambda name=name: on.Circuit(name, dict(make_gated().weights)) for name in VARIANTS[1:]}
CASES = [
    (name, state) for name, make in SINGLE.items() for state in make().states if state in ("y", "v_e", "v_i", "q", "r")
]


def doubled(values, of, state=None):
    """Values (trials, units) for both members of each pair."""
    return {
        name: value if name in of.external else np.concatenate([value, -value if name == state else value], axis=-1)
        for name, value in values.items()
    }


@pytest.mark.parametrize(("name", "state"), CASES)
def test_the_same_states_and_outputs(name, state):
    circuit = SINGLE[name]()
    pairs = on.rectified_pairs(circuit, state)
    inputs, states = random_inputs(circuit, trials=(3,)), random_states(circuit, seed=1, trials=(3,))
    expected = simulate_reference(circuit, inputs, 3e-3, method="rk4", initial=states)
    given = doubled(inputs, circuit), doubled(states, circuit, state)
    found = simulate_reference(pairs, given[0], 3e-3, method="rk4", initial=given[1])
    n = circuit.size
    for key, value in expected.items():
        if key not in circuit.states:
            continue
        first, second = found[key][..., :n], found[key][..., n:]
        np.testing.assert_allclose(first, value, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(second, -value if key == state else value, rtol=1e-12, atol=1e-12)
    positive = np.maximum(found[state], 0)
    np.testing.assert_allclose(positive[..., :n] - positive[..., n:], expected[state], rtol=1e-12, atol=1e-12)


def test_rates_of_a_pair_add_up():
    circuit = make_main()
    pairs, z = on.rectified_pairs(circuit), random_inputs(circuit)["z"]
    expected = on.simulate(circuit, z, 5e-3, record=["rate_y", "rate_a"])
    found = on.simulate(pairs, np.tile(z, 2), 5e-3, record=["rate_y", "rate_a"])
    np.testing.assert_allclose(found["rate_y"].reshape(-1, 2, 4).sum(axis=1), expected["rate_y"][:, 0], atol=1e-14)
    np.testing.assert_allclose(found["rate_a"][..., 4:], expected["rate_a"], atol=1e-14)


def test_weights_read_positive_rates_only():
    pairs = on.rectified_pairs(make_gated())
    assert {c.source for c in pairs.model.couplings} == {
        "x", "sign_y * relu(y)", "0.5*(a)", "relu(a) * relu(sign_y * relu(y)) ** 2"
    }  # fmt: skip


def test_pairs_are_saved(tmp_path):
    pairs = on.rectified_pairs(make_main())
    pairs.save(tmp_path / "pairs.safetensors")
    assert on.load(tmp_path / "pairs.safetensors").key == pairs.key


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: on.rectified_pairs(make_joined()), TypeError, "takes a circuit of one population"),
        (lambda: on.rectified_pairs(make_main(), "q"), ValueError, "unknown state 'q'; known: 'y', 'a'"),
        (
            lambda: on.rectified_pairs(on.rectified_pairs(make_main())),
            ValueError,
            "pairs of 'y' add a parameter 'sign_y', but the model 'two_type_pairs' has one of that name",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
