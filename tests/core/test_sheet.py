"""Sheets: where units are, what they see, and spatial normalization against golden numbers."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core import stimuli


def rates(circuit, shown):
    return on.theory.fixed_point(circuit, stimuli.drive(circuit, shown)).state["y"] ** 2


def test_golden_size_tuning(laboratory):
    line = on.sheet(1, 81, receptive_field=1.5, pool=5.0)
    for contrast in (0.1, 0.3, 1.0):
        found = rates(line, [stimuli.patch(line, radius, contrast=contrast) for radius in range(31)])[:, 40]
        peak, index, largest = laboratory[f"size tuning c={contrast}: peak half-width, SI, R(peak)"]
        assert found.argmax() == peak
        assert 1 - found[-1] / found.max() == pytest.approx(index, rel=1e-7)
        assert found.max() == pytest.approx(largest, rel=1e-7)


def test_golden_surround_orientation_tuning(laboratory):
    circuit = on.sheet(1, 15, 12, receptive_field=0, pool=3.0, pool_angle=45.0)
    found = stimuli.preferred(circuit)
    (unit,) = np.flatnonzero((found["x"] == 7) & (found["angle"] == 180))
    center = stimuli.patch(circuit, 0, 180, 0.3)
    around = [stimuli.patch(circuit, np.inf, 180 + angle, 0.5, inner=0) for angle in (0, 45, 90, 135, 180)]
    suppression = 1 - rates(circuit, center + np.array(around))[:, unit] / rates(circuit, center)[unit]
    golden = laboratory["surround orientation tuning: suppression 1-R/R0 at 0,45,90,135,180"]
    np.testing.assert_allclose(suppression, golden, rtol=1e-7)


def test_order_of_the_units():
    """The index of a unit is (o height + y) width + x."""
    circuit = on.sheet(5, 4, 9, receptive_field=0)
    found = stimuli.preferred(circuit)
    index = tuple(np.round(found[name] / step).astype(int) for name, step in (("angle", 40), ("y", 1), ("x", 1)))
    order = np.ravel_multi_index(index, (9, 5, 4))
    np.testing.assert_array_equal(order, range(180))
    z = stimuli.drive(circuit, stimuli.patch(circuit, 0, angle=80, center=(3, 1)))
    assert z.argmax() == (2 * 5 + 3) * 4 + 1
    assert (np.flatnonzero(z > 1e-12) % 20 == 3 * 4 + 1).all()


def test_full_field_gratings():
    circuit = on.sheet(7, 7, 9, boundary="wrap")
    grating = stimuli.grating(circuit, 120, 0.4)
    np.testing.assert_array_equal(grating, stimuli.patch(circuit, np.inf, 120, 0.4))
    z = stimuli.drive(circuit, grating).reshape(9, 49)
    np.testing.assert_allclose(z, np.repeat(z[:, :1], 49, axis=1), rtol=1e-12)  # receptive fields sum to 1 everywhere
    assert z[:, 0].argmax() == 3
    assert np.sum(z[:, 0] ** 2) == pytest.approx(0.4**2)


def test_a_uniform_pool_makes_a_sheet_of_rings():
    """Full field on a torus, each position normalizes as a ring does."""
    circuit = on.sheet(5, 5, 9, boundary="wrap")
    ring = on.Circuit("two_type", size=9, tau_a=2e-3)
    z = on.weights.ring_encoder(9, 36)[:, 18] * 0.3
    expected = on.theory.fixed_point(ring, z).state["y"] ** 2
    found = rates(circuit, stimuli.grating(circuit, 180, 0.3)).reshape(9, 25)
    np.testing.assert_allclose(found, np.repeat(expected[:, None], 25, axis=1), rtol=1e-10)


def test_annulus_and_disc_make_the_whole():
    circuit = on.sheet(9, 11)
    disc, annulus = stimuli.patch(circuit, 2.5), stimuli.patch(circuit, 4, inner=2.5)
    np.testing.assert_array_equal(disc + annulus, stimuli.patch(circuit, 4))
    shown = disc.reshape(9, 11)
    assert shown[4, 5] == shown[2, 4] == 1
    assert shown[4, 8] == 0


def test_preferences_of_other_circuits():
    np.testing.assert_allclose(stimuli.preferred(on.ring(12, angles=360))["angle"], np.arange(12) * 30)
    np.testing.assert_allclose(stimuli.preferred(on.Circuit("two_type", size=4))["angle"], [0, 90, 180, 270])
    assert set(stimuli.preferred(on.sheet(3, 3))) == {"y", "x"}
    assert stimuli.preferred(on.join({"a": on.ring(9)}, [])) == {}


def test_a_sheet_in_files(tmp_path):
    circuit = on.sheet(5, 6, 9, model="two_type_rectified", sigma=0.2)
    circuit.save(tmp_path / "sheet.safetensors")
    loaded = on.load(tmp_path / "sheet.safetensors")
    assert loaded.key == circuit.key
    assert loaded.parameters["sigma"] == 0.2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"height": 0}, "height must be a positive integer, got 0"),
        ({"orientations": 4}, "orientations = 4 must be 1, or at least 9"),
        ({"receptive_field": -1}, "receptive_field must be 0 or larger, got -1"),
        ({"pool": 0}, "pool must be a number larger than 0, got 0"),
        ({"orientations": 9, "pool_angle": 0}, "pool_angle must be a number of degrees larger than 0, got 0"),
        ({"boundary": "mirror"}, "boundary must be 'wrap' or 'zero', got 'mirror'"),
        ({"model": "gated"}, "model 'gated' cannot be put on a sheet"),
    ],
)
def test_bad_sheets(given, message):
    with pytest.raises(ValueError, match=message):
        on.sheet(**{"height": 5, "width": 5, **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"radius": -1}, "radius must be a number of positions, 0 or larger, got -1"),
        ({"radius": np.nan}, "radius must be a number of positions, 0 or larger, got nan"),
        ({"radius": 2, "center": (1, np.inf)}, "center must be two numbers"),
        ({"radius": 2, "center": (1,)}, "center must be two numbers"),
        ({"radius": 2, "inner": "1"}, "inner must be a number of positions, got '1'"),
        ({"circuit": on.ring(9), "radius": 2}, "this circuit has no positions, .* organics_neuro.sheet"),
    ],
)
def test_bad_patches(given, message):
    with pytest.raises(ValueError, match=message):
        stimuli.patch(**{"circuit": on.sheet(5, 5), **given})
