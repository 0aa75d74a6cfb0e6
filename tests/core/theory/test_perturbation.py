"""Linear responses to small changes: derivatives of fixed points, and what a simulation shows."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.theory import responses
from tests.circuits import make_main, one_unit


def test_the_sensitivity_is_the_derivative_of_the_fixed_point():
    circuit, z = make_main(n=3), np.array([0.5, 0.2, -0.3])
    for name, change, size in (("z", np.array([1.0, -2.0, 0.5]), 1e-5), ("b", 1.0, 1e-5), ("sigma", 0.7, 1e-5)):
        found = on.theory.response(circuit, z, {name: change})
        own = z if name == "z" else circuit.parameters[name]
        sides = [on.theory.fixed_point(circuit, {"z": z, name: own + sign * size * change}).state for sign in (1, -1)]
        for state, value in found.items():
            assert value.shape == (1, 3)
            expected = (sides[0][state] - sides[1][state]) / (2 * size)
            np.testing.assert_allclose(value[0].real, expected, rtol=2e-5, atol=1e-8)
            assert not value.imag.any()


def test_the_gain_of_one_unit_in_closed_form():
    """y = b z/sqrt(a), a = (sigma b0)² + (b z)²."""
    b, constant, z = 0.5, 0.05**2, 0.3
    found = on.theory.response(one_unit(), [z], {"z": 1.0})["y"].item()
    assert found == pytest.approx(b * constant / (constant + (b * z) ** 2) ** 1.5, rel=1e-10)


def test_an_oscillating_input_in_a_simulation():
    circuit, frequency, amplitude, dt = one_unit(), 40.0, 1e-5, 1e-4
    steps = round(0.3 / dt)
    time = np.arange(steps) * dt
    z = 0.3 + amplitude * np.cos(2 * np.pi * frequency * (time + dt / 2))
    engine, rest = on.engines.Reference(dt=dt, method="rk4", progress=False), on.theory.fixed_point(circuit, [0.3])
    found = on.simulate(circuit, z[:, None, None], 0.3, engine, initial=rest.state)
    last = slice(round(0.2 / dt), steps)
    y = found["y"][:-1, 0, 0][last]
    measured = 2 * np.mean((y - y.mean()) * np.exp(-2j * np.pi * frequency * time[last])) / amplitude
    expected = on.theory.response(circuit, [0.3], {"z": 1.0}, [frequency])["y"].item()
    assert measured == pytest.approx(expected, rel=2e-3)


def test_it_agrees_with_the_spectrum():
    """White noise on an input gives the states the power |H|²."""
    circuit, frequencies = make_main(n=3), [5.0, 60.0]
    z = [0.5, 0.2, -0.3]
    spectrum = on.theory.power_spectrum(circuit, z, frequencies, {"z": on.Noise(1e-3, shared=True)})
    found = on.theory.response(circuit, z, {"z": 1e-3}, frequencies)
    np.testing.assert_allclose(np.abs(found["y"]) ** 2, spectrum["y"], rtol=1e-9)
    late = on.hierarchy({"v1": one_unit(), "v2": one_unit()}, on.Coupling("z", 1.0, "y", delay=3e-3))
    noise = {"v1.z": on.Noise(1e-3, shared=True)}
    spectrum = on.theory.power_spectrum(late, {"v1.z": [0.3]}, frequencies, noise, pairs=[(("v2.y", 0), ("v1.y", 0))])
    found = on.theory.response(late, {"v1.z": [0.3]}, {"v1.z": 1e-3}, frequencies)
    np.testing.assert_allclose(found["v2.y"] * found["v1.y"].conj(), spectrum.cross(), rtol=1e-9)


def test_a_large_circuit_needs_no_matrix(monkeypatch):
    circuit, frequencies = on.ring(36), [0.0, 30.0]
    z = on.stimuli.contrast_series(circuit, [0.5])[0]
    expected = on.theory.response(circuit, z, {"z": 1.0}, frequencies)
    monkeypatch.setattr(responses, "LARGE", 10)
    found = on.theory.response(circuit, z, {"z": 1.0}, frequencies)
    for state in expected:
        np.testing.assert_allclose(found[state], expected[state], rtol=1e-9, atol=1e-12)


def test_phase_of_pairs():
    """At frequencies above the resonance the input is ahead of what follows it."""
    spectrum = on.theory.power_spectrum(
        on.hierarchy({"v1": one_unit(), "v2": one_unit()}, on.Coupling("z", 1.0, "y")),
        {"v1.z": [0.3]},
        [150.0, 300.0],
        {"v1.y": 1e-3},
        pairs=[(("v1.y", 0), ("v2.y", 0))],
    )
    assert (spectrum.phase() > 0).all()
    assert spectrum.phase([(("v2.y", 0), ("v1.y", 0))]) == pytest.approx(-spectrum.phase())
    np.testing.assert_allclose(spectrum.coherence(), 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"change": {"q": 1.0}}, "unknown input or parameter in change 'q'"),
        ({"change": {"z": [1.0, 2.0]}}, r"change of 'z' has shape \(2,\), but its last axis must be the 1 units"),
        ({"frequencies": []}, "frequencies must have one axis"),
        ({"circuit": on.Circuit("three_type", size=1, b=1 / 6, b0=1 / 6, tau_a=2e-3)}, "is not stable"),
    ],
)
def test_bad_input(given, message):
    arguments = {"circuit": one_unit(), "z": [1.0], "change": {"z": 1.0}, **given}
    with pytest.raises(ValueError, match=message):
        on.theory.response(**arguments)
