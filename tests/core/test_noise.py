"""The declaration of noise: what it takes, and what every engine is told of it."""

import numpy as np
import pytest
from brian2 import ms, mV

import organics_neuro as on
from organics_neuro.core.errors import UnitError
from organics_neuro.core.noise import resolve_noise
from organics_neuro.core.schemes import SCHEMES
from tests.circuits import make_gated, make_joined, make_main
from tests.simulators import simulate_reference

SLOW = on.CircuitModel(
    "slow",
    "dv/dt = (-v + drive)/tau_v : volt\n drive : volt\n tau_v : second",
    parameters={"tau_v": 5e-3},
)


def test_a_number_is_white_noise():
    ((source),) = resolve_noise(make_main().dynamics, {"y": 1e-3})
    assert (source.name, source.tau, source.shared, source.size) == ("y", None, False, 4)
    assert source.factor == "(tau_y)**-0.5"


def test_what_a_noise_is_compared_by():
    assert on.Noise(1e-3, tau=5 * ms) == on.Noise(1e-3, tau=0.005)
    assert on.Noise([1, 2]) == on.Noise(np.array([1, 2]))
    assert on.Noise(1e-3) != on.Noise(1e-3, shared=True)
    assert on.Noise("1") != on.Noise(1)
    assert len({on.Noise(1e-3), on.Noise(1e-3)}) == 1


def test_units_of_the_amplitude():
    dynamics = on.Circuit(SLOW, size=2).dynamics
    for given in ({"v": 1 * mV}, {"drive": on.Noise(1 * mV, tau=1 * ms)}, {"drive": 1 * mV * ms**0.5}):
        assert resolve_noise(dynamics, given)
    assert float(resolve_noise(dynamics, {"drive": 1 * mV * ms**0.5})[0].eta) == pytest.approx(1e-3 * 1e-3**0.5)
    with pytest.raises(UnitError, match=r"noise of 'drive' .* give a quantity in volt\*second\*\*0.5"):
        resolve_noise(dynamics, {"drive": 1 * mV})
    with pytest.raises(UnitError, match="noise of 'v' .* give a quantity in volt"):
        resolve_noise(dynamics, {"v": 1 * ms})


#: White noise that units share, private noise with a correlation time, and an input with both.
PROCESSES = {"y": on.Noise([1e-3, 2e-3], shared=True), "a": on.Noise(1e-3, 2e-3), "z": on.Noise(3e-3, 4e-3, True)}


@pytest.mark.parametrize("method", SCHEMES)
@pytest.mark.parametrize("noise", [{"y": 1e-3, "a": 5e-4}, PROCESSES, {"z": 1e-4}], ids=["white", "processes", "input"])
def test_the_reference_has_the_covariance_of_theory(method, noise):
    circuit = on.Circuit("two_type", {"W_r": [[1, 0.1], [0.1, 1]], "W": 0.5}, size=2, sigma=0.3, tau_y=3e-3)
    z = np.array([0.5, 0.7])
    circuit = circuit.replace(initial=on.theory.fixed_point(circuit, z).state)
    dt = 5e-5 if SCHEMES[method].order == 1 else 2e-4
    found = simulate_reference(circuit, np.tile(z, (6000, 1)), 30e-3, dt, method, noise=noise, seed=3)
    found = np.cov(np.concatenate([found["y"][-1], found["a"][-1]], axis=1).T)
    expected = on.theory.covariance(circuit, z, noise)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(found / scale, expected / scale, atol=0.07)


