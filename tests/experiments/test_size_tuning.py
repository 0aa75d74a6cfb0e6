"""Size tuning: golden suppression, its trends with contrast, and engines against each other."""

import numpy as np
import pytest
import xarray as xr

import organics_neuro as on
from organics_neuro.engines import Brian, Reference

CONTRASTS = (0.1, 0.3, 1.0)


@pytest.fixture(scope="module")
def line():
    return on.sheet(1, 81, receptive_field=1.5, pool=5.0)


def test_golden(line, laboratory):
    found = on.experiments.size_tuning(line, range(31), CONTRASTS, "theory")
    golden = [laboratory[f"size tuning c={c}: peak half-width, SI, R(peak)"] for c in CONTRASTS]
    np.testing.assert_array_equal(found.peak_radius, [row[0] for row in golden])
    np.testing.assert_allclose(found.suppression_index, [row[1] for row in golden], rtol=1e-7)
    np.testing.assert_allclose(found.rate_y[..., 40].max("radius"), [row[2] for row in golden], rtol=1e-7)
    np.testing.assert_allclose(found.dog_r2[:2], [0.961, 0.975], atol=1e-3)
    assert found.dog_r2[2] > laboratory["  DoG r2"]  # several starts find a better fit than one does
    assert (found.rog_r2 > 0.998).all()
    assert (found.rog_width < found.rog_surround).all()


def test_suppression_grows_with_contrast(line):
    found = on.experiments.size_tuning(line, range(25), np.geomspace(0.03, 1, 6), "theory")
    assert (np.diff(found.suppression_index) > 0).all()
    assert (np.diff(found.peak_radius) <= 0).all()


def test_discs_in_two_dimensions():
    circuit = on.sheet(17, 17, receptive_field=1.0, pool=3.0)
    found = on.experiments.size_tuning(circuit, np.arange(0, 8, 0.5), [0.1, 1.0], "theory")
    assert found.rate_y.attrs["preferred_unit"] == 8 * 17 + 8
    assert (found.suppression_index > 0.3).all()
    rates = found.rate_y.values.reshape(2, 16, 17, 17)
    np.testing.assert_allclose(rates, rates.swapaxes(-1, -2), rtol=1e-9)  # a disc is as high as it is wide


def test_annuli(line):
    """The smaller the hole, the larger the response at its middle; nothing is fitted."""
    found = on.experiments.size_tuning(line, range(10), [0.3], "theory", shape="annulus")
    assert "peak_radius" not in found
    assert (np.diff(found.rate_y[0, :, 40]) < 0).all()
    assert found.attrs["shape"] == "annulus"


@pytest.mark.parametrize("engine", [Reference(dt=4e-4, progress=False), Brian(dt=4e-4)])
def test_engines_agree_with_theory(engine, line):
    found, theory = (on.experiments.size_tuning(line, range(0, 20, 2), [0.1, 1], e) for e in (engine, "theory"))
    xr.testing.assert_allclose(found.suppression_index, theory.suppression_index, rtol=5e-3)
    xr.testing.assert_allclose(found.rate_y, theory.rate_y, rtol=5e-3, atol=1e-6)


def test_few_radii_have_no_fit(line):
    found = on.experiments.size_tuning(line, [1, 5], [1.0], "theory")
    assert "rog_width" not in found
    assert found.suppression_index.item() > 0


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"circuit": on.ring(9)}, ValueError, "the units of this circuit have no positions"),
        ({"radii": [-1]}, ValueError, "radius must be a number of positions, 0 or larger, got -1"),
        ({"radii": 3}, ValueError, "radii must be a list of numbers, got 3"),
        ({"radii": []}, ValueError, "radii must be a list of numbers"),
        ({"shape": "bar"}, ValueError, "unknown shape 'bar'; known: 'disc', 'annulus'"),
        ({"contrasts": []}, ValueError, "contrasts must be a list"),
    ],
)
def test_bad_input(line, given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.size_tuning(**{"circuit": line, "radii": [1, 2], "engine": "theory", **given})
