"""The three-type circuit against golden numbers, the criterion of Routh and Hurwitz, and its limit cycle."""

import numpy as np
import pytest

import organics_neuro as on
from tests.simulators import simulate_reference

SIGMA_07 = {"sigma": 0.07}
THIRD = {"b": 1 / 6, "b0": 1 / 6, "tau_a": 2e-3}
#: Circuits of the golden rows; "fprime" anticipates the firing rate, the others the potential.
ROWS = {
    "tau1ms_b.5_sig.07_alpha10": ("three_type", {**SIGMA_07, "alpha": 10.0}),
    "alpha1": ("three_type", SIGMA_07),
    "alpha0": ("three_type", {**SIGMA_07, "alpha": 0.0}),
    "b0=.2_sig.1_tau_y1_ta2_tu1_alpha1(beta=1/6)": ("three_type", THIRD),
    "b0=.2_fprime_alpha1": ("three_type_rate_change", THIRD),
}


def test_golden_fixed_points_and_eigenvalues(reference):
    for row in reference["three_type_scalar"]:
        model, parameters = ROWS[row["name"]]
        circuit = on.Circuit(model, size=1, **parameters)
        point = on.theory.fixed_point(circuit, [row["c"]])
        assert point.converged
        for name, values in point.state.items():
            assert values[0] == pytest.approx(row[name], rel=1e-13)
        expected = np.array([complex(*np.atleast_1d(value)) for value in row["eig"]])
        found = on.theory.eigenvalues(circuit, [row["c"]], point.state)
        np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected), rtol=1e-10)
        assert on.theory.is_stable(circuit, [row["c"]]) == row["stable"]


def test_golden_ring():
    circuit = on.ring(36, "three_type", tau_a=1e-3, sigma=0.07)
    y = on.theory.fixed_point(circuit, on.stimuli.contrast_series(circuit, [0.1, 0.3, 1])).state["y"]
    np.testing.assert_allclose(y[:, 18] ** 2, [0.14116855, 0.19948054, 0.2093155], rtol=1e-7)


@pytest.mark.parametrize("model", ["three_type", "three_type_rate_change"])
def test_it_normalizes_like_the_two_type_circuit(model):
    """y^2 = z^2/(sigma^2 + W z^2); also where it is searched, with recurrence written as a matrix."""
    rng = np.random.default_rng(1)
    pool, z = rng.uniform(size=(6, 6)), rng.normal(size=6) / 2
    circuit = on.Circuit(model, {"W": pool})
    point = on.theory.fixed_point(circuit, z)
    np.testing.assert_allclose(point.state["y"] ** 2, z**2 / (0.01 + pool @ z**2), rtol=1e-12)
    nearly = circuit.replace(weights={"W_r": np.eye(6) + 1e-300})
    nearly = on.theory.fixed_point(nearly, z, guess={name: 1.02 * v for name, v in point.state.items()})
    for name in point.state:
        np.testing.assert_allclose(nearly.state[name], point.state[name], rtol=1e-8)


def routh_hurwitz(circuit, z):
    """Coefficients of the characteristic polynomial of one unit, and whether all roots are on the left."""
    tau_y, tau_u, tau_a, alpha, sigma, b, b0 = (
        circuit.parameters[name] for name in ("tau_y", "tau_u", "tau_a", "alpha", "sigma", "b", "b0")
    )
    u = (sigma * b0) ** 2 + circuit.weights["W"].to_dense()[0, 0] * (b * z) ** 2
    s = np.sqrt(u)
    g, c = 1 - s, (sigma * b0) ** 2 / u
    slope = 0.5 / s if circuit.model.name == "three_type_rate_change" else 1
    a3 = tau_y * tau_a * tau_u
    a2 = tau_y * tau_a * c + tau_y * tau_u * g + tau_a * tau_u * s
    a1 = tau_y * g * c + tau_a * s * c + tau_u * s * g + 2 * (1 - c) * alpha * slope * s**2 * g**2 * tau_u
    return np.array([a3, a2, a1, s * g]), a2 * a1 > a3 * s * g