def test_the_spectrum_of_a_correlated_process():
    """A leaky unit driven through its input: the periodogram has the two corners of theory."""
    leaky = on.CircuitModel("leaky", "dx/dt = (u - x)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 2e-3})
    circuit, noise, dt, steps = on.Circuit(leaky, size=1), {"u": on.Noise(1.0, tau=8e-3)}, 5e-4, 1024
    trace = simulate_reference(circuit, np.zeros((400, 1)), steps * dt, dt, "rk4", noise=noise, seed=0)["x"][64:, :, 0]
    power = np.mean(np.abs(np.fft.rfft(trace, axis=0)) ** 2, axis=1) * dt / len(trace)
    frequencies = np.fft.rfftfreq(len(trace), dt)
    band = (frequencies > 0) & (frequencies < 100)
    expected = on.theory.power_spectrum(circuit, [0.0], frequencies[band], noise)["x"][:, 0]
    assert np.mean(power[band] / expected) == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(power[band], expected, rtol=0.3)


@pytest.mark.parametrize("method", SCHEMES)
def test_noise_that_depends_on_the_state_is_that_of_ito(method):
    """dx = (u - x)/τ dt + c x/√τ dW has the mean u and the variance u² c²/(2 - c²), whether units share dW or not."""
    leaky = on.CircuitModel("leaky", "dx/dt = (u - x)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 0.01})
    circuit = on.Circuit(leaky, size=1, initial={"x": 1.0})
    for shared in (False, True):
        noise = {"x": on.Noise("0.5*x", shared=shared)}
        end = simulate_reference(circuit, np.ones((40000, 1)), 0.05, 5e-4, method, noise=noise, seed=1)["x"][-1]
        assert end.mean() == pytest.approx(1, abs=0.01)
        assert end.var() == pytest.approx(0.25 / 1.75, rel=0.06)


def test_seeds_and_trials_of_the_reference():
    def run(seed, trials=2):
        return simulate_reference(make_main(), np.ones((trials, 4)), 2e-3, noise={"y": 1e-2}, seed=seed)["y"]

    np.testing.assert_array_equal(run(1), run(1))
    assert (run(1)[1:] != run(2)[1:]).all()
    assert (run(1)[1:, 0] != run(1)[1:, 1]).all()
    joined = make_joined()
    shared = simulate_reference(joined, None, 2e-3, noise={"side.v_e": on.Noise(1e-2, 1e-3, shared=True)}, seed=1)
    quiet = simulate_reference(joined, None, 2e-3)
    change = (shared["side.v_e"] - quiet["side.v_e"])[1]  # the first step, in which only the noise differs
    assert np.ptp(change) < 1e-15 < np.abs(change).min()


def test_the_engine_passes_noise_and_seed_on():
    engine = on.engines.Reference(seed=1)
    found = [on.simulate(make_main(), np.ones(4), 1e-3, engine, noise={"z": on.Noise(0.1, 1e-3)}) for _ in range(2)]
    np.testing.assert_array_equal(found[0]["y"], found[1]["y"])
    assert np.abs(found[0]["y"] - on.simulate(make_main(), np.ones(4), 1e-3)["y"]).max() > 1e-4


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: on.Noise(1e-3, tau=0), ValueError, "tau of a Noise must be one positive time"),
        (lambda: on.Noise(1e-3, tau=[1e-3, 2e-3]), ValueError, "tau of a Noise must be one positive time"),
        (lambda: on.Noise(1e-3, tau=1 * mV), UnitError, "tau of a Noise"),
        (lambda: on.Noise(1e-3, shared="units"), TypeError, "shared of a Noise must be True or False, got 'units'"),
        (lambda: on.Noise("y +"), ValueError, "cannot read the expression"),
    ],
)
def test_bad_declarations(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("circuit", "noise", "error", "message"),
    [
        (make_main(), {"z": on.Noise(np.ones(3), 1e-3)}, ValueError, r"noise of 'z' must be one amplitude or .*\(4,\)"),
        (make_main(), {"z": on.Noise("q", 1e-3)}, ValueError, "unknown variable 'q'"),
        (make_main(), {"y": None}, TypeError, "noise of 'y' must be a number"),
        (make_main(), 1e-3, TypeError, "noise must be a dictionary by name, got float"),
        (make_gated(), {"x": "0.1*x"}, ValueError, r"noise of 'x' must be a number or an array"),
    ],
)
def test_noise_that_does_not_fit(circuit, noise, error, message):
    with pytest.raises(error, match=message):
        resolve_noise(circuit.dynamics, noise)
