"""Stability map: golden leading eigenvalues, and an exact reduction for symmetric recurrence."""

import numpy as np
import pytest
from scipy.optimize import brentq

import organics_neuro as on

UNITS = 100


def goe(units=UNITS, seed=0):
    """Symmetric noise; its eigenvalues fill the interval -sqrt 2 to sqrt 2."""
    noise = np.random.default_rng(seed).normal(size=(units, units)) / np.sqrt(units)
    return (noise + noise.T) / 2


def make(noise):
    return on.Circuit("two_type", {"W_r": np.eye(len(noise)) + noise}, b=1.0, b0=1.0, tau_a=2e-3)


def exact(noise, strength, length):
    """The stable point in the eigenbasis of the recurrence: one equation for s, the root of the normalizer."""
    eigenvalues, vectors = np.linalg.eigh(noise)
    gains, z = 1 + strength * eigenvalues, vectors.T @ np.full(len(noise), length / np.sqrt(len(noise)))

    def excess(s):
        return s**2 * (1 - np.sum((z / (1 - (1 - s) * gains)) ** 2)) - 0.01

    s = brentq(excess, max(0.1, 1 - 1 / gains.max()) + 1e-12, 10)
    return {"y": vectors @ (z / (1 - (1 - s) * gains)), "a": np.full(len(noise), s**2)}


def test_golden():
    """Also where recurrence dominates, and the first guesses of a solver lead to unstable points."""
    found = on.experiments.stability_map(make(goe()), [0.05, 0.15, 0.3, 1.0], [0.05], progress=False)
    np.testing.assert_allclose(found.leading[:, 0], [-28.0755, -5.0539, -3.4649, -9.9249], atol=1e-4)
    assert found.converged.all()


def test_exact_points():
    noise, lengths, strengths = goe(20, seed=1), [0.05, 0.5], [0.0, 0.1, 0.5]
    found = on.experiments.stability_map(make(noise), strengths, lengths, progress=False)
    for i, strength in enumerate(strengths):
        for j, length in enumerate(lengths):
            circuit, z = make(strength * noise), np.full(20, length / np.sqrt(20))
            state = exact(noise, strength, length)
            leading = on.theory.eigenvalues(circuit, z, state)[0]
            assert found.leading[i, j].item() == pytest.approx(leading.real, rel=1e-6)
            assert found.frequency[i, j].item() == pytest.approx(abs(leading.imag) / (2 * np.pi), rel=1e-6, abs=1e-9)
            step = on.theory.largest_stable_dt(circuit, z, "euler", state)
            assert found.euler_step[i, j].item() == pytest.approx(step, rel=1e-6)
    assert (found.departure[0] < 1e-12).all()
    assert (np.diff(found.departure, axis=0) > 0).all()


def test_the_circuit_slows_down_where_normalization_breaks_down():
    """From (1 - sqrt a) times the largest eigenvalue = 1 on, for a weak input."""
    noise = goe(60, seed=2)
    top = np.linalg.eigvalsh(noise)[-1]
    s = np.sqrt(0.01 + 0.05**2)
    critical = (1 / (1 - s) - 1) / top
    strengths = critical * np.array([0.3, 1.0, 1.5])
    found = on.experiments.stability_map(make(noise), strengths, [0.05], progress=False)
    leading = found.leading[:, 0].values
    assert leading[0] < 2 * leading[1] < 0
    assert found.departure[0, 0] < 0.5 < found.departure[2, 0]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"strengths": [1, 0]}, ValueError, r"strengths must be numbers in rising order, 0 or larger, got \[1, 0\]"),
        ({"strengths": [-1, 0]}, ValueError, "strengths must be numbers in rising order, 0 or larger"),
        ({"inputs": [0, 1]}, ValueError, "inputs must be numbers in rising order, above 0"),
        ({"inputs": 1.0}, ValueError, "inputs must be numbers in rising order, above 0"),
        ({"weights": "W_q"}, ValueError, "unknown weights 'W_q'; known: 'W_r', 'W'"),
        (
            {"weights": "W_zx"},
            ValueError,
            r"the weights 'W_zx' have shape \(9, 360\), but recurrence has as many sources",
        ),
        ({"stimulus": np.zeros(360)}, ValueError, "the stimulus is 0 everywhere"),
        ({"circuit": on.join({"a": on.ring(9)}, [])}, TypeError, "circuit must be one Circuit, got JoinedCircuit"),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.stability_map(**{"circuit": on.ring(9), "strengths": [0.1], "inputs": [1.0], **given})
