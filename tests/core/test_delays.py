"""Delayed couplings: thresholds, exact solutions, spectra and variances that are known, and what is said of wrong ones."""

import warnings

import numpy as np
import pytest
from brian2 import ms, mV

import organics_neuro as on
from organics_neuro.core.errors import StepSizeWarning, UnitError
from organics_neuro.core.schemes import SCHEMES
from organics_neuro.core.theory.delays import characteristic_roots
from tests.circuits import make_gated, make_joined, make_main
from tests.simulators import simulate_reference


def make_loop(w, delay, tau=1.0):
    """tau dx/dt = -x + w x(t - delay) + u."""
    model = on.CircuitModel(
        "loop",
        "dx/dt = (-x + c + u)/tau_x : 1\n c : 1\n u : 1\n tau_x : second",
        couplings=[on.Coupling("c", "W", "x", delay=delay)],
        parameters={"tau_x": tau},
    )
    return on.Circuit(model, {"W": [[w]]})


def threshold(w):
    """The delay from which a loop with w < -1 oscillates, in time constants (Hayes 1950)."""
    return np.arccos(1 / w) / np.sqrt(w**2 - 1)


@pytest.mark.parametrize("w", [-1.2, -2.0, -5.0])
def test_the_threshold_of_a_loop(w):
    critical, frequency = 10e-3 * threshold(w), np.sqrt(w**2 - 1) / 10e-3
    at = on.theory.eigenvalues(make_loop(w, critical, 10e-3))
    assert at[0] == pytest.approx(1j * frequency, abs=1e-10 * frequency)
    assert on.theory.is_stable(make_loop(w, 0.95 * critical, 10e-3))
    assert not on.theory.is_stable(make_loop(w, 1.05 * critical, 10e-3))
    assert on.theory.is_stable(make_loop(0.9, critical, 10e-3))  # nothing excites itself, whatever the delay


@pytest.mark.parametrize("method", SCHEMES)
def test_the_reference_oscillates_above_the_threshold(method):
    w, tau, dt = -2.0, 10e-3, 1e-4
    for factor, grows in ((0.9, False), (1.1, True)):
        delay = round(factor * tau * threshold(w) / dt) * dt
        circuit = make_loop(w, delay, tau)
        x = simulate_reference(circuit, None, 0.6, dt, method, initial={"x": [1.0]})["x"][:, 0, 0]
        early, late = np.abs(x[1000:2000]).max(), np.abs(x[-1000:]).max()
        assert (late > early) == grows
        rate = np.log(late / early) / 0.4
        assert rate == pytest.approx(on.theory.eigenvalues(circuit)[0].real, abs=0.8)


