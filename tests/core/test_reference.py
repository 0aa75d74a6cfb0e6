"""The reference simulator: exact steps, order of convergence, inputs that change with time."""

import numpy as np
import pytest
from brian2 import amp, ms, mV
from scipy.integrate import solve_ivp

import organics_neuro as on
from organics_neuro.core.schemes import SCHEMES
from tests.circuits import CIRCUITS, make_joined, make_main, one_unit
from tests.parity.circuits import make_cable
from tests.simulators import simulate_reference

LEAKY = on.CircuitModel("leaky", "dx/dt = (-x + u)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 10e-3})


def test_euler_of_a_leaky_unit_is_a_geometric_series():
    dt, tau, steps = 1e-3, 10e-3, 50
    trace = simulate_reference(on.Circuit(LEAKY, size=1), [2.0], duration=steps * dt, dt=dt)["x"]
    expected = 2 * (1 - (1 - dt / tau) ** np.arange(steps + 1))
    assert trace.shape == (steps + 1, 1, 1)
    np.testing.assert_allclose(trace[:, 0, 0], expected, rtol=1e-13)


def test_runge_kutta_of_a_leaky_unit_is_the_series_of_the_exponential():
    dt, tau = 1e-3, 10e-3
    h = dt / tau
    factor = 1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24
    trace = simulate_reference(on.Circuit(LEAKY, size=1), duration=20e-3, dt=dt, method="rk4", initial={"x": 1.0})["x"]
    np.testing.assert_allclose(trace[:, 0, 0], factor ** np.arange(21), rtol=1e-13)


@pytest.mark.parametrize("method", SCHEMES)
def test_order_of_convergence(method):
    circuit, z, duration = one_unit(), [1.0], 4e-3

    def end(dt, method=method):
        return simulate_reference(circuit, z, duration, dt, method)["y"][-1, 0, 0]

    exact = end(1e-6, "rk4")
    errors = [abs(end(dt) - exact) for dt in (1e-4, 5e-5, 2.5e-5)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, SCHEMES[method].order, atol=0.15)


#: Largest error after 20 ms at steps of 1, 0.5, 0.2 and 0.1 ms, from an independent program.
ERRORS = {
    "euler": (2.0e-2, 9.5e-3, 3.7e-3, 1.9e-3),
    "ab2": (4.9e-3, 1.2e-3, 2.0e-4, 4.9e-5),
    "heun": (6.2e-4, 1.6e-4, 2.5e-5, 6.1e-6),
    "rk4": (1.2e-6, 6.9e-8, 1.7e-9, 1.0e-10),
}


@pytest.mark.parametrize("method", ERRORS)
def test_accuracy_of_large_steps(method):
    """Random recurrence, time constants of 5 ms."""
    rng = np.random.default_rng(0)
    z, weights = rng.random(32), {"W_r": rng.normal(size=(32, 32)) / np.sqrt(32), "W": on.AllToAll(32, 1 / 32)}
    circuit = on.Circuit("two_type", weights, b=0.5, b0=1.0, sigma=0.1, tau_y=5e-3, tau_a=5e-3)
    inputs, dynamics = {"z": z}, circuit.dynamics
    exact = solve_ivp(
        lambda _t, x: dynamics.flow(x, inputs),
        (0, 20e-3),
        dynamics.pack(dynamics.initial),
        "DOP853",
        rtol=1e-13,
        atol=1e-15,
    ).y[:, -1]
    errors = []
    for dt in (1e-3, 5e-4, 2e-4, 1e-4):
        trace = simulate_reference(circuit, z, 20e-3, dt, method)
        errors.append(np.abs(dynamics.pack(trace)[-1, 0] - exact).max())
    np.testing.assert_allclose(errors, ERRORS[method], rtol=0.05)


def test_onset_of_one_unit(reference):
    """Latency and overshoot of the response to a step of contrast, from an independent simulation."""
    dt = 1e-4
    contrasts = [[golden["c"]] for golden in reference["onset_1unit"]]
    traces = simulate_reference(one_unit(), contrasts, 0.2, dt, "rk4")["y"][..., 0]
    for y, golden in zip(traces.T, reference["onset_1unit"], strict=True):
        assert np.argmax(y >= golden["y_ss"] / 2) * dt * 1e3 == pytest.approx(golden["t_half_ms"], abs=1.1e3 * dt)
        assert y.max() / golden["y_ss"] == pytest.approx(golden["peak_over_ss"], rel=1e-4)


def test_input_that_changes_with_time_is_held_during_each_step():
    u = np.random.default_rng(0).normal(size=(30, 2, 3))
    trace = simulate_reference(on.Circuit(LEAKY, size=3), u, duration=30e-3, dt=1e-3)["x"]
    x = np.zeros((2, 3))
    for k in range(30):
        np.testing.assert_allclose(trace[k], x, atol=1e-14)
        x = x + 0.1 * (u[k] - x)


def test_a_constant_sequence_equals_a_constant_input():
    circuit, z = make_main(), np.random.default_rng(0).normal(size=(2, 4))
    constant = simulate_reference(circuit, z, 5e-3)
    sequence = simulate_reference(circuit, np.tile(z, (50, 1, 1)), 5e-3)
    for name in constant:
        np.testing.assert_array_equal(constant[name], sequence[name])


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_euler_steps_follow_the_flow(make):
    circuit = make()
    traces = simulate_reference(circuit, duration=5e-4, dt=1e-4)
    x = circuit.dynamics.pack({name: trace[:, 0] for name, trace in traces.items()})
    inputs = circuit.dynamics.resolve_inputs(None)
    np.testing.assert_allclose(x[1:], x[:-1] + 1e-4 * circuit.dynamics.flow(x[:-1], inputs), rtol=1e-12, atol=1e-300)


def test_trials_of_states_and_of_inputs_broadcast():
    traces = simulate_reference(make_main(), [0.1, 0.2, 0.3, 0.4], 1e-3, initial={"y": np.ones((3, 4))})
    assert traces["y"].shape == (11, 3, 4)
    np.testing.assert_array_equal(traces["y"][0], 1)


def test_times_may_be_quantities():
    plain = simulate_reference(make_joined(), duration=0.01, dt=1e-4)
    quantity = simulate_reference(make_joined(), duration=10 * ms, dt=0.1 * ms)
    np.testing.assert_array_equal(plain["low.y"], quantity["low.y"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "leapfrog"}, "unknown method 'leapfrog'; known: 'euler'"),
        ({"dt": 0}, "dt must be one positive time"),
        ({"duration": -1.0}, "duration must be one positive time"),
        ({"duration": [1, 2]}, "duration must be one positive time"),
        ({"initial": {"u": 1}}, "unknown state in initial 'u'; known: 'y', 'a'"),
        ({"initial": {"y": [1, 2]}}, r"initial 'y' has shape \(2,\), but its last axis must be the 4 units"),
        ({"z": np.ones((5, 1, 4))}, "z has 5 steps, fewer than the 3000 that are simulated"),
        ({"z": np.ones((1, 5, 1, 4))}, r"give \(units,\), \(trials, units\) or \(steps, trials, units\)"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_reference(make_main(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"z": {"I": 5 * mV}}, "I = .* has the wrong unit; give a quantity in amp or a plain number"),
        ({"z": {"I": [0 * amp, 5 * mV]}}, "I = .* has the wrong unit"),
        ({"initial": {"v": 3 * amp}}, "initial 'v' = .* has the wrong unit; give a quantity in volt"),
    ],
)
def test_wrong_units(arguments, message):
    with pytest.raises(on.errors.UnitError, match=message):
        simulate_reference(make_cable(), duration=1e-3, **arguments)
    with pytest.raises(on.errors.UnitError, match="parameter 'tau_y' = .* has the wrong unit"):
        on.Circuit("two_type", size=2, tau_y=[2 * ms, 3 * mV])


def test_different_numbers_of_trials():
    with pytest.raises(ValueError, match="different numbers of trials: z has 2, y has 3"):
        simulate_reference(on.ring(9), np.ones((2, 9)), duration=1e-3, initial={"y": np.ones((3, 9))})
