"""Right-hand sides against equations written out by hand, Jacobians against finite differences, inputs as given."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import (
    CIRCUITS,
    make_gated,
    make_main,
    make_wilson_cowan,
    one_unit,
    random_inputs,
    random_states,
)

every_circuit = pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("model", ["two_type", "two_type_rectified", "two_type_rectified_recurrence"])
def test_two_type_circuits_by_hand(model):
    circuit = make_main(model)
    p, w_r, w = circuit.parameters, *(circuit.weights[name].to_dense() for name in ("W_r", "W"))
    states, z = random_states(circuit, trials=(5,)), np.random.default_rng(1).normal(size=(5, 4))
    y, a = states["y"], states["a"]
    recurrent = {
        "two_type": y @ w_r.T,
        "two_type_rectified": relu(y) @ w_r.T,
        "two_type_rectified_recurrence": relu(y @ w_r.T),
    }[model]
    power = y**2 if model == "two_type" else relu(y) ** 2
    result = circuit.dynamics.right_hand_side(states, circuit.dynamics.resolve_inputs(z))
    dy = (-y + p["b"] * z + (1 - np.sqrt(relu(a))) * recurrent) / p["tau_y"]
    da = (-a + (p["sigma"] * p["b0"]) ** 2 + (relu(a) * power) @ w.T) / p["tau_a"]
    np.testing.assert_allclose(result["y"], dy, rtol=1e-12)
    np.testing.assert_allclose(result["a"], da, rtol=1e-12)


def test_gated_circuit_by_hand():
    circuit = make_gated()
    p, w = circuit.parameters, {name: operator.to_dense().T for name, operator in circuit.weights.items()}
    states, x = random_states(circuit, trials=(5,)), np.random.default_rng(1).normal(size=(5, 3))
    y, a, b0, b = (states[name] for name in ("y", "a", "b0", "b"))
    result = circuit.dynamics.right_hand_side(states, circuit.dynamics.resolve_inputs(x))
    z = relu(x @ w["W_zx"])
    expected = {
        "y": (-y + b * z + (1 - np.sqrt(a)) * relu(y @ w["W_r"])) / p["tau_y"],
        "a": (-a + (p["sigma"] * b0) ** 2 + (a * relu(y) ** 2) @ w["W"]) / p["tau_a"],
        "b0": (-b0 + sigmoid(x @ w["W_b0x"] + y @ w["W_b0y"] + a @ w["W_b0a"])) / p["tau_b0"],
        "b": (-b + sigmoid(x @ w["W_bx"] + y @ w["W_by"] + a @ w["W_ba"])) / p["tau_b"],
    }
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-12, err_msg=name)


def test_users_model_by_hand():
    circuit = make_wilson_cowan()
    p, w = circuit.parameters, {name: operator.to_dense().T for name, operator in circuit.weights.items()}
    states, drive = random_states(circuit), np.random.default_rng(1).normal(size=4)
    e, i = states["v_e"], states["v_i"]
    result = circuit.dynamics.right_hand_side(states, circuit.dynamics.resolve_inputs(drive))
    de = (-e + sigmoid(p["gain"] * (drive + e @ w["W_ee"] - 2 * i**2 @ w["W_ei"] - p["threshold"]))) / p["tau_v_e"]
    di = (-i + np.tanh(relu(e @ w["W_ie"] - p["threshold"]))) / p["tau_v_i"]
    np.testing.assert_allclose(result["v_e"], de, rtol=1e-12)
    np.testing.assert_allclose(result["v_i"], di, rtol=1e-12)


@every_circuit
@pytest.mark.parametrize("seed", range(3))
def test_jacobian_agrees_with_finite_differences(make, seed):
    circuit = make()
    dynamics = circuit.dynamics
    inputs = dynamics.resolve_inputs(random_inputs(circuit, seed))
    x, h = dynamics.pack(random_states(circuit, seed)), 1e-6
    steps = h * np.eye(dynamics.size)
    finite = (dynamics.flow(x + steps, inputs) - dynamics.flow(x - steps, inputs)).T / (2 * h)
    matrix = on.theory.jacobian(circuit, inputs, dynamics.unpack(x))
    np.testing.assert_allclose(matrix, finite, atol=1e-8 * np.abs(finite).max())


@every_circuit
def test_trials_are_independent(make):
    circuit = make()
    states, inputs = random_states(circuit, trials=(3,)), random_inputs(circuit, trials=(3,))
    together = circuit.dynamics.right_hand_side(states, inputs)
    for trial in range(3):
        one = circuit.dynamics.right_hand_side(
            {k: v[trial] for k, v in states.items()}, {k: v[trial] for k, v in inputs.items()}
        )
        for name, value in one.items():
            np.testing.assert_allclose(np.broadcast_to(together[name], states[name].shape)[trial], value, rtol=1e-13)


@every_circuit
def test_pack_and_unpack_are_inverse(make):
    dynamics = make().dynamics
    x = np.random.default_rng(0).normal(size=(2, dynamics.size))
    np.testing.assert_array_equal(dynamics.pack(dynamics.unpack(x)), x)


def test_rates_are_those_of_the_papers():
    circuit = one_unit()
    rates = circuit.outputs({"y": np.array([-0.5]), "a": np.array([0.09])})
    np.testing.assert_allclose([rates["rate_y"][0], rates["rate_a"][0]], [0.25, 0.3])
    rates = one_unit("two_type_rectified").outputs({"y": np.array([-0.5]), "a": np.array([0.09])})
    assert rates["rate_y"][0] == 0


def test_inputs_not_given_are_zero():
    circuit = on.join({"a": make_main(n=2), "b": make_main(n=3)}, [])
    inputs = circuit.dynamics.resolve_inputs({"b.z": 0.5})
    np.testing.assert_array_equal(inputs["a.z"], [0, 0])
    np.testing.assert_array_equal(inputs["b.z"], [0.5, 0.5, 0.5])
