"""Spectra and covariances against golden numbers, each other, and simulation with noise."""

import numpy as np
import pytest

import organics_neuro as on
from tests.core.circuits import make_joined, make_main, one_unit


def test_golden_spectrum(reference):
    golden = reference["psd_2d"]
    spectrum = on.theory.power_spectrum(one_unit(), [1.0], golden["freq"], {"y": 1e-3, "a": 1e-3})
    np.testing.assert_allclose(spectrum["y"][:, 0], golden["S_yy"], rtol=1e-10)
    np.testing.assert_allclose(spectrum["a"][:, 0], golden["S_aa"], rtol=1e-10)
    cross = spectrum.matrix[:, spectrum.states["y"].start, spectrum.states["a"].start]
    np.testing.assert_allclose(cross.real, golden["S_ya_re"], rtol=1e-9)
    np.testing.assert_allclose(cross.imag, golden["S_ya_im"], rtol=1e-3)


def test_golden_covariance(reference):
    found = on.theory.covariance(one_unit(), [1.0], {"y": 1e-3, "a": 1e-3})
    np.testing.assert_allclose(found, reference["psd_2d"]["cov_lyap"], rtol=1e-10)


def test_the_spectrum_integrates_to_the_covariance():
    circuit, z, noise = make_main(n=3), [0.5, 0.2, -0.3], {"y": [1e-3, 2e-3, 0.0], "a": 1e-4}
    frequencies = 200 * np.sinh(np.linspace(-9, 9, 4001))  # dense where the spectrum is, and far out
    spectrum = on.theory.power_spectrum(circuit, z, frequencies, noise)
    integral = np.trapezoid(spectrum.matrix, frequencies, axis=0)
    covariance = on.theory.covariance(circuit, z, noise)
    np.testing.assert_allclose(integral, covariance, atol=2e-4 * np.abs(covariance).max())


def peak(frequencies, power):
    return frequencies[power.argmax()] if 0 < power.argmax() < len(power) - 1 else 0.0


def test_gamma_rises_with_contrast(reference):
    frequencies = np.arange(1, 100, 0.1)
    for golden in reference["gamma_vs_contrast_1unit"]:
        for noise, key in (({"y": 1e-3}, "f_peak_ynoise"), ({"y": 1e-3, "a": 1e-3}, "f_peak_bothnoise")):
            power = on.theory.power_spectrum(one_unit(), [golden["c"]], frequencies, noise)["y"][:, 0]
            assert peak(frequencies, power) == pytest.approx(golden[key], abs=0.06)


def test_the_coherent_mode_of_a_ring_shows_gamma(reference):
    """Private noise averages out in the mean over units; weighted by the drive, the ring peaks like one unit."""
    circuit, frequencies = on.ring(), np.arange(1, 100, 0.5)
    for golden in reference["ring_coherent_mode_peak"]:
        z = on.stimuli.contrast_series(circuit, [golden["c"]])[0]
        spectrum = on.theory.power_spectrum(circuit, z, frequencies, {"y": 1e-3})
        assert peak(frequencies, spectrum.project({"y": z})) == pytest.approx(golden["peak_hz"], abs=0.5)
        assert peak(frequencies, spectrum.project({"y": 1 / 36})) == 0


def test_variability_quenches_with_contrast(reference):
    for golden in reference["variance_quench_unit_eta"]:
        variance = on.theory.covariance(one_unit(), [golden["c"]], {"y": 1.0})[0, 0]
        assert variance == pytest.approx(golden["closed_form"], rel=1e-12)
        both = on.theory.covariance(one_unit(), [golden["c"]], {"y": 1.0, "a": 1.0})[0, 0]
        assert both == pytest.approx(golden["var_y_noise_both"], rel=1e-10)


