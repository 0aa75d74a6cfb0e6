"""Plaids: golden weights of least squares, and what must hold for any circuit."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference

MASKS = [0.06, 0.12, 0.25, 0.5]


def test_golden_weights(laboratory):
    found = on.experiments.plaids(on.ring(36), MASKS, "theory")
    golden = np.array(laboratory["winner-take-all weights (target .12; mask .06,.12,.25,.5)"])
    np.testing.assert_allclose(found.weight_test, golden[:, 0], rtol=1e-7)
    np.testing.assert_allclose(found.weight_mask, golden[:, 1], rtol=1e-7)
    np.testing.assert_allclose(found.explained, 1, rtol=1e-6)  # gratings that do not overlap: the plaid is their sum


def test_simulation_agrees_with_theory():
    engine = Reference(duration=0.2, dt=2e-4, window=0.05, progress=False)
    found = on.experiments.plaids(on.ring(12), [0.12, 0.5], engine)
    expected = on.experiments.plaids(on.ring(12), [0.12, 0.5], "theory")
    np.testing.assert_allclose(found.weight_mask, expected.weight_mask, rtol=1e-3)


def test_without_a_mask_its_weight_is_not_known():
    found = on.experiments.plaids(on.ring(12), [0, 0.1], "theory", test=0.1)
    assert np.isnan(found.weight_mask[0])
    assert found.weight_mask[1] == pytest.approx(found.weight_test[1].item())  # as strong as the test


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"masks": [-1]}, "masks must be a list of numbers that are not negative"),
        ({"test": -1}, "test must be one contrast, 0 or larger"),
        ({"output": "q"}, "unknown output 'q'"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        on.experiments.plaids(**{"circuit": on.ring(9), "masks": [0.1], "engine": "theory", **given})
