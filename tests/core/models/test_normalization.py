"""Divisive normalization of any exponent: closed form, oscillator form, and its stability."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import random_states
from tests.simulators import simulate_reference

CENSUS = 2000


def random_circuit(rng):
    """At most 12 units, exponents from 0.5 to 4, time constants over three decades, sparse pools."""
    n, p = rng.integers(1, 13), rng.uniform(0.5, 4)
    pool = rng.exponential(size=(n, n)) * (rng.random((n, n)) < rng.uniform(0.2, 1))
    gains = {name: rng.uniform(0.1, 2, n) for name in ("b", "b0")}
    times = {name: 10 ** rng.uniform(-3, 0, n) for name in ("tau_y", "tau_a")}
    circuit = on.Circuit("normalization", {"W": pool}, p=p, sigma=rng.uniform(0.05, 1), **gains, **times)
    return circuit, rng.normal(size=n) * 10 ** rng.uniform(-1, 1)


def companion(circuit, z):
    """The Jacobian of q'' + B q' + K q = 0 as a first-order system; the oscillators of the steady state."""
    p, pool = circuit.parameters["p"], circuit.weights["W"].to_dense()
    tau_y, tau_a, b, b0, sigma = (circuit.parameters[name] for name in ("tau_y", "tau_a", "b", "b0", "sigma"))
    a = (sigma * b0) ** p + pool @ np.abs(b * z) ** p
    s = a ** (1 / p)
    y = b * z / s
    damping = np.diag(s / tau_y) + (np.eye(len(z)) - pool * np.abs(y) ** p) / np.reshape(tau_a, (-1, 1))
    stiffness = np.diag(s / (tau_y * tau_a))
    return np.block([[np.zeros_like(damping), np.eye(len(z))], [-stiffness, -damping]])


@pytest.mark.slow
def test_census():
    """Stable for every exponent, pool, input and time constants."""
    rng = np.random.default_rng(0)
    for _ in range(CENSUS):
        circuit, z = random_circuit(rng)
        found = on.theory.eigenvalues(circuit, z)
        assert found[0].real < 0
        expected = np.linalg.eigvals(companion(circuit, z))
        distance = np.abs(found[:, None] - expected).min(axis=1)
        assert (distance < 1e-6 * np.abs(found).max()).all()  # equal roots are found to half of the digits


@pytest.mark.parametrize("seed", range(20))
def test_closed_form(seed):
    circuit, z = random_circuit(np.random.default_rng(seed))
    point = on.theory.fixed_point(circuit, z)
    assert point.converged
    assert point.iterations == 0
    p, pool = circuit.parameters["p"], circuit.weights["W"].to_dense()
    b, b0, sigma = (circuit.parameters[name] for name in ("b", "b0", "sigma"))
    divisor = ((sigma * b0) ** p + pool @ np.abs(b * z) ** p) ** (1 / p)
    np.testing.assert_allclose(point.state["y"], b * z / divisor, rtol=1e-12)
    searched = on.theory.fixed_point(circuit, z, guess={name: v * 1.01 for name, v in point.state.items()})
    np.testing.assert_allclose(searched.state["y"], point.state["y"], rtol=1e-8)


@pytest.mark.parametrize("p", [0.7, 1, 2, 3.5])
def test_the_circuit_settles_at_its_closed_form(p):
    circuit = on.Circuit("normalization", {"W": [[0.5, 1], [0.2, 0.8]]}, p=p, tau_a=2e-3)
    end = simulate_reference(circuit, [1.0, -0.4], 0.5, 1e-4, "rk4")
    for name, expected in on.theory.fixed_point(circuit, [1.0, -0.4]).state.items():
        np.testing.assert_allclose(end[name][-1, 0], expected, rtol=1e-8)


@pytest.mark.parametrize("p", [0.7, 1, 2, 3.5])
def test_jacobian(p):
    """Against differences, with negative activity and recurrence that is not the identity."""
    rng = np.random.default_rng(3)
    weights = {"W": rng.uniform(size=(4, 4)), "W_r": rng.normal(size=(4, 4)) / 4}
    circuit = on.Circuit("normalization", weights, p=p, tau_y=1.0, tau_a=1.0)
    z, dynamics = rng.normal(size=4), circuit.dynamics
    state = random_states(circuit)
    x, inputs = dynamics.pack(state, ()), dynamics.resolve_inputs(z)
    step = 1e-6 * np.eye(len(x))
    slopes = (dynamics.flow(x + step, inputs) - dynamics.flow(x - step, inputs)) / 2e-6
    np.testing.assert_allclose(on.theory.jacobian(circuit, z, state), slopes.T, rtol=1e-6, atol=1e-7)


def test_exponent_2_is_the_two_type_circuit():
    rng = np.random.default_rng(4)
    weights = {"W": rng.uniform(size=(5, 5)), "W_r": rng.normal(size=(5, 5)) / 3}
    z = rng.normal(size=(50, 1, 5))
    found, expected = (
        simulate_reference(on.Circuit(model, weights), z, 5e-3, 1e-4) for model in ("normalization", "two_type")
    )
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-15)


def test_exponent_1_is_first_order_normalization():
    """y = b z/(sigma b0 + W |b z|), the layer that compression networks call GDN1."""
    rng = np.random.default_rng(5)
    pool, z = rng.uniform(size=(4, 4)), rng.normal(size=4)
    y = on.theory.fixed_point(on.Circuit("normalization", {"W": pool}, p=1), z).state["y"]
    np.testing.assert_allclose(y, 0.5 * z / (0.05 + pool @ np.abs(0.5 * z)), rtol=1e-12)


def test_units_without_input():
    """They decouple: s/tau_y and 1/tau_a are their rates."""
    circuit = on.Circuit("normalization", {"W": np.ones((2, 2))}, p=3, tau_y=1.0, tau_a=0.5)
    s = on.theory.fixed_point(circuit, [1.0, 0.0]).state["a"][1] ** (1 / 3)
    found = on.theory.eigenvalues(circuit, [1.0, 0.0])
    assert np.abs(found + s).min() < 1e-12
    assert np.abs(found + 2).min() < 1e-12


@pytest.mark.parametrize("p", [0, -1, float("nan")])
def test_bad_exponents(p):
    with pytest.raises(ValueError, match="'?p'? must be"):
        on.Circuit("normalization", size=2, p=p)
