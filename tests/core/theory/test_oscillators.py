"""Coupled oscillators and energy against golden numbers, the Jacobian, and trajectories."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_joined, make_main
from tests.simulators import simulate_reference


def golden_circuit(reference):
    golden = reference["identity_n5"]
    names = ("b", "b0", "sigma", "tau_y", "tau_a")
    return on.Circuit("two_type", {"W": golden["W"]}, **{name: golden[name] for name in names}), golden


def test_golden_oscillators(reference):
    circuit, golden = golden_circuit(reference)
    found = on.theory.oscillators(circuit, golden["z"])
    np.testing.assert_allclose(found.stiffness, golden["K"], rtol=1e-12)
    np.testing.assert_allclose(found.damping, golden["B"], rtol=1e-11)
    np.testing.assert_allclose(found.weights, golden["lyap_d"], rtol=1e-11)
    symmetric = found.weights[:, None] * found.damping
    assert np.linalg.eigvalsh(symmetric + symmetric.T).min() == pytest.approx(golden["min_eig_dB_plus_BTd"])


def test_oscillators_have_the_eigenvalues_of_the_jacobian(reference):
    circuit, golden = golden_circuit(reference)
    expected = np.sort_complex(on.theory.eigenvalues(circuit, golden["z"]))
    modes = on.theory.oscillators(circuit, golden["z"]).modes
    np.testing.assert_allclose(np.sort_complex(modes), expected, rtol=1e-9, atol=1e-6)
    assert (np.diff(modes.real) <= 1e-6).all()


def test_natural_frequency_and_damping_of_one_unit(reference):
    circuit = on.Circuit("two_type", size=1, tau_y=2e-3, tau_a=2e-3)
    for golden in reference["gamma_vs_contrast_1unit"]:
        found = on.theory.oscillators(circuit, [golden["c"]])
        assert found.natural_frequency[0] == pytest.approx(golden["f_nat"], rel=1e-10)
        assert found.damping_ratio[0] == pytest.approx(golden["zeta"], rel=1e-10)
        assert found.modes[0].imag / (2 * np.pi) == pytest.approx(golden["f_d"], abs=1e-6)


def test_units_without_drive_decouple():
    circuit = on.Circuit("two_type", size=3, tau_y=2e-3, tau_a=3e-3)
    found, values = on.theory.oscillators(circuit, [0.5, 0.0, 1.0]), on.theory.eigenvalues(circuit, [0.5, 0.0, 1.0])
    np.testing.assert_array_equal(found.units, [0, 2])
    alone = [-np.sqrt(0.0025 + 0.25 * 1.25) / 2e-3, -1 / 3e-3]
    np.testing.assert_allclose(np.sort_complex([*found.modes, *alone]), np.sort_complex(values), rtol=1e-8)
    assert on.theory.oscillators(circuit, [0.0, 0.0, 0.0]).modes.size == 0


@pytest.mark.parametrize("seed", range(4))
def test_energy_falls_along_trajectories(seed):
    """From states up to 2 % away from the steady state, to the steady state, where it is 0."""
    rng = np.random.default_rng(seed)
    names = {name: rng.uniform(0.2, 1, 5) for name in ("b", "b0", "sigma")}
    taus = {name: rng.uniform(1e-3, 4e-3, 5) for name in ("tau_y", "tau_a")}
    circuit, z = on.Circuit("two_type", {"W": rng.uniform(size=(5, 5))}, **names, **taus), rng.normal(size=5)
    point = on.theory.fixed_point(circuit, z).state
    start = {name: value * (1 + 0.02 * rng.uniform(-1, 1, 5)) for name, value in point.items()}
    trace = simulate_reference(circuit, z, 0.1, 2e-5, "rk4", initial=start)
    value = on.theory.energy(circuit, z, trace)
    assert value.shape == trace["y"].shape[:2]
    assert (np.diff(value[:, 0]) < 1e-12 * value[0, 0]).all()
    assert value[-1, 0] < 1e-8 * value[0, 0]
    assert on.theory.energy(circuit, z, point) == pytest.approx(0, abs=1e-25)


def test_energy_is_that_of_the_oscillators_to_first_order(reference):
    circuit, golden = golden_circuit(reference)
    found, point = on.theory.oscillators(circuit, golden["z"]), on.theory.fixed_point(circuit, golden["z"]).state
    kick = 1e-6 * np.random.default_rng(0).normal(size=10)
    dy, da = kick[:5], kick[5:]
    q = 2 * np.sqrt(point["a"]) * golden["tau_y"] * dy / point["y"]
    velocity = -(da + 2 * point["a"] / point["y"] * dy)
    expected = (found.weights * (velocity**2 + found.stiffness * q**2)).sum() / 2
    moved = {"y": point["y"] + dy, "a": point["a"] + da}
    assert on.theory.energy(circuit, golden["z"], moved) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("call", [on.theory.oscillators, on.theory.energy])
@pytest.mark.parametrize(
    ("circuit", "z", "message"),
    [
        (make_main(), None, "known for identity recurrence; W_r of this circuit is another matrix"),
        (on.Circuit("two_type_rectified", size=2), None, "the model 'two_type', not for 'two_type_rectified'"),
        (make_joined(), None, "not for 'a joined circuit'"),
        (on.Circuit("two_type", size=2), [[1.0, 1.0]], r"give z of shape \(units,\)"),
    ],
)
def test_circuits_without_this_form(call, circuit, z, message):
    with pytest.raises(ValueError, match=message):
        call(circuit, z)
