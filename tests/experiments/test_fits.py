"""Fits of tuning curves: they find what made the data, and say what is missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organics_neuro.core.errors import ConvergenceError
from organics_neuro.experiments import fits

ANGLES, RADII = np.arange(0, 360, 5.0), np.arange(0.5, 25)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(0.5, 40), st.floats(0, 360))
def test_von_mises(amplitude, kappa, preferred):
    found = fits.fit_von_mises(ANGLES, fits.von_mises(ANGLES, amplitude, kappa, preferred))
    assert found["amplitude"] == pytest.approx(amplitude, rel=1e-5)
    assert found["kappa"] == pytest.approx(kappa, rel=1e-5)
    assert (found["preferred"] - preferred + 180) % 360 - 180 == pytest.approx(0, abs=1e-4)
    assert found["r2"] > 1 - 1e-9


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 40), st.floats(0, 360), st.floats(0, 5))
def test_half_width_of_von_mises(kappa, preferred, start):
    """cos(half width) = 1 - ln 2/kappa, for a peak between the samples too."""
    angles = ANGLES + start
    exact = np.rad2deg(np.arccos(1 - np.log(2) / kappa))
    found = fits.half_width(angles, fits.von_mises(angles, 1.0, kappa, preferred))
    assert found == pytest.approx(exact, abs=0.4)
    peak = np.concatenate([angles, [preferred]])
    assert fits.half_width(np.unique(peak), fits.von_mises(np.unique(peak), 1.0, kappa, preferred)) == pytest.approx(
        exact, abs=0.05
    )


def test_an_angle_that_is_given_twice_counts_once():
    once, twice = np.arange(0, 360, 10), np.arange(0, 361, 10)
    widths = [fits.half_width(angles, fits.von_mises(angles, 1.0, 9.0, 180)) for angles in (once, twice)]
    assert widths[0] == pytest.approx(widths[1])


def test_half_width_of_a_flat_curve():
    assert np.isnan(fits.half_width(ANGLES, 1 + 0.1 * np.cos(np.deg2rad(ANGLES))))


@pytest.mark.parametrize(
    ("function", "fit", "parameters"),
    [
        (fits.difference_of_gaussians, fits.fit_difference_of_gaussians, (3.0, 2.0, 2.0, 8.0)),
        (fits.ratio_of_gaussians, fits.fit_ratio_of_gaussians, (5.0, 4.0, 1.5, 7.0)),
    ],
)
def test_sizes(function, fit, parameters):
    found = fit(RADII, function(RADII, *parameters))
    names = ("excitation", "inhibition", "width", "surround")
    np.testing.assert_allclose([found[name] for name in names], parameters, rtol=1e-4)
    assert found["r2"] > 1 - 1e-9


@pytest.mark.parametrize("fit", [fits.fit_von_mises, fits.half_width, fits.fit_difference_of_gaussians])
@pytest.mark.parametrize(
    ("x", "rate", "message"),
    [
        ([0, 1, 2], [1, 1, 1], "a fit needs at least . different values"),
        (range(6), [1, 1], "as many rates, got the shapes"),
        ([0] * 6, [1] * 6, "different values"),
        (range(6), [0] * 6, "nothing can be fitted over .*: no response is above 0"),
        (range(6), [np.nan] * 6, "no response is above 0, or one is not finite"),
    ],
)
def test_bad_input(fit, x, rate, message):
    with pytest.raises(ValueError, match=message):
        fit(x, rate)


def test_no_fit(monkeypatch):
    def none(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(fits, "curve_fit", none)
    with pytest.raises(ConvergenceError, match="no von Mises function was found"):
        fits.fit_von_mises(ANGLES, np.ones(72))
