"""Noise: seeds on every target, variances against theory, and noise that depends on the state (Itô)."""

from dataclasses import replace

import brian2 as b2
import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.schemes import SCHEMES
from tests.brian.conftest import TARGETS, run_on
from tests.circuits import make_gated, make_joined, make_main, one_unit
from tests.simulators import simulate_brian

LEAKY = on.CircuitModel("leaky", "dx/dt = (-x + u)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 10e-3})
METHODS = tuple(SCHEMES)


#: White noise that units share, private noise with a correlation time, and an input with both.
PROCESSES = {"y": on.Noise(1e-2, shared=True), "a": on.Noise(1e-3, 2e-3), "z": on.Noise(1e-2, 3e-3, shared=True)}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "noise",
    [{"y": 1e-2, "a": 1e-3}, {"y": "0.1*abs(y)"}, PROCESSES],
    ids=["additive", "multiplicative", "processes"],
)
def test_a_seed_repeats_the_noise_exactly(target, noise):
    def run(seed):
        return simulate_brian(make_main(), [1, 0, 0.5, 1], 2e-3, noise=noise, seed=seed, device=device, every=None)["y"]

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
        simulate_brian(make_main(), 1.0, 1e-3, method=method, noise={"y": 1e-2}, seed=1, device=device, every=None)["y"]
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
    ends = simulate_brian(circuit, np.ones((trials, 1)), 30e-3, 5e-5, method=method, noise=noise, seed=0, every=None)
    found = np.cov(ends["y"][0, :, 0], ends["a"][0, :, 0])
    expected = on.theory.covariance(circuit, [1.0], noise)
    np.testing.assert_allclose(found, expected, rtol=0.08)


@pytest.mark.parametrize("target", TARGETS)
def test_covariance_of_processes(target):
    """Shared and private, white and correlated, of states and of an input: two units around their fixed point."""
    device, z = run_on(target), np.array([0.5, 0.7])
    circuit = on.Circuit("two_type", {"W_r": [[1, 0.1], [0.1, 1]], "W": 0.5}, size=2, sigma=0.3, tau_y=3e-3)
    circuit = circuit.replace(initial=on.theory.fixed_point(circuit, z).state)
    noise = {"y": on.Noise([1e-3, 2e-3], shared=True), "a": on.Noise(1e-3, 2e-3), "z": on.Noise(3e-3, 4e-3, True)}
    ends = simulate_brian(
        circuit, np.tile(z, (8000, 1)), 40e-3, 2e-4, noise=noise, seed=5, every=None, device=device, method="rk4"
    )
    found = np.cov(np.concatenate([ends["y"][0], ends["a"][0]], axis=1).T)
    expected = on.theory.covariance(circuit, z, noise)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(found / scale, expected / scale, atol=0.06)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "noise",
    [{"x": on.Noise([1.0, 0.5], shared=True)}, {"u": on.Noise([0.1, 0.2], shared=True), "x": 0.5}, {"u": 0.1}],
    ids=["shared state", "shared input", "private input"],
)
def test_covariance_of_white_noise_with_every_method(method, noise):
    ends = simulate_brian(
        on.Circuit(LEAKY, size=2), np.zeros((20000, 2)), 40e-3, 5e-4, method=method, noise=noise, seed=1, every=None
    )
    expected = on.theory.covariance(on.Circuit(LEAKY, size=2), [0.0, 0.0], noise)
    np.testing.assert_allclose(np.cov(ends["x"][0].T), expected, atol=0.05 * expected.max())


def test_noise_of_external_inputs_and_joined_circuits():
    """Every group gets its own noise, and an input with a size of its own has processes of that size."""
    circuit = make_joined()
    noise = {"low.y": 1e-2, "high.y": on.Noise(1e-2, 1e-3, True)}
    made = on.groups(circuit, trials=3, noise=noise)
    assert made["low"].noise_y[:] == pytest.approx(1e-2)
    assert "noise_y" not in made["side"].variables
    gated, z = make_gated(), on.Noise(1e-2, tau=1e-2, shared=True)
    group = on.CircuitGroup(gated, trials=2, noise={"x": z})
    group.x = np.ones(3)
    b2.Network(group, *made.values()).run(1 * b2.ms)
    process = np.array(group.external["x"].process_x[:]).reshape(2, 3)
    assert np.all(process == process[:, :1])
    assert process[0, 0] != process[1, 0]
    assert group.x[:] == pytest.approx(1)


