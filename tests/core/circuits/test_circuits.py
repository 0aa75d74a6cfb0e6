"""Circuits: defaults, immutability, copies, joining, and files that load back equal."""

import re

import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.core import files
from organics_neuro.core.errors import FileFormatError
from tests.circuits import (
    CIRCUITS,
    make_joined,
    make_main,
    make_nested,
    random_inputs,
    random_states,
)

every_circuit = pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)


def test_defaults():
    circuit = on.Circuit("two_type", size=3)
    assert circuit.weights["W_r"].is_identity
    assert circuit.weights["W"] == on.AllToAll(3)
    assert circuit.parameters == {"b": 0.5, "b0": 0.5, "sigma": 0.1, "tau_y": 2e-3, "tau_a": 1e-3}
    np.testing.assert_allclose(circuit.initial["a"], 0.0025)
    np.testing.assert_array_equal(circuit.initial["y"], 0)


def test_parameters_take_quantities_and_arrays():
    circuit = on.Circuit("two_type", size=2, tau_y=5 * ms, b=[0.1, 0.2])
    assert circuit.parameters["tau_y"] == pytest.approx(5e-3)
    np.testing.assert_array_equal(circuit.parameters["b"], [0.1, 0.2])


@pytest.mark.parametrize("given", [{"weights": {"W": np.eye(3)}}, {"b": [0.1, 0.2, 0.3]}, {"size": 3}])
def test_size_is_found(given):
    assert on.Circuit("two_type", **given).size == 3


def test_one_number_does_not_tell_the_size():
    for number in (0.1, np.float64(0.1), np.array(0.1)):
        assert on.Circuit("two_type", {"W": number, "W_r": np.eye(4)}).size == 4
        with pytest.raises(ValueError, match="how many units"):
            on.Circuit("two_type", {"W": number})


def test_a_model_that_is_none():
    with pytest.raises(ValueError, match="unknown model {'W': 0.1}; known: .*'gated'"):
        on.Circuit({"W": 0.1})


def test_a_circuit_never_changes():
    circuit = make_main()
    with pytest.raises(AttributeError, match=r"circuit\.replace\(sigma=\.\.\.\)"):
        circuit.sigma = 1
    with pytest.raises(TypeError):
        circuit.parameters["sigma"] = 1
    with pytest.raises(TypeError):
        circuit.weights["W"] = 1
    with pytest.raises(ValueError, match="read-only"):
        circuit.parameters["b"][0] = 1


def test_replace_keeps_the_rest():
    circuit = make_main()
    other = circuit.replace(sigma=0.7, weights={"W_r": np.eye(4)}, initial={"y": 0.2})
    assert other.parameters["sigma"] == 0.7
    assert other.weights["W_r"].is_identity
    assert other.weights["W"] == circuit.weights["W"]
    np.testing.assert_array_equal(other.initial["y"], 0.2)
    assert other.replace(b=1.0).initial["y"][0] == 0.2
    assert circuit.parameters["sigma"] == 0.3
    assert other != circuit


def test_ring_has_the_pool_and_the_encoder():
    circuit = on.ring(n=36, sigma=0.2)
    assert circuit.weights["W_zx"].shape == (36, 360)
    assert circuit.weights["W"] == on.AllToAll(36)
    assert circuit.parameters["sigma"] == 0.2
    assert circuit.parameters["tau_a"] == circuit.parameters["tau_y"] == 2e-3


@every_circuit
def test_repr_says_what_it_is(make):
    circuit = make()
    text = repr(circuit)
    assert "units" in text
    assert all(part in text for part in getattr(circuit, "parts", ()))


# --- joining ----------------------------------------------------------------------------------------------------------


def test_joined_names_and_sizes():
    circuit = make_joined()
    assert dict(circuit.states)["low.y"] == 3
    assert dict(circuit.states)["side.v_i"] == 2
    assert dict(circuit.inputs) == {}
    assert circuit.weights["low.z"].shape == (3, 2)
    assert circuit.weights["high.W_zx"].shape == (4, 3)