@pytest.mark.parametrize("model", ["three_type", "three_type_rate_change"])
def test_routh_hurwitz(model):
    rng, verdicts = np.random.default_rng(0), []
    for _ in range(150):
        times = {name: 10 ** rng.uniform(-3, -1) for name in ("tau_y", "tau_u", "tau_a")}
        b0, z = rng.uniform(0.05, 0.9), rng.uniform(0.1, 1)
        b = rng.uniform(0.05, 0.95) * np.sqrt(1 - (0.1 * b0) ** 2) / z  # u stays below 1
        alpha = rng.choice([0.0, 1.0, 10.0])
        circuit = on.Circuit(model, size=1, alpha=alpha, b=b, b0=b0, **times)
        coefficients, stable = routh_hurwitz(circuit, z)
        found = on.theory.eigenvalues(circuit, [z])
        polynomial = np.poly(found).real
        np.testing.assert_allclose(polynomial, coefficients / coefficients[0], rtol=1e-8)
        assert stable == (found[0].real < 0)
        verdicts.append(stable)
    assert 5 < np.sum(verdicts) < 145


def test_limit_cycle(reference):
    """Unstable at its fixed point, it goes around at 50.98 Hz."""
    golden = reference["three_type_limit_cycle"]
    circuit = on.Circuit("three_type", size=1, **THIRD)
    leading = on.theory.eigenvalues(circuit, [1.0])[0]
    assert leading == pytest.approx(14.0 + 334.6j, abs=0.1) or leading == pytest.approx(14.0 - 334.6j, abs=0.1)
    trace = simulate_reference(circuit, [1.0], 0.5, 1e-4, "rk4")["y"][3000:, 0, 0]
    middle = (trace.max() + trace.min()) / 2
    up = np.flatnonzero((trace[:-1] < middle) & (trace[1:] >= middle))
    crossing = (up + (middle - trace[up]) / (trace[up + 1] - trace[up])) * 1e-4
    frequency = (len(crossing) - 1) / (crossing[-1] - crossing[0])
    assert frequency == pytest.approx(50.98142, rel=1e-4)
    assert frequency == pytest.approx(golden["freq_hz"], rel=2e-4)
    assert trace.min() == pytest.approx(0.593353, abs=2e-3)
    assert trace.max() == pytest.approx(1.371417, abs=2e-3)


def test_anticipation_stabilises():
    circuit = on.Circuit("three_type", size=1, **THIRD)
    assert not on.theory.is_stable(circuit, [1.0])
    assert on.theory.is_stable(circuit.replace(alpha=10.0), [1.0])


def test_a_start_without_rest_is_finite():
    """Where sigma b0 >= 1 nothing is at rest, with or without input."""
    circuit = on.Circuit("three_type", size=1, sigma=1.0, b0=1.0)
    assert np.isfinite(circuit.dynamics.start({"z": np.zeros(1)})["a"]).all()


@pytest.mark.parametrize("model", ["three_type_rates", "three_type_area"])
def test_firing_rates_settle_where_the_potentials_do(model):
    """For units that are driven; rates of units that are not are at the floor."""
    rng = np.random.default_rng(2)
    pool, z = rng.uniform(size=(4, 4)), np.array([0.2, 0.5, 0.3, -0.4])
    parameters = {"alpha": 10.0, "b": 0.4, "b0": 0.4}
    rates = on.Circuit(model, {"W": pool}, **parameters)
    inputs = {"z": z} | ({"feedback": np.array([0.3, 0.3, 0.3, 0])} if model == "three_type_area" else {})
    end = simulate_reference(rates, inputs, 0.1, 2e-4, "rk4")
    point = on.theory.fixed_point(rates, inputs, guess={name: value[-1, 0] for name, value in end.items()})
    assert point.converged
    expected = on.theory.fixed_point(on.Circuit("three_type", {"W": pool}, **parameters), np.maximum(z, 0)).state
    for name, value in expected.items():
        if name != "a" or model == "three_type_rates":  # modulators make up for what feedback adds
            np.testing.assert_allclose(point.state[name][:3], value[:3], rtol=1e-8)
            np.testing.assert_allclose(end[name][-1, 0, :3], value[:3], rtol=0.1)  # on its way there
    np.testing.assert_allclose(point.state["r_y"][:3], expected["y"][:3] ** 2, rtol=1e-8)
    assert point.state["r_y"][3] < 1e-6
