"""Spectra and covariances against golden numbers, each other, and simulation with noise."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_gated, make_joined, make_main, one_unit


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


def test_noise_correlations_by_a_shared_input():
    """Golden: a correlated process that all units of a ring share, added to its input, beside private noise."""
    ring, shared = on.ring(tau_y=2e-3, tau_a=2e-3), on.Noise(3e-3, tau=2e-3, shared=True)
    golden = [
        (0.05, 0.7200737158188498, 1.874995649223365e-05),
        (0.1, 0.5794174188932294, 1.000760796814915e-05),
        (0.2, 0.5209288775051388, 7.180444317437573e-06),
        (0.5, 0.6727319007242264, 5.900320354725566e-06),
        (1.0, 0.6104810269521727, 2.7417970612308605e-06),
    ]
    for contrast, correlation, variance in golden:
        z = on.stimuli.contrast_series(ring, [contrast])[0]
        found = on.theory.covariance(ring, z, {"y": 1e-3, "z": shared})
        assert found[18, 18] == pytest.approx(variance, rel=1e-9)
        assert found[18, 20] / np.sqrt(found[18, 18] * found[20, 20]) == pytest.approx(correlation, rel=1e-9)


#: States and inputs, white and correlated, private and shared, external inputs and populations that are joined.
NOISES = {
    "low.y": on.Noise(1e-3, tau=2e-3),
    "high.y": on.Noise([1e-3, 2e-3, 0, 1e-3], shared=True),
    "side.v_i": on.Noise(2e-3, tau=1e-3, shared=True),
}


@pytest.mark.parametrize("name", NOISES)
def test_every_kind_of_noise_integrates_to_its_covariance(name):
    circuit, noise = make_joined(), {name: NOISES[name], "low.a": 1e-4}
    frequencies = 100 * np.sinh(np.linspace(-9, 9, 1001))
    pairs = [(("low.y", 0), ("high.y", 2)), (("side.v_e", 1), ("side.v_e", 1)), (("low.a", 1), ("low.a", 0))]
    spectrum = on.theory.power_spectrum(circuit, None, frequencies, noise, pairs=pairs)
    covariance = on.theory.covariance(circuit, None, noise)
    for k, ((p, i), (q, j)) in enumerate(pairs):
        row, column = spectrum.states[p].start + i, spectrum.states[q].start + j
        expected = covariance[row, column]
        scale = np.sqrt(covariance[row, row] * covariance[column, column])
        assert np.trapezoid(spectrum.cross()[:, k], frequencies) == pytest.approx(expected, abs=2e-3 * scale)


@pytest.mark.parametrize(("name", "make"), [("z", make_main), ("x", make_gated)])
def test_noise_of_an_input_is_that_of_a_population_that_drives_it(name, make):
    """An Ornstein-Uhlenbeck process may as well be a circuit of its own, joined to the input."""
    circuit = make(n=3)
    size = circuit.inputs[name]
    z = np.linspace(0.2, 1, size)
    point = on.theory.fixed_point(circuit, z).state
    slow = {"y": 1e-3, name: on.Noise(2e-3, tau=4e-3)}
    found = on.theory.covariance(circuit, z, slow, point)
    text = "dx/dt = (mean - x)/tau_x : 1\n mean : 1\n tau_x : second"
    process = on.Circuit(on.CircuitModel("process", text, parameters={"tau_x": 4e-3}), size=size)
    target = on.Coupling(f"c.{name}", source="n: x", weights=None if circuit.external else np.eye(size))
    joined = on.join({"c": circuit, "n": process}, [target])
    state = {**{f"c.{key}": value for key, value in point.items()}, "n.x": z}
    noise = {"c.y": 1e-3, "n.x": 2e-3}
    expected = on.theory.covariance(joined, {"n.mean": z}, noise, state)
    np.testing.assert_allclose(found, expected[: len(found), : len(found)], rtol=1e-9)


def test_cross_spectra_and_coherence_of_pairs():
    circuit, noise = make_main(), {"y": 1e-3, "z": on.Noise(1e-3, shared=True)}
    z, frequencies = [1.0, 0.2, 0.5, 1.0], [5.0, 50.0]
    weights = {"y": [1.0, -2.0, 0.5, 0.0], "a": 0.1}
    pairs = [(("y", 0), ("y", 3)), (("a", 1), weights)]
    spectrum = on.theory.power_spectrum(circuit, z, frequencies, noise, pairs=pairs)
    matrix = spectrum.matrix
    readout = np.array([1.0, -2.0, 0.5, 0.0, 0.1, 0.1, 0.1, 0.1])
    expected = np.stack([matrix[:, 0, 3], matrix[:, 5] @ readout], axis=1)
    np.testing.assert_allclose(spectrum.cross(), expected, rtol=1e-10)
    coherence = on.theory.coherence(circuit, z, frequencies, noise, pairs)
    power = matrix[:, 5, 5].real * spectrum.project(weights)
    np.testing.assert_allclose(coherence[:, 1], np.abs(expected[:, 1]) ** 2 / power, rtol=1e-10)
    np.testing.assert_allclose(coherence, spectrum.coherence(pairs))
    assert ((coherence > 0) & (coherence < 1)).all()


def test_golden_variances():
    """Of one unit for noise in y, and in y and a, in units of the squared amplitude."""
    contrasts = (0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
    golden = {
        "y": (10, 9.447653157957106, 7.272253374996368, 3.9735842343830896, 2.177286843727341, 1.918614680288971)
        + (1.195451752972449, 0.9760004809871964),
        "ya": (10, 45.26301305316775, 174.4741068752734, 313.72194198262133, 231.6621979709509, 52.59277168772449)
        + (5.685011044936025, 2.879671403266461),
    }
    circuit = one_unit(tau_y=2e-3, tau_a=2e-3, sigma=0.1, b=0.5, b0=0.5)
    for states, values in golden.items():
        for contrast, value in zip(contrasts, values, strict=True):
            found = on.theory.covariance(circuit, [contrast], dict.fromkeys(states, 1.0))[0, 0]
            assert found == pytest.approx(value, rel=1e-9)


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
        ({"noise": {"u": 1e-3}}, "unknown state or input in noise 'u'; known: 'y', 'a', 'z'"),
        ({"noise": {"y": -1e-3}}, "noise of 'y' must be one amplitude .*not negative; got -0.001"),
        ({"noise": {"y": np.nan}}, "noise of 'y' must be finite"),
        ({"noise": {"y": np.ones(3)}}, r"noise of 'y' must be one amplitude or an array of shape \(4,\)"),
        ({"z": np.ones((2, 4))}, r"give z \(and state\) of shape \(units,\)"),
        ({"pairs": [("y", 0)]}, r"pairs must be a list of pairs of signals.*got \[\('y', 0\)\]"),
        ({"pairs": [(("y", 0), ("y", 4))]}, r"the signal \('y', 4\) needs a unit from 0 to 3 of the state 'y'"),
        ({"pairs": [(("y", 0), ("u", 0))]}, "unknown state in pairs 'u'"),
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