def test_joined_right_hand_side_is_that_of_the_parts():
    """Each part alone, given as input what the others deliver, moves as it does in the whole."""
    circuit = make_joined()
    states = random_states(circuit)
    whole = circuit.dynamics.right_hand_side(states, {})
    low, high, side = (circuit.parts[name] for name in ("low", "high", "side"))
    inputs = {
        "low": {"z": circuit.weights["low.z"] @ (1 + states["side.v_e"] * states["side.v_i"])},
        "high": {"x": states["low.y"] ** 2 + low.parameters["sigma"]},
        "side": {"drive": circuit.weights["side.drive"] @ (states["high.b"] * states["high.y"])},
    }
    for name, part in circuit.parts.items():
        alone = part.dynamics.right_hand_side({s: states[f"{name}.{s}"] for s in part.states}, inputs[name])
        for state, value in alone.items():
            np.testing.assert_allclose(whole[f"{name}.{state}"], value, rtol=1e-13, err_msg=f"{name}.{state}")
    assert high.size == 4
    assert side.size == 2


def test_nested_join_equals_the_flat_one():
    a, b = make_main(n=3), make_main(n=2)
    to_b, to_top = on.Coupling("b.z", [[0.1, 0.2, 0.3]] * 2, "a: y**2"), on.Coupling("top.z", on.AllToAll(2), "b: y*b")
    flat = on.join({"a": a, "b": b, "top": make_main(n=2)}, [to_b, to_top])
    nested = make_nested()
    assert [name.removeprefix("pair.") for name in nested.states] == list(flat.states)
    x, z = np.abs(np.random.default_rng(0).normal(size=flat.dynamics.size)), np.array([0.3, 0.5, -0.1])
    np.testing.assert_array_equal(
        nested.dynamics.flow(x, nested.dynamics.resolve_inputs({"pair.a.z": z})),
        flat.dynamics.flow(x, flat.dynamics.resolve_inputs({"a.z": z})),
    )


@pytest.mark.parametrize(
    ("coupling", "message"),
    [
        (on.Coupling("b.q", 1.0, "a: y"), "unknown target of a coupling 'b.q'; known: 'a.z', 'b.z'"),
        (on.Coupling("b.z", 1.0, "y"), "the source must read 'population: expression' with a population among a, b"),
        (on.Coupling("b.z", 1.0, "c: y"), "population among a, b, got 'c: y'"),
        (on.Coupling("b.z", 1.0, "a: q"), "unknown variable 'q'"),
        (on.Coupling("b.z", np.ones((3, 2)), "a: y"), r"shape \(3, 2\), but must have \(2 targets, 3 sources\)"),
        (
            on.Coupling("b.z", -1.0, "a: y", nonnegative=True),
            "weights 'b.z' must not be negative, but the smallest is -1",
        ),
        (
            on.Coupling("b.z", source="a: y", default="ones"),
            "default= is for the couplings of a model; give the weights",
        ),
        (on.Coupling("b.z", 1.0, "b: z"), "couplings read each other in a circle: b.z <- b.z"),
        (on.Coupling("b.z", 1.0, "a: y", sign=-1), r"must not be positive \(sign=-1\), but the largest is 1"),
        (on.Coupling("b.z", 1.0, "a: y", sign=2), r"sign must be \+1, -1 or None, got 2"),
        (on.Coupling("b.z", 1.0, "a: y", sign=-1, nonnegative=True), "contradicts nonnegative=True"),
    ],
)
def test_wrong_couplings(coupling, message):
    with pytest.raises(ValueError, match=message):
        on.join({"a": make_main(n=3), "b": make_main(n=2)}, [coupling])


def test_couplings_of_one_target_add_up():
    parts = {"a": make_main(n=3), "b": make_main(n=2)}
    first, second = on.Coupling("b.z", 1.0, "a: y"), on.Coupling("b.z", [[0.1, 0.2, 0.3]] * 2, "a: y**2")
    circuit = on.join(parts, [first, second])
    assert {"b.z", "b.z_2"} <= circuit.weights.keys()
    states = random_states(circuit)
    both, *each = (
        on.join(parts, list(couplings)).dynamics.couplings(states, {"a.z": np.zeros(3)})["b.z"]
        for couplings in ([first, second], [first], [second])
    )
    np.testing.assert_allclose(both, sum(each), rtol=1e-15)