def test_projections_are_quadratic_forms_of_the_matrix():
    circuit = make_joined()
    spectrum = on.theory.power_spectrum(circuit, None, [5.0, 50.0], {"low.y": 1e-3, "side.v_i": 2e-3})
    w_low, w_side = np.array([1.0, -2.0, 0.5]), 3.0
    weights = np.zeros(circuit.dynamics.size)
    weights[spectrum.states["low.y"]], weights[spectrum.states["side.v_e"]] = w_low, w_side
    expected = np.einsum("i,fij,j->f", weights, spectrum.matrix, weights)
    np.testing.assert_allclose(spectrum.project({"low.y": w_low, "side.v_e": w_side}), expected.real, rtol=1e-10)
    np.testing.assert_allclose(
        spectrum["high.b"], np.einsum("fii->fi", spectrum.matrix).real[:, spectrum.states["high.b"]]
    )
    assert spectrum["high.b"].shape == (2, 4)


def test_noise_in_a_simulation_has_the_covariance_of_theory():
    """Euler-Maruyama of the full circuit at small noise: dx = f dt + η/√tau dW."""
    circuit, eta, dt, rng = one_unit(), 1e-3, 2.5e-5, np.random.default_rng(0)
    dynamics = circuit.dynamics
    inputs, point = dynamics.resolve_inputs([1.0]), on.theory.fixed_point(circuit, [1.0]).state
    x, total, count = np.tile(dynamics.pack(point), (4000, 1)), 0.0, 0
    for k in range(2400):
        x = x + dt * dynamics.flow(x, inputs)
        x[:, 0] += eta * np.sqrt(dt / 2e-3) * rng.normal(size=len(x))
        if k >= 1200 and k % 200 == 0:
            total, count = total + x[:, 0].var(), count + 1
    expected = on.theory.covariance(circuit, [1.0], {"y": eta})[0, 0]
    assert total / count == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": {"z": 1e-3}}, "unknown state in noise 'z'; known: 'y', 'a'"),
        ({"noise": {"y": -1e-3}}, "noise of 'y' must be one amplitude .*not negative; got -0.001"),
        ({"noise": {"y": np.nan}}, "noise of 'y' must be finite"),
        ({"noise": {"y": np.ones(3)}}, r"noise of 'y' must be one amplitude or an array of shape \(4,\)"),
        ({"z": np.ones((2, 4))}, r"give z \(and state\) of shape \(units,\)"),
        ({"frequencies": 3.0}, "frequencies must have one axis"),
        ({"frequencies": [np.inf]}, "frequencies must be finite"),
    ],
)
def test_bad_input(arguments, message):
    arguments = {"z": [0.1, 0.2, 0.3, 0.4], "frequencies": [1.0], "noise": {"y": 1e-3}, **arguments}
    with pytest.raises(ValueError, match=message):
        on.theory.power_spectrum(make_main(), **arguments)


def test_wrong_names_in_a_spectrum():
    spectrum = on.theory.power_spectrum(one_unit(), [1.0], [1.0], {"y": 1e-3})
    with pytest.raises(ValueError, match="unknown state 'u'; known: 'y', 'a'"):
        spectrum["u"]
    with pytest.raises(ValueError, match="unknown state in weights 'u'"):
        spectrum.project({"u": 1})


def test_an_unstable_point_has_no_spectrum():
    circuit = one_unit(w_r=-1.0, b=1.0, b0=1.0, sigma=1.0)
    with pytest.raises(ValueError, match=r"the fixed point is not stable \(leading eigenvalue 1.11e\+03/s\)"):
        on.theory.power_spectrum(circuit, [1.0], [1.0], {"y": 1e-3})


def test_noise_needs_a_time_constant():
    circuit = on.Circuit(on.CircuitModel("m", "dx/dt = -k*x : 1\n k : Hz", parameters={"k": 1.0}), size=1)
    with pytest.raises(ValueError, match="state 'x' has no time constant; declare a parameter 'tau_x'"):
        on.theory.covariance(circuit, None, {"x": 1e-3})
