"""White noise: seeds on every target, variances against theory, and noise that depends on the state (Itô)."""

from dataclasses import replace

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.brian import simulate
from organics_neuro.core.models.two_type import TWO_TYPE
from organics_neuro.core.schemes import SCHEMES
from tests.brian.conftest import TARGETS, run_on
from tests.core.circuits import make_main, one_unit

LEAKY = on.CircuitModel("leaky", "dx/dt = (-x + u)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 10e-3})
METHODS = tuple(SCHEMES)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("noise", [{"y": 1e-2, "a": 1e-3}, {"y": "0.1*abs(y)"}], ids=["additive", "multiplicative"])
def test_a_seed_repeats_the_noise_exactly(target, noise):
    def run(seed):
        return simulate(make_main(), [1, 0, 0.5, 1], 2e-3, noise=noise, seed=seed, device=device, every=None)["y"]

    device = run_on(target)
    first = run(1)
    np.testing.assert_array_equal(first, run(1))
    if target != "cpp":  # one build less
        assert np.abs(first - run(2)).max() > 1e-5


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("target", TARGETS)
def test_a_seed_repeats_the_noise_of_every_method(target, method):
    device = run_on(target)
    ends = [
        simulate(make_main(), 1.0, 1e-3, method=method, noise={"y": 1e-2}, seed=1, device=device, every=None)["y"]
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*ends)
    assert ends[0].std() > 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_variance_of_a_circuit(method):
    """Principal unit and normalizer, around their fixed point, against the covariance that theory gives."""
    circuit, noise, trials = one_unit(), {"y": 1e-3, "a": 5e-4}, 8000
    point = on.theory.fixed_point(circuit, [1.0]).state
    circuit = circuit.replace(initial=point)
    ends = simulate(circuit, np.ones((trials, 1)), 30e-3, 5e-5, method=method, noise=noise, seed=0, every=None)
    found = np.cov(ends["y"][0, :, 0], ends["a"][0, :, 0])
    expected = on.theory.covariance(circuit, [1.0], noise)
    np.testing.assert_allclose(found, expected, rtol=0.08)


def test_large_steps_keep_the_variance_with_runge_kutta_only():
    """At half a time constant the variance of a leaky unit is 4/3 of the true one with Euler, 0.98 with Runge-Kutta."""
    circuit, u = on.Circuit(LEAKY, size=50000), 0.0
    true = on.theory.covariance(on.Circuit(LEAKY, size=1), [0.0], {"x": 1.0})[0, 0]
    for method, ratio in (("euler", 1 / (1 - 1 / 4)), ("rk4", 4 * np.tanh(1 / 4)), ("ab2", 4 * np.tanh(1 / 4))):
        end = simulate(circuit, u, 0.1, 5e-3, method=method, noise={"x": 1.0}, seed=1, every=None)["x"]
        assert end.var() / true == pytest.approx(ratio, rel=0.025)


@pytest.mark.parametrize("method", METHODS)
def test_noise_that_depends_on_the_state_is_that_of_ito(method):
    """dx = (u - x)/τ dt + c x/√τ dW has the mean u and the variance u² c²/(2 - c²); read as Stratonovich, the mean is
    u/(1 - c²/2)."""
    c, circuit = 0.5, on.Circuit(LEAKY, size=50000)
    end = simulate(circuit, 1.0, 0.1, 5e-4, method=method, noise={"x": f"{c}*x"}, seed=2, every=None)["x"]
    assert end.mean() == pytest.approx(1, abs=0.01)
    assert end.var() == pytest.approx(c**2 / (2 - c**2), rel=0.06)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_rate_noise(method):
    """A rate y_f that follows y², with noise of the amplitude √(y²)."""
    model = replace(
        TWO_TYPE,
        name="rate_noise",
        equations=TWO_TYPE.equations + "\ndy_f/dt = (-y_f + y**2)/tau_y_f : 1\ntau_y_f : second",
        parameters={**TWO_TYPE.parameters, "tau_y_f": 2e-3},
        closed_form=None,
    )
    circuit, trials = on.Circuit(model, size=2), 8000
    z = np.array([1.0, 0.4])
    circuit = circuit.replace(initial=on.theory.fixed_point(circuit, z).state)
    noise = {"y_f": "sqrt(y**2)"}
    end = simulate(circuit, np.tile(z, (trials, 1)), 20e-3, 5e-5, method=method, noise=noise, seed=3, every=None)["y_f"]
    expected = on.theory.covariance(circuit, z, noise)[-2:, -2:]
    np.testing.assert_allclose(np.diag(np.cov(end[0].T)), np.diag(expected), rtol=0.08)


def test_spectrum_of_a_run():
    """The periodogram averaged over trials, in the band of the resonance."""
    circuit, noise, z, dt, steps = one_unit(), {"y": 1e-3}, [1.0], 2e-4, 2000
    circuit = circuit.replace(initial=on.theory.fixed_point(circuit, z).state)
    trace = simulate(circuit, np.ones((300, 1)), steps * dt, dt, method="rk4", noise=noise, seed=4)["y"][500:-1, :, 0]
    spectrum = np.mean(np.abs(np.fft.rfft(trace - trace.mean(), axis=0)) ** 2, axis=1) * dt / len(trace)
    frequencies = np.fft.rfftfreq(len(trace), dt)
    band = (frequencies > 15) & (frequencies < 150)
    expected = on.theory.power_spectrum(circuit, z, frequencies[band], noise)["y"][:, 0]
    np.testing.assert_allclose(spectrum[band], expected, rtol=0.3)
    assert np.mean(spectrum[band] / expected) == pytest.approx(1, abs=0.05)


def test_theory_takes_the_value_at_the_fixed_point():
    circuit, z = make_main(), [1.0, 0.2, 0.5, 1.0]
    rates = np.abs(on.theory.fixed_point(circuit, z).state["y"])
    by_text = on.theory.covariance(circuit, z, {"y": "0.1*sqrt(y**2)"})
    np.testing.assert_allclose(by_text, on.theory.covariance(circuit, z, {"y": 0.1 * rates}), rtol=1e-9)


def test_noise_with_an_unknown_name():
    with pytest.raises(ValueError, match="expression '0.1\\*rate_x': unknown variable 'rate_x'; known: 'y', 'a'"):
        on.CircuitGroup(make_main(), noise={"y": "0.1*rate_x"})