def test_noise_goes_on_where_a_run_ends():
    """Two runs are one: processes begin in their stationary state once, and are stored and restored with the network."""

    def run(*durations):
        group = on.CircuitGroup(make_main(), noise=PROCESSES)
        network = b2.Network(group)
        b2.seed(4)
        network.store()
        for duration in durations:
            network.run(duration * b2.ms)
        end = np.array(group.y[:])
        network.restore(restore_random_state=True)
        network.run(sum(durations) * b2.ms)
        np.testing.assert_array_equal(group.y[:], end)
        return end

    np.testing.assert_array_equal(run(2), run(1, 1))


def test_large_steps_keep_the_variance_with_runge_kutta_only():
    """At half a time constant the variance of a leaky unit is 4/3 of the true one with Euler, 0.98 with Runge-Kutta."""
    circuit, u = on.Circuit(LEAKY, size=50000), 0.0
    true = on.theory.covariance(on.Circuit(LEAKY, size=1), [0.0], {"x": 1.0})[0, 0]
    for method, ratio in (("euler", 1 / (1 - 1 / 4)), ("rk4", 4 * np.tanh(1 / 4)), ("ab2", 4 * np.tanh(1 / 4))):
        end = simulate_brian(circuit, u, 0.1, 5e-3, method=method, noise={"x": 1.0}, seed=1, every=None)["x"]
        assert end.var() / true == pytest.approx(ratio, rel=0.025)


@pytest.mark.parametrize("method", METHODS)
def test_noise_that_depends_on_the_state_is_that_of_ito(method):
    """dx = (u - x)/τ dt + c x/√τ dW has the mean u and the variance u² c²/(2 - c²); read as Stratonovich, the mean is
    u/(1 - c²/2)."""
    c, circuit = 0.5, on.Circuit(LEAKY, size=50000)
    end = simulate_brian(circuit, 1.0, 0.1, 5e-4, method=method, noise={"x": f"{c}*x"}, seed=2, every=None)["x"]
    assert end.mean() == pytest.approx(1, abs=0.01)
    assert end.var() == pytest.approx(c**2 / (2 - c**2), rel=0.06)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_rate_noise(method):
    """A rate y_f that follows y², with noise of the amplitude √(y²)."""
    model = replace(
        on.MODELS["two_type"],
        name="rate_noise",
        equations=on.MODELS["two_type"].equations + "\ndy_f/dt = (-y_f + y**2)/tau_y_f : 1\ntau_y_f : second",
        parameters={**on.MODELS["two_type"].parameters, "tau_y_f": 2e-3},
        closed_form=None,
    )
    circuit, trials = on.Circuit(model, size=2), 8000
    z = np.array([1.0, 0.4])
    circuit = circuit.replace(initial=on.theory.fixed_point(circuit, z).state)
    noise = {"y_f": "sqrt(y**2)"}
    end = simulate_brian(circuit, np.tile(z, (trials, 1)), 20e-3, 5e-5, method=method, noise=noise, seed=3, every=None)[
        "y_f"
    ]
    expected = on.theory.covariance(circuit, z, noise)[-2:, -2:]
    np.testing.assert_allclose(np.diag(np.cov(end[0].T)), np.diag(expected), rtol=0.08)


def test_spectrum_of_a_run():
    """The periodogram averaged over trials, in the band of the resonance."""
    circuit, noise, z, dt, steps = one_unit(), {"y": 1e-3}, [1.0], 2e-4, 2000
    circuit = circuit.replace(initial=on.theory.fixed_point(circuit, z).state)
    trace = simulate_brian(circuit, np.ones((300, 1)), steps * dt, dt, method="rk4", noise=noise, seed=4)["y"][
        500:-1, :, 0
    ]
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


def test_noise_leaves_names_of_the_model_alone():
    model = on.CircuitModel(
        "named", "dy/dt = (-y + noise_y)/tau_y : 1\nnoise_y : 1\ntau_y : second", parameters={"tau_y": 2e-3}
    )
    circuit = on.Circuit(model, size=2)
    on.CircuitGroup(circuit, noise={"noise_y": on.Noise(0.1, tau=1e-3)})
    with pytest.raises(ValueError, match="noise of 'y' adds a variable 'noise_y' to the group, but the model has one"):
        on.CircuitGroup(circuit, noise={"y": 0.1})
