"""Wilson-Cowan dynamics: golden example, identities with divisive normalization, and what they do not give."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import organics_neuro as on
from tests.simulators import simulate_reference

FOLDER = Path(__file__).parents[2]
GOLDEN = json.loads((FOLDER / "reference_values_systems.json").read_text())["wilson_cowan"]
NAMES = ("kappa", "b", "H", "e")


def power(x):
    return x**0.7


def golden_circuit():
    start = {"x": GOLDEN["e"]}  # without a floor there is no slope at 0
    weights = {"W": GOLDEN["W"]}
    return on.Circuit("wilson_cowan", weights, initial=start, alpha=GOLDEN["alpha"], p=0.7, floor_f=0.0, tau_x=1.0)


def test_golden_weights():
    given = [GOLDEN[name] for name in NAMES]
    exact, first = (on.weights.wilson_cowan_from_normalization(*given, power, exact=exact) for exact in (True, False))
    np.testing.assert_allclose(exact["x"], GOLDEN["x"], rtol=1e-14)
    np.testing.assert_allclose(exact["alpha"], GOLDEN["alpha"], rtol=1e-14)
    np.testing.assert_allclose(exact["W"], GOLDEN["W"], rtol=1e-13)
    np.testing.assert_allclose(first["W"], GOLDEN["W_first_order"], rtol=1e-13)


def test_golden_steady_state_is_a_node():
    circuit, x = golden_circuit(), np.array(GOLDEN["x"])
    point = on.theory.fixed_point(circuit, GOLDEN["e"])
    np.testing.assert_allclose(point.state["x"], x, rtol=1e-11)
    assert np.abs(circuit.dynamics.flow(x, circuit.dynamics.resolve_inputs(GOLDEN["e"]))).max() < 1e-15
    found = on.theory.eigenvalues(circuit, GOLDEN["e"])
    np.testing.assert_allclose(found, sorted(np.array(GOLDEN["eigenvalues"])[:, 0])[::-1], rtol=1e-10)


def test_golden_first_order_error():
    circuit = golden_circuit().replace({"W": GOLDEN["W_first_order"]})
    x = on.theory.fixed_point(circuit, GOLDEN["e"]).state["x"]
    np.testing.assert_allclose(x, GOLDEN["x_first_order"], rtol=1e-10)
    error = np.abs(x - GOLDEN["x"]).max() / max(GOLDEN["x"])
    assert error == pytest.approx(GOLDEN["first_order_relative_error"], rel=1e-9)


@pytest.mark.parametrize("case", GOLDEN["contrast_frozen_W"], ids=lambda case: f"contrast {case[0]:g}")
def test_frozen_weights_do_not_saturate(case):
    """Golden responses of normalization and of Wilson-Cowan dynamics whose weights are those of contrast 1; ORGaNICs with
    fixed weights normalize at every contrast."""
    contrast, normalized, frozen = case
    e = contrast * np.array(GOLDEN["e"])
    found = on.theory.fixed_point(golden_circuit(), e).state["x"]
    np.testing.assert_allclose(found, frozen, rtol=1e-9)
    kappa, b, H = (np.array(GOLDEN[name]) for name in NAMES[:3])
    organics = on.Circuit("normalization", {"W": H / kappa}, p=1.0, b=kappa, b0=b, sigma=1.0)
    np.testing.assert_allclose(on.theory.fixed_point(organics, e).state["y"], normalized, rtol=1e-12)


def test_the_figure_of_the_comparison():
    """At four times the contrast: 2.54 of normalization, 5.56 of frozen weights."""
    contrast, normalized, frozen = GOLDEN["contrast_frozen_W"][-1]
    assert (contrast, round(normalized[0], 2), round(frozen[0], 2)) == (4.0, 2.54, 5.56)


def random_case(seed):
    """At most 50 units."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 51)
    kappa, b, e = rng.uniform(0.5, 2, n), rng.uniform(0.2, 1, n), rng.uniform(0.1, 2, n)
    return kappa, b, rng.exponential(size=(n, n)) * rng.uniform(0.1, 1) / n, e