def test_a_coupling_adds_to_one_inside_a_part():
    circuit = on.join({"a": make_main(n=3), "b": make_main(n=2)}, [on.Coupling("b.recurrent", 0.5, "a: y")])
    states = random_states(circuit)
    delivered = circuit.dynamics.couplings(states, circuit.dynamics.resolve_inputs(None))["b.recurrent"]
    own = circuit.weights["b.W_r"] @ states["b.y"]
    np.testing.assert_allclose(delivered, own + 0.5 * states["a.y"].sum(), rtol=1e-15)


def test_two_feeds_of_an_external_input():
    feed = on.Coupling("high.x", source="low: y")
    with pytest.raises(ValueError, match=r"two couplings feed the external input 'high\.x'"):
        on.join({"low": make_main(n=3), "high": CIRCUITS["gated"]()}, [feed, feed])


def test_joined_circles_are_found():
    reads = on.Coupling("a.z", 1.0, "b: z")
    with pytest.raises(ValueError, match=r"in a circle: a\.z <- b\.z <- a\.z"):
        on.join({"a": make_main(n=3), "b": make_main(n=2)}, [reads, on.Coupling("b.z", 1.0, "a: z")])


def test_external_inputs_are_fed_directly():
    low = make_main(n=3)
    high = CIRCUITS["gated"]()
    with pytest.raises(ValueError, match="an external input has weights of its own"):
        on.join({"low": low, "high": high}, [on.Coupling("high.x", 1.0, "low: y")])
    with pytest.raises(ValueError, match="the input has 3 values, but 'low' has 5 units"):
        on.join({"low": make_main(n=5), "high": high}, [on.Coupling("high.x", source="low: y")])


def test_join_refuses_what_is_not_a_circuit():
    with pytest.raises(TypeError, match="part 'a' must be a circuit, got str"):
        on.join({"a": "two_type"}, [])
    with pytest.raises(ValueError, match="part name 'a b' must be an identifier"):
        on.join({"a b": make_main()}, [])
    with pytest.raises(ValueError, match="part name 'é' must be an identifier of ASCII letters"):
        on.join({"é": make_main()}, [])


def test_replacing_a_part():
    circuit = make_joined()
    louder = circuit.replace(low=circuit.parts["low"].replace(sigma=0.9))
    assert louder.parts["low"].parameters["sigma"] == 0.9
    assert louder.parts["high"] == circuit.parts["high"]
    with pytest.raises(ValueError, match="unknown part 'lo'; known: 'low', 'high', 'side'"):
        circuit.replace(lo=make_main(n=3))
    with pytest.raises(TypeError, match="part 'low' must be a circuit, got int"):
        circuit.replace(low=5)


# --- files ------------------------------------------------------------------------------------------------------------


@every_circuit
def test_file_round_trip(make, tmp_path):
    circuit = make()
    circuit.save(tmp_path / "circuit.safetensors")
    copy = on.load(tmp_path / "circuit.safetensors")
    assert copy == circuit
    states, inputs = random_states(circuit), random_inputs(circuit)
    mine, theirs = (c.dynamics.right_hand_side(states, c.dynamics.resolve_inputs(inputs)) for c in (circuit, copy))
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name])


def test_file_keeps_initial_states(tmp_path):
    circuit = make_main().replace(initial={"y": [0.1, 0.2, 0.3, 0.4]})
    circuit.save(tmp_path / "circuit.safetensors")
    np.testing.assert_array_equal(on.load(tmp_path / "circuit.safetensors").initial["y"], [0.1, 0.2, 0.3, 0.4])


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file .*nothing.safetensors"):
        on.load(tmp_path / "nothing.safetensors")
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"):
        make_main().save(tmp_path / "nowhere" / "circuit.safetensors")


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m.pop("model"),
        lambda m: m.update(size=99),
        lambda m: m["weights"].update(W="magic"),
        lambda m: m.update(weights=[]),
        lambda m: m["model"].update(equations="dx/dt = __import__('os') : 1"),
        lambda m: m["model"].update(surprise=1),
    ],
    ids=["no model", "wrong size", "unknown operator", "weights of another type", "code in equations", "unknown field"],
)
def test_file_with_wrong_metadata(tmp_path, edit):
    path = tmp_path / "circuit.safetensors"
    make_main().save(path)
    arrays, metadata, *_ = files.load(path, "circuit")
    edit(metadata)
    files.save(path, arrays, kind="circuit", metadata=metadata)
    with pytest.raises(FileFormatError, match=f"{re.escape(str(path))} does not hold a valid circuit"):
        on.load(path)
