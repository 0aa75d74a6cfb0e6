"""Masks and surrounds: golden tuning of suppression, and engines against each other."""

import numpy as np
import pytest
import xarray as xr

import organics_neuro as on
from organics_neuro.engines import Brian, Reference

ANGLES = [0, 45, 90, 135, 180]


@pytest.fixture(scope="module")
def line():
    """15 positions with 12 orientations, and a tuned pool."""
    return on.sheet(1, 15, 12, receptive_field=0, pool=3.0, pool_angle=45.0)


@pytest.mark.parametrize(
    ("pool", "key"),
    [
        (None, "mask angle tuning (c=.1,mask .2 at 0,45,90,135,180 deg from target)"),
        (0.15, "same, tuned pool norm_band .15"),
    ],
)
@pytest.mark.parametrize("engine", ["theory", Reference(dt=4e-4, progress=False)])
def test_golden_masks(pool, key, engine, laboratory):
    circuit = on.ring(36, pool=None if pool is None else on.weights.gaussian_pool(36, pool))
    found = on.experiments.mask_tuning(circuit, [0.0, 0.2], ANGLES, engine)
    at_peak = found.rate_y[..., 18]
    np.testing.assert_allclose(at_peak[1], laboratory[key], rtol=1e-8 if engine == "theory" else 1e-3)
    np.testing.assert_allclose(found.suppression[0], 0, atol=1e-9 if engine == "theory" else 1e-3)
    np.testing.assert_allclose(found.suppression[1], 1 - at_peak[1] / found.alone, rtol=1e-12)


def test_golden_orthogonal_masks(laboratory):
    golden = laboratory["mask R(c=.1; mask 0,.1,.2,.5)"]
    for angle in (180.0, 90.0, 10.0):  # at every angle of the test
        found = on.experiments.mask_tuning(on.ring(36), [0, 0.1, 0.2, 0.5], [180], "theory", test_angle=angle)
        unit = found.rate_y.attrs["preferred_unit"]
        assert unit == angle / 10
        np.testing.assert_allclose(found.rate_y[:, 0, unit], golden, rtol=1e-9)


def test_golden_surrounds(line, laboratory):
    found = on.experiments.surround_tuning(line, [0.5], ANGLES, "theory", radius=0)
    golden = laboratory["surround orientation tuning: suppression 1-R/R0 at 0,45,90,135,180"]
    np.testing.assert_allclose(found.suppression[0], golden, rtol=1e-7)
    assert found.rate_y.attrs["preferred_unit"] == 6 * 15 + 7


def test_surrounds_are_as_tuned_as_the_pool(line):
    uniform = on.sheet(1, 15, 12, receptive_field=0, pool=3.0)
    found = on.experiments.surround_tuning(uniform, [0.5], ANGLES, "theory", radius=0)
    np.testing.assert_allclose(found.suppression, found.suppression[0, 0], rtol=1e-9)
    far = on.experiments.surround_tuning(line, [0.5], ANGLES, "theory", radius=0, gap=4)
    near = on.experiments.surround_tuning(line, [0.5], ANGLES, "theory", radius=0, outer=4)
    assert (far.suppression < near.suppression).all()


@pytest.mark.parametrize("engine", [Reference, Brian])
def test_engines_agree_with_theory(line, engine):
    dense = line.replace(weights={"W": on.Dense(line.weights["W"].to_dense())})  # faster for so few units
    arguments = (dense, [0.5], [0, 180])
    found, theory = (
        on.experiments.surround_tuning(*arguments, e, radius=1) for e in (engine(dt=4e-4, duration=0.3), "theory")
    )
    xr.testing.assert_allclose(found.suppression, theory.suppression, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"masks": [-1]}, ValueError, "masks must be a list of numbers that are not negative"),
        ({"masks": [1], "test": -0.1}, ValueError, "test must be one contrast, 0 or larger, got -0.1"),
        ({"masks": [1], "test": [0.1]}, ValueError, "test must be one contrast, 0 or larger"),
        (
            {"masks": [1], "test_angle": np.nan},
            ValueError,
            "the angle of the test must be one number of degrees, got nan",
        ),
        ({"masks": [1], "angles": "x"}, TypeError, "angles must be a number or an array of numbers"),
    ],
)
def test_bad_masks(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.mask_tuning(**{"circuit": on.ring(n=9), "engine": "theory", **given})


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"circuit": on.ring(9)},
            ValueError,
            "the units of this circuit have no positions; make one .* organics_neuro.sheet",
        ),
        ({"circuit": 3}, TypeError, "circuit must be a circuit, got int"),
        ({"surrounds": [np.nan]}, ValueError, "surrounds must be finite"),
        ({"center": -1}, ValueError, "center must be one contrast, 0 or larger, got -1"),
        ({"radius": -1}, ValueError, "radius must be a number of positions, 0 or larger, got -1"),
        ({"outer": np.nan}, ValueError, "radius must be a number of positions, 0 or larger, got nan"),
    ],
)
def test_bad_surrounds(line, given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.surround_tuning(**{"circuit": line, "surrounds": [0.5], "engine": "theory", **given})


def test_a_test_without_response_has_no_suppression():
    found = on.experiments.mask_tuning(on.ring(9), [0.5], [180], "theory", test=0.0)
    assert np.isnan(found.suppression).all()