@pytest.mark.parametrize("seed", range(30))
def test_identities(seed):
    """To 1e-12: the steady state, the way back, and the input of a response."""
    kappa, b, H, e = random_case(seed)
    found = on.weights.wilson_cowan_from_normalization(kappa, b, H, e, power)
    alpha, W, x = (found[name] for name in ("alpha", "W", "x"))
    assert np.abs(e - alpha * x - W @ power(x)).max() < 1e-12
    back = on.weights.normalization_from_wilson_cowan(alpha, W, x, e, power, kappa)
    np.testing.assert_allclose(back["b"], b, rtol=1e-12)
    np.testing.assert_allclose(back["H"], H, rtol=1e-12)
    np.testing.assert_allclose(on.weights.normalization_input(kappa, b, H, x), e, rtol=1e-12)
    circuit = on.Circuit("wilson_cowan", {"W": W}, alpha=alpha, floor_f=0.0)
    residual = circuit.dynamics.flow(x, circuit.dynamics.resolve_inputs(e)) * 10e-3
    assert np.abs(residual).max() < 1e-12


def test_the_steady_state_is_stable_and_often_no_node():
    """The abstract of the paper speaks of a stable node. Of random H, all are stable, and most have complex eigenvalues."""
    stable = nodes = 0
    for seed in range(100):
        kappa, b, H, e = random_case(seed)
        found = on.weights.wilson_cowan_from_normalization(kappa, b, H, e, power)
        circuit = on.Circuit("wilson_cowan", {"W": found["W"]}, alpha=found["alpha"], floor_f=0.0)
        values = on.theory.eigenvalues(circuit, e, {"x": found["x"]})
        stable += values[0].real < 0
        nodes += np.abs(values.imag).max() < 1e-9 * np.abs(values).max()
    assert stable == 100
    assert nodes < 50


def test_the_floor_keeps_slopes_finite():
    circuit = on.Circuit("wilson_cowan", {"W": 0.1 * np.ones((3, 3))})
    jacobian = on.theory.jacobian(circuit, np.zeros(3), {"x": np.zeros(3)}) * 10e-3
    np.testing.assert_allclose(jacobian, -np.eye(3) - 0.1 * (1e-3) ** -0.3, rtol=1e-12)
    assert on.theory.fixed_point(circuit, [0.0, 0.0, 0.0]).converged


def field(n=1):
    eye = np.eye(n)
    return on.Circuit("wilson_cowan_field", {"W_ee": 5 * eye, "W_ei": 5 * eye, "W_ie": 3.5 * eye, "W_ii": 3 * eye})


@pytest.mark.parametrize("contrast", [0.1, 0.5, 1.0])
def test_the_field_is_what_it_says(contrast):
    """Against the four equations written out, by another integrator."""

    def slope(t, state):
        e, i, s_e, s_i = state
        drive_e, drive_i = (2 * contrast + 5 * s_e - 5 * s_i - 0.4) / 0.2, (contrast + 3.5 * s_e - 3 * s_i - 0.4) / 0.02
        sigmoid = [0.5 * (1 + np.tanh(d / 2)) for d in (drive_e, drive_i)]
        return [
            (-e + sigmoid[0]) / 2e-3,
            (-i + sigmoid[1]) / 8e-3,
            (-s_e + e * (1 - s_e) + 0.2) / 10e-3,
            (-s_i + 2 * i * (1 - s_i) + 0.05) / 10e-3,
        ]

    expected = solve_ivp(slope, (0, 0.1), [0, 0, 0, 0], rtol=1e-10, atol=1e-12).y[:, -1]
    end = simulate_reference(field(), [contrast], 0.1, 2e-4, "rk4")
    found = [end[name][-1, 0, 0] for name in ("r_e", "r_i", "s_e", "s_i")]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_places_of_the_field_are_alone_without_weights_between_them():
    z = np.array([0.1, 0.5, 1.0])
    together = simulate_reference(field(3), z, 0.02, 1e-4)
    for k in range(3):
        alone = simulate_reference(field(), z[k : k + 1], 0.02, 1e-4)
        np.testing.assert_allclose(together["r_e"][..., k], alone["r_e"][..., 0], rtol=1e-12)


def test_bad_input():
    given = [GOLDEN[name] for name in NAMES]
    with pytest.raises(ValueError, match="e must be positive"):
        on.weights.wilson_cowan_from_normalization(*given[:3], [1.0, -1.0, 1.0, 1.0], power)
    with pytest.raises(ValueError, match=r"H must have shape \(4, 4\), one row and column per unit, got \(2, 2\)"):
        on.weights.wilson_cowan_from_normalization(*given[:2], np.eye(2), given[3], power)
    with pytest.raises(ValueError, match="f must give one positive number for each unit"):
        on.weights.wilson_cowan_from_normalization(*given, lambda x: 0 * x)
    with pytest.raises(ValueError, match="x is no steady state of e - alpha x - W f"):
        on.weights.normalization_from_wilson_cowan(GOLDEN["alpha"], GOLDEN["W"], [1.0] * 4, GOLDEN["e"], power)
