"""What declarations can say beyond states and couplings: outputs, inputs, time constants, sums and chains of couplings."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.terms import Term, combine
from tests.circuits import CHAIN, make_chain, make_main, one_unit, random_states
from tests.simulators import simulate_reference


def test_couplings_add_up_and_follow_each_other():
    circuit = make_chain()
    states, drive = random_states(circuit), np.full(4, 0.3)
    found = circuit.dynamics.couplings(states, circuit.dynamics.resolve_inputs(None))
    w, r, q = circuit.weights, states["r"], states["q"]
    pooled = w["W_1"] @ np.tanh(r) ** 2 + w["W_2"] @ np.sin(q)
    np.testing.assert_allclose(found["pooled"], pooled, rtol=1e-14)
    np.testing.assert_allclose(found["slope"], w["W_3"] @ (np.tanh(-q + pooled + drive) * r), rtol=1e-14)


def test_jacobian_of_a_chain_is_the_derivative_of_the_flow():
    circuit = make_chain()
    dynamics = circuit.dynamics
    inputs, x = dynamics.resolve_inputs(None), dynamics.pack(random_states(circuit))
    steps = 1e-6 * np.eye(dynamics.size)
    numerical = (dynamics.flow(x + steps, inputs) - dynamics.flow(x - steps, inputs)).T / 2e-6
    np.testing.assert_allclose(dynamics.jacobian(x, inputs), numerical, rtol=1e-6, atol=1e-4)


def test_outputs_with_and_without_weights():
    circuit = make_chain()
    states = random_states(circuit, trials=(3,))
    found = circuit.outputs(states)
    pooled = circuit.dynamics.couplings(states, circuit.dynamics.resolve_inputs(None))["pooled"]
    np.testing.assert_array_equal(found["rate_r"], np.maximum(states["r"], 0) ** 2)
    lfp = (np.abs(pooled) + states["r"]) @ circuit.weights["W_lfp"].to_dense().T
    np.testing.assert_allclose(found["lfp"], lfp, rtol=1e-14)
    assert found["lfp"].shape == (3, 2)


def test_an_output_without_its_weights_is_not_there():
    circuit = make_chain()
    weights = {name: w for name, w in circuit.weights.items() if name != "W_lfp"}
    assert on.Circuit(CHAIN, weights).outputs({"r": 0.0}).keys() == {"rate_r"}


def test_outputs_of_a_joined_circuit_have_full_names():
    circuit = on.join({"a": make_main(n=3), "b": make_chain(n=2)}, [])
    assert set(circuit.outputs({})) == {"a.rate_y", "a.rate_a", "b.rate_r", "b.lfp"}


def test_inputs_start_at_their_default_and_states_follow():
    circuit = make_chain()
    np.testing.assert_allclose(circuit.initial["r"], 0.45)
    trace = simulate_reference(circuit, [[0.1] * 4, [0.2] * 4], 1e-4)
    np.testing.assert_allclose(trace["r"][0], [[0.15] * 4, [0.3] * 4])


def test_time_constants_are_expressions():
    circuit = make_chain()
    tau = circuit.dynamics.time_constants(circuit.dynamics.resolve_inputs({"tau_s": [1e-3, 2e-3, 3e-3, 4e-3]}))
    np.testing.assert_allclose(tau, [1e-3, 2e-3, 3e-3, 4e-3, 2e-3, 4e-3, 6e-3, 8e-3])


def test_any_parameter_is_an_input_in_theory():
    circuit, b = one_unit(), [[0.2], [0.7]]
    found = on.theory.fixed_point(circuit, {"z": [1.0], "b": b}).state["y"][:, 0]
    expected = [on.theory.fixed_point(circuit.replace(b=value), [1.0]).state["y"][0] for (value,) in b]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    slow = on.theory.jacobian(circuit, {"z": [1.0], "tau_y": [8e-3]})
    np.testing.assert_allclose(slow, on.theory.jacobian(circuit.replace(tau_y=8e-3), [1.0]), rtol=1e-12)


def test_a_parameter_changes_with_time():
    circuit = make_main()
    b = np.linspace(0.2, 0.8, 20)[:, None, None]
    trace = simulate_reference(circuit, {"z": np.ones(4), "b": np.broadcast_to(b, (20, 1, 4))}, 2e-3)
    state = {name: value[10, 0] for name, value in trace.items()}
    step = simulate_reference(circuit.replace(b=b[10, 0, 0]), np.ones(4), 1e-4, initial=state)
    np.testing.assert_allclose(trace["y"][11, 0], step["y"][1, 0], rtol=1e-15)


@pytest.mark.parametrize(
    ("z", "error", "message"),
    [
        ({"sigma": [0.0]}, ValueError, "parameter 'sigma' must be larger than 0"),
        ({"q": [0.0]}, ValueError, "unknown input 'q'; known: 'z', 'b'"),
        ({"b": [1.0, 2.0]}, ValueError, r"b has shape \(2,\), but its last axis must be the 1 units"),
    ],
)
def test_wrong_parameters_as_inputs(z, error, message):
    with pytest.raises(error, match=message):
        on.theory.fixed_point(one_unit(), z)


def test_signs_of_weights_are_checked_and_saved(tmp_path):
    model = on.CircuitModel(
        "inhibited",
        "dx/dt = (-x + c)/tau_x : 1\n c : 1\n tau_x : second",
        couplings=[on.Coupling("c", "W", "x", sign=-1)],
        parameters={"tau_x": 1e-2},
    )
    with pytest.raises(ValueError, match=r"weights 'W' must not be positive \(sign=-1\), but the largest is 1"):
        on.Circuit(model, {"W": [[1.0]]})
    circuit = on.Circuit(model, {"W": [[-1.0]]})
    circuit.save(tmp_path / "c.safetensors")
    assert on.load(tmp_path / "c.safetensors") == circuit


def test_a_chain_survives_a_file(tmp_path):
    circuit = on.join(
        {"a": make_chain(), "b": make_main(n=3)},
        [on.Coupling("b.z", np.ones((3, 4)), "a: r", sign=1), on.Coupling("b.z", -np.ones((3, 4)), "a: q", sign=-1)],
    )
    circuit.save(tmp_path / "c.safetensors")
    loaded = on.load(tmp_path / "c.safetensors")
    assert loaded == circuit
    assert [c.sign for c in loaded.couplings] == [1, -1]


def test_terms_make_a_model():
    leak = Term("dx/dt = (-x + drive)/tau_x : 1\n tau_x : second", parameters={"tau_x": 1e-2})
    inputs = {
        "plain": Term("drive : 1"),
        "squared": Term("drive = c**2 : 1\n c : 1", couplings=(on.Coupling("c", "W", "x"),)),
    }
    assert combine("plain", leak, inputs["plain"]).inputs == ("drive",)
    assert combine("squared", leak, inputs["squared"]).weights == ("W",)
    with pytest.raises(ValueError, match="two terms give 'tau_x' in 'parameters': 0.01 and 0.02"):
        combine("twice", leak, Term(parameters={"tau_x": 2e-2}))


def test_the_family_shares_its_terms():
    assert set(on.MODELS) >= {"two_type", "two_type_rectified", "two_type_rectified_recurrence", "gated_unrectified"}
    names = [name for name in on.MODELS if name.startswith("gated")]
    assert len(names) == 20
    for name in names:
        assert ("b0" in on.MODELS[name].states) == ("constant_b0" not in name)
