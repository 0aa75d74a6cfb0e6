"""Gamma where contrast varies over space."""

import numpy as np
import pytest

import organics_neuro as on

NOISE = {"z": on.Noise(1e-3, tau=1e-3, shared=True)}
CONTRASTS = np.linspace(0.2, 1, 9)


def line(pool):
    return on.sheet(1, 9, receptive_field=0, pool=pool)


def test_each_place_resonates_at_its_own_contrast():
    """With a pool of one place, it is that of a unit alone, whose peaks are golden (25 to 56.4 Hz with white noise in y)."""
    found = on.experiments.local_gamma(line(0.2), CONTRASTS, NOISE)
    np.testing.assert_allclose(found.peak_frequency, found.uniform_frequency, rtol=2e-3)
    assert (np.diff(found.peak_frequency) > 0).all()
    assert found.peak_frequency[0].item() == pytest.approx(25.0, abs=1)
    assert found.peak_frequency[-1].item() == pytest.approx(56.4, abs=1.5)


def test_a_wide_pool_makes_one_rhythm():
    found = on.experiments.local_gamma(line(20.0), np.linspace(0.4, 1, 9), NOISE)
    assert np.ptp(found.peak_frequency.values) < 0.3 * np.ptp(found.uniform_frequency.values)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"contrasts": [0.1, 0.2]}, r"contrasts must have the shape of the sheet, \(1, 9\), got \(2,\)"),
        ({"circuit": on.ring(9)}, "have no positions"),
        ({"noise": None}, "without noise there is no spectrum"),
        ({"highest": 0}, "highest must be one frequency above 0"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        on.experiments.local_gamma(**{"circuit": line(1.0), "contrasts": CONTRASTS, "noise": NOISE, **given})
