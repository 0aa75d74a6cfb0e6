"""Contrast discrimination: against an independent computation for one unit, scaling laws, and simulation."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

import organics_neuro as on
from organics_neuro.engines import Reference
from tests.circuits import one_unit

CONTRASTS = np.concatenate([[0], np.geomspace(0.005, 1, 30)])
NOISE, ETA, TIME, TAU = {"y": 1e-3}, 1e-3, 0.2, 2e-3


def variance(c):
    """Of the average of y over the time: the spectrum of one unit (noise in y) times the window, integrated by quadrature."""
    a = 0.0025 + 0.25 * c**2
    y, s = 0.5 * c / np.sqrt(a), np.sqrt(a)
    jacobian = np.array([[-s, -y / (2 * s)], [2 * a * y, -1 + y**2]]) / TAU

    def power(f):
        inverse = np.linalg.inv(2j * np.pi * f * np.eye(2) - jacobian)
        return np.abs(inverse[0, 0]) ** 2 * ETA**2 / TAU * np.sinc(f * TIME) ** 2

    return 2 * sum(quad(power, low, low + 5, limit=200)[0] for low in range(0, 300, 5))


def mean(c):
    return c / np.sqrt(0.01 + c**2)


@pytest.fixture(scope="module")
def found():
    return on.experiments.contrast_discrimination(one_unit(), CONTRASTS, NOISE, time=TIME)


def test_deviation(found):
    for k in (0, 10, 20, 30):
        assert found.deviation[k].item() ** 2 == pytest.approx(variance(CONTRASTS[k]), rel=0.02)
    np.testing.assert_allclose(found.signal, mean(CONTRASTS), rtol=1e-9, atol=1e-12)


def test_thresholds(found):
    def excess(c, pedestal):
        return (mean(c) - mean(pedestal)) / np.sqrt((variance(c) + variance(pedestal)) / 2) - 1

    for k in (0, 12, 22):
        pedestal = CONTRASTS[k]
        expected = brentq(excess, pedestal, pedestal + 0.05, args=(pedestal,)) - pedestal
        assert found.threshold[k].item() == pytest.approx(expected, rel=0.03)
    assert np.isnan(found.threshold[-1])


def test_thresholds_grow_with_the_pedestal_and_with_noise(found):
    assert (np.diff(found.threshold[1:-1]) > 0).all()
    double = on.experiments.contrast_discrimination(one_unit(), CONTRASTS, {"y": 2e-3}, time=TIME)
    np.testing.assert_allclose(double.threshold[:15], 2 * found.threshold[:15], rtol=0.02)
    np.testing.assert_allclose(double.sensitivity, found.sensitivity / 2, rtol=1e-9)


def test_a_higher_criterion_and_less_time(found):
    half = on.experiments.contrast_discrimination(one_unit(), CONTRASTS, NOISE, time=TIME, d_prime=0.5)
    np.testing.assert_allclose(half.threshold[:15], found.threshold[:15] / 2, rtol=0.02)
    short = on.experiments.contrast_discrimination(one_unit(), CONTRASTS, NOISE, time=TIME / 4)
    assert (short.deviation > found.deviation).all()


def test_a_ring_is_as_good_as_one_unit(found):
    """Weighted by the drive, independent noise of all units makes that of one."""
    contrasts = CONTRASTS[::6]
    ring = on.experiments.contrast_discrimination(on.ring(12), contrasts, NOISE, time=TIME)
    np.testing.assert_allclose(ring.deviation, found.deviation[::6], rtol=1e-3)


def test_simulation_agrees_with_theory():
    contrasts = [0, 0.1, 0.2, 0.5, 1.0]
    engine = Reference(dt=5e-4, method="heun", duration=4.0, trials=32, seed=2, transient=0.3, progress=False)
    found, theory = (
        on.experiments.contrast_discrimination(one_unit(), contrasts, {"y": 1e-2}, e, time=0.05)
        for e in (engine, "theory")
    )
    np.testing.assert_allclose(found.signal, theory.signal, atol=5e-3)
    np.testing.assert_allclose(found.deviation, theory.deviation, rtol=0.2)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"contrasts": [0.1, 0.2]}, ValueError, "contrasts must be at least 5 numbers in rising order"),
        ({"contrasts": [1, 2, 3, 4, 4]}, ValueError, "contrasts must be at least 5 numbers in rising order"),
        ({"noise": None}, ValueError, "without noise every increment is told"),
        ({"d_prime": 0}, ValueError, "d_prime must be a number above 0"),
        ({"time": 0}, ValueError, "time must be"),
        ({"state": "q"}, ValueError, "unknown state 'q'; known: 'y', 'a'"),
    ],
)
def test_bad_input(given, error, message):
    arguments = {"circuit": on.ring(9), "contrasts": [0, 0.1, 0.2, 0.5, 1], "noise": NOISE, **given}
    with pytest.raises(error, match=message):
        on.experiments.contrast_discrimination(**arguments)
