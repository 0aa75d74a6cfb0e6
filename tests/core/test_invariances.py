"""Symmetries and scalings of the equations, as properties of random circuits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import organics_neuro as on
from organics_neuro.core import reference
from tests.circuits import make_gated, make_main, random_states
from tests.simulators import simulate_reference

seeds = st.integers(0, 2**32 - 1)
models = st.sampled_from(["two_type", "two_type_rectified", "two_type_rectified_recurrence"])
few = settings(max_examples=25, deadline=None)


def random_circuit(model, seed, n=4, identity=False):
    rng = np.random.default_rng(seed)
    w_r = np.eye(n) if identity else rng.normal(size=(n, n)) / n
    gains = {"b": rng.uniform(0.1, 1, n), "b0": rng.uniform(0.1, 1, n), "sigma": rng.uniform(0.1, 1)}
    return on.Circuit(model, {"W_r": w_r, "W": rng.exponential(size=(n, n))}, **gains), rng.normal(size=n)


def flow(circuit, states, z):
    return circuit.dynamics.right_hand_side(states, circuit.dynamics.resolve_inputs(z))


@few
@given(models, seeds, st.floats(0.01, 1))
def test_normalizers_stay_above_their_floor(model, seed, relative_step):
    """With a(0) >= (sigma b0)², a(t) stays there under Euler whenever dt <= tau_a, whatever y does."""
    circuit, z = random_circuit(model, seed)
    floor = (circuit.parameters["sigma"] * circuit.parameters["b0"]) ** 2
    rng = np.random.default_rng(seed)
    start = {"y": rng.normal(size=4), "a": floor + rng.exponential(size=4)}
    dt = relative_step * circuit.parameters["tau_a"]
    inputs = circuit.dynamics.resolve_inputs(z)  # some of these circuits run away, which `simulate` does not allow
    a = reference.trace(circuit, inputs, 20, dt, initial=start)["a"][:, 0]
    finite = np.isfinite(a)
    assert finite[:3].all()
    rounding = 4 * np.finfo(float).eps * a[:-1]  # of a step that falls from a large value to the floor
    assert (a[1:] >= floor * (1 - 1e-12) - rounding)[finite[1:]].all()


@few
@given(seeds)
def test_sign_equivariance_of_the_main_circuit(seed):
    circuit, z = random_circuit("two_type", seed)
    states = random_states(circuit, seed)
    here, mirrored = flow(circuit, states, z), flow(circuit, {**states, "y": -states["y"]}, -z)
    np.testing.assert_allclose(mirrored["y"], -here["y"], rtol=1e-13)
    np.testing.assert_array_equal(mirrored["a"], here["a"])


def test_rectified_circuits_are_not_sign_equivariant():
    circuit, z = random_circuit("two_type_rectified", 0)
    states = random_states(circuit, 0)
    here, mirrored = flow(circuit, states, z), flow(circuit, {**states, "y": -states["y"]}, -z)
    assert np.abs(mirrored["y"] + here["y"]).max() > 1e-3 * np.abs(here["y"]).max()


@few
@given(models, seeds)
def test_permutation_equivariance(model, seed):
    circuit, z = random_circuit(model, seed)
    order = np.random.default_rng(seed).permutation(4)
    shuffled = circuit.replace(
        weights={k: w.to_dense()[np.ix_(order, order)] for k, w in circuit.weights.items()},
        b=circuit.parameters["b"][order],
        b0=circuit.parameters["b0"][order],
    )
    states = random_states(circuit, seed)
    here = flow(circuit, states, z)
    there = flow(shuffled, {k: v[order] for k, v in states.items()}, z[order])
    for name in here:
        np.testing.assert_allclose(there[name], here[name][order], rtol=1e-11, atol=1e-11)


@few
@given(models, seeds, st.floats(0.1, 10))
def test_slower_time_constants_scale_the_jacobian(model, seed, k):
    circuit, z = random_circuit(model, seed)
    slow = circuit.replace(tau_y=k * circuit.parameters["tau_y"], tau_a=k * circuit.parameters["tau_a"])
    states = random_states(circuit, seed)
    np.testing.assert_allclose(
        on.theory.jacobian(slow, z, states), on.theory.jacobian(circuit, z, states) / k, rtol=1e-12, atol=1e-12
    )


@few
@given(models, seeds, st.floats(0.2, 5))
def test_scaling_both_gains_leaves_y_and_scales_a(model, seed, k):
    """(b, b0) -> k (b, b0) with identity recurrence: y* unchanged, a* -> k² a* (for active units)."""
    circuit, z = random_circuit(model, seed, identity=True)
    z = z if model == "two_type" else np.abs(z)
    scaled = circuit.replace(b=k * circuit.parameters["b"], b0=k * circuit.parameters["b0"])
    here, there = (on.theory.fixed_point(c, z).state for c in (circuit, scaled))
    np.testing.assert_allclose(there["y"], here["y"], rtol=1e-12)
    np.testing.assert_allclose(there["a"], k**2 * here["a"], rtol=1e-12)


@few
@given(models, seeds, st.floats(0.2, 5))
def test_scaling_stimulus_and_semisaturation_leaves_y(model, seed, k):
    circuit, z = random_circuit(model, seed, identity=True)
    z = z if model == "two_type" else np.abs(z)
    scaled = circuit.replace(sigma=k * circuit.parameters["sigma"])
    here, there = on.theory.fixed_point(circuit, z).state, on.theory.fixed_point(scaled, k * z).state
    np.testing.assert_allclose(there["y"], here["y"], rtol=1e-12)
    np.testing.assert_allclose(there["a"], k**2 * here["a"], rtol=1e-12)


@few
@given(seeds)
def test_variants_share_the_steady_state_of_positive_drive(seed):
    points = []
    for model in ("two_type", "two_type_rectified", "two_type_rectified_recurrence"):
        circuit, z = random_circuit(model, seed, identity=True)
        points.append(on.theory.fixed_point(circuit, np.abs(z)).state)
    for point in points[1:]:
        np.testing.assert_allclose(point["y"], points[0]["y"], rtol=1e-13)
        np.testing.assert_allclose(point["a"], points[0]["a"], rtol=1e-13)


@few
@given(seeds)
def test_gated_circuit_with_its_gains_held_is_the_rectified_recurrence_circuit(seed):
    """One Euler step of the trainable cell with gains b and b0 equals one of the circuit with these parameters."""
    gated = make_gated(seed=seed % 1000)
    states = random_states(gated, seed)
    states = {**states, "b0": np.abs(states["b0"]) + 0.1}
    x = np.random.default_rng(seed).normal(size=3)
    fixed = on.Circuit(
        "two_type_rectified_recurrence",
        {name: gated.weights[name] for name in ("W_r", "W")},
        b=states["b"],
        b0=states["b0"],
        **{name: gated.parameters[name] for name in ("sigma", "tau_y", "tau_a")},
    )
    z = np.maximum(gated.weights["W_zx"] @ x, 0)
    step = {"duration": 1e-4, "dt": 1e-4}
    whole = simulate_reference(gated, x, initial=states, **step)
    part = simulate_reference(fixed, z, initial={k: states[k] for k in ("y", "a")}, **step)
    for name in part:
        np.testing.assert_allclose(whole[name][-1], part[name][-1], rtol=1e-13)


def test_the_floor_is_reached_without_input():
    circuit = make_main()
    point = on.theory.fixed_point(circuit)
    np.testing.assert_allclose(point.state["a"], (circuit.parameters["sigma"] * circuit.parameters["b0"]) ** 2)
    assert point.state["y"] == pytest.approx(np.zeros(4))