@pytest.mark.parametrize("method", SCHEMES)
def test_order_with_delays(method):
    """On [d, 2d] a loop that starts at 1 has an elementary solution; no method has an order above 2."""
    w, d = -2.0, 1.0
    first = w + (1 - w) * np.exp(-d)
    exact = first * np.exp(-d) + w**2 * (1 - np.exp(-d)) + w * (1 - w) * d * np.exp(-d)
    circuit = make_loop(w, d)
    errors = [
        abs(simulate_reference(circuit, None, 2 * d, dt, method, initial={"x": [1.0]})["x"][-1, 0, 0] - exact)
        for dt in (0.05, 0.025)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(min(SCHEMES[method].order, 2), abs=0.05)


def test_a_delay_of_joined_circuits_shifts_what_arrives():
    """One way, linear: the target follows the source exactly as much later."""
    leaky = on.CircuitModel("leaky", "dx/dt = (u - x)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 5e-3})
    parts = {"a": on.Circuit(leaky, size=1), "b": on.Circuit(leaky, size=1)}

    def run(delay):
        joined = on.join(parts, [on.Coupling("b.u", 1.0, "a: x", delay=delay)])
        return simulate_reference(joined, {"a.u": np.ones(1)}, 20e-3, 1e-4)["b.x"][:, 0, 0]

    np.testing.assert_array_equal(run(3 * ms)[30:], run(0)[:-30])


def test_a_delayed_source_may_read_couplings_and_inputs():
    """A chain: what arrives late is what was there, couplings and inputs included."""
    model = on.CircuitModel(
        "chain",
        "dx/dt = (late - x)/tau_x : 1\n now : 1\n late : 1\n u : 1\n tau_x : second",
        couplings=[on.Coupling("now", "A", "x + u"), on.Coupling("late", "B", "2*now", delay=0.5e-3)],
        parameters={"tau_x": 5e-3},
    )
    a, b = np.array([[0.0, 1.0], [0.5, 0.0]]), np.array([[0.2, 0.0], [0.3, -0.4]])
    circuit, dt, steps = on.Circuit(model, {"A": a, "B": b}), 1e-4, 30
    u = np.random.default_rng(0).normal(size=(steps, 1, 2))
    found = simulate_reference(circuit, u, steps * dt, dt)["x"][:, 0]
    x, sources = np.zeros(2), []
    for k in range(steps):
        sources.append(2 * a @ (x + u[k, 0]))
        x = x + dt / 5e-3 * (b @ sources[max(k - 5, 0)] - x)
        np.testing.assert_allclose(found[k + 1], x, atol=1e-14)
    parts = circuit.dynamics.derivatives(np.zeros(2), circuit.dynamics.resolve_inputs(None), circuit.dynamics.slices)
    np.testing.assert_allclose(parts[0.5e-3], 2 * b @ a / 5e-3)


def test_fixed_points_do_not_change():
    circuit, late = make_joined(), make_joined()
    late = late.replace(couplings=[on.Coupling(c.target, c.weights, c.source, delay=2e-3) for c in late.couplings])
    before, after = on.theory.fixed_point(circuit), on.theory.fixed_point(late)
    for name, value in before.state.items():
        np.testing.assert_allclose(after.state[name], value, atol=1e-12)
    assert on.theory.is_stable(late, None, after.state)
    moved = {name: value * 1.001 for name, value in after.state.items()}
    end = simulate_reference(late, None, 0.3, 1e-4, initial=moved)
    for name, value in after.state.items():
        np.testing.assert_allclose(end[name][-1, 0], value, atol=1e-6)


def test_roots_of_a_network_solve_the_characteristic_equation():
    """Several delays, degenerate roots, and the simulation of the linear circuit."""
    rng, size = np.random.default_rng(1), 5
    parts = {0.0: -np.eye(size), 0.7: 0.5 * rng.normal(size=(size, size)), 3.0: np.roll(np.eye(size), 1, axis=0)}
    roots = characteristic_roots(parts)
    assert (np.diff(roots.real) <= 1e-12).all()
    for root in roots:
        matrix = root * np.eye(size) - sum(np.exp(-root * d) * part for d, part in parts.items())
        assert np.linalg.svd(matrix)[1][-1] < 1e-10
    twice = characteristic_roots({0.0: -np.eye(4), 1.0: -2 * np.kron(np.eye(2), [[1, 0], [0, 0.5]])})
    (once,) = characteristic_roots({0.0: -np.eye(1), 1.0: -2 * np.eye(1)})
    np.testing.assert_allclose(twice.real, once.real, rtol=1e-9)
    np.testing.assert_allclose(np.sort(twice.imag), np.array([-1, -1, 1, 1]) * once.imag, rtol=1e-9)


def test_spectrum_and_variance_of_a_loop():
    """dx = -b x(t - d) dt + dW has the variance (1 + sin bd)/(2b cos bd) (Küchler & Mensch 1992)."""
    b, d, tau = 2.0, 0.5, 1.0
    model = on.CircuitModel(
        "late_leak",
        "dx/dt = c/tau_x : 1\n c : 1\n tau_x : second",
        couplings=[on.Coupling("c", "W", "x", delay=d)],
        parameters={"tau_x": tau},
    )
    circuit = on.Circuit(model, {"W": [[-b]]})
    point = {"x": [0.0]}
    found = on.theory.covariance(circuit, None, {"x": 1.0}, point)[0, 0]
    assert found == pytest.approx((1 + np.sin(b * d)) / (2 * b * np.cos(b * d)), rel=1e-5)
    f = np.array([0.1, 0.3, 1.0])
    expected = 1 / np.abs(2j * np.pi * f + b * np.exp(-2j * np.pi * f * d)) ** 2
    spectrum = on.theory.power_spectrum(circuit, None, f, {"x": 1.0}, point)
    np.testing.assert_allclose(spectrum["x"][:, 0], expected, rtol=1e-12)


def test_noise_of_an_input_that_arrives_late():
    circuit = make_loop(-0.5, 4e-3, 10e-3)
    late = on.join({"a": circuit, "b": circuit}, [on.Coupling("b.u", 1.0, "a: u + 0*x", delay=2e-3)])
    f = np.array([5.0, 30.0])
    noise = {"a.u": on.Noise(1.0, tau=5e-3)}
    spectrum = on.theory.power_spectrum(late, None, f, noise, pairs=[(("b.x", 0), ("a.x", 0))])
    np.testing.assert_allclose(spectrum["b.x"], spectrum["a.x"], rtol=1e-12)
    expected = spectrum["a.x"][:, 0] * np.exp(-2j * np.pi * f * 2e-3)
    np.testing.assert_allclose(spectrum.cross()[:, 0], expected, rtol=1e-12)
    with pytest.raises(ValueError, match="the noise of 'a.u' arrives with a delay"):
        on.theory.covariance(late, None, noise)


def test_an_external_input_that_arrives_late():
    """Delays add up where a coupling feeds an external input."""
    gated = make_gated(n=3, inputs=2)
    joined = on.join({"g": gated, "m": make_main(n=2)}, [on.Coupling("g.x", source="m: y", delay=1e-3)])
    assert {c.delay for c in joined.connections if c.source == "m" and c.target == "g"} == {1e-3}


def test_files_keep_delays(tmp_path):
    circuit = on.join({"a": make_loop(-2.0, 3 * ms)}, [on.Coupling("a.u", 0.5, "a: x", delay=0.25 * ms)])
    circuit.save(tmp_path / "late.safetensors")
    loaded = on.load(tmp_path / "late.safetensors")
    assert loaded == circuit
    assert [c.delay for c in loaded.connections] == [3e-3, 0.25e-3]


@pytest.mark.parametrize("delay", [1e10, 1e300])
def test_what_is_on_its_way_fits_into_memory(delay):
    message = "the delay of the coupling 'W', .* s in steps of dt = 0.0001 s, takes .* GB, .* use a shorter delay or a larger dt"
    with pytest.raises(MemoryError, match=message):
        on.simulate(make_loop(-1.0, delay), None, 1e-3, "reference(dt=1e-4)")


def test_delays_and_steps():
    with pytest.warns(StepSizeWarning, match=r"'W', 0.00026 s, is not a multiple of .* rounded to 0.0003 s"):
        simulate_reference(make_loop(-2, 0.26 * ms, 1e-2), None, 1e-3, 1e-4)
    with pytest.raises(
        ValueError, match=r"the delay of the coupling 'W', 5e-05 s, is shorter than the step dt = 0.0001 s"
    ):
        simulate_reference(make_loop(-2, 0.05 * ms, 1e-2), None, 1e-3, 1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate_reference(make_loop(-2, 0.3 * ms, 1e-2), None, 1e-3, 1e-4)
    with pytest.raises(ValueError, match="largest_stable_dt is not known for a circuit with delays"):
        on.theory.largest_stable_dt(make_loop(-2, 0.3 * ms, 1e-2))


@pytest.mark.parametrize(
    ("delay", "error", "message"),
    [
        (-1e-3, ValueError, "delay of the coupling 'c' must be one time, 0 or longer, got -0.001"),
        ([1e-3, 2e-3], ValueError, "delay of the coupling 'c' must be one time"),
        (1 * mV, UnitError, "delay of the coupling 'c' = 1. mV has the wrong unit"),
        ("1 ms", TypeError, "delay of the coupling 'c' must be a number"),
        (np.nan, ValueError, "delay of the coupling 'c' must be finite"),
    ],
)
def test_bad_delays(delay, error, message):
    with pytest.raises(error, match=message):
        on.Coupling("c", "W", "x", delay=delay)
