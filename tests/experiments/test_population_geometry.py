"""Geometry of population responses: a ring of units, whose symmetry says what must come out."""

import numpy as np
import pytest

import organics_neuro as on


def test_a_ring_of_responses():
    found = on.experiments.population_geometry(on.ring(12), [0.05, 1.0], {"y": 1e-3}, angles=np.arange(0, 360, 30))
    ring = np.linalg.norm(found.projection[:, :, :2], axis=-1)
    np.testing.assert_allclose(ring, ring[:, :1] * np.ones(12), rtol=1e-9)  # every angle is as far from the mean
    assert (np.diff(ring[:, 0]) > 0).all()
    assert np.ptp(found.signal_dimension.values) < 1e-9  # contrast scales all responses alike
    np.testing.assert_allclose(found.information, found.information[:, :1] * np.ones(12), rtol=1e-6)
    assert (found.information[1] > found.information[0]).all()


def test_information_of_independent_noise():
    """f' C⁻¹ f' with a derivative by differences."""
    circuit, angles = on.ring(12), np.arange(0, 360, 30)
    found = on.experiments.population_geometry(circuit, [0.2], {"y": 1e-3}, angles=angles)
    z = np.array([on.stimuli.drive(circuit, on.stimuli.grating(circuit, a, 0.2)) for a in range(175, 186)])
    y = on.theory.fixed_point(circuit, z).state["y"]
    slope = (y[10] - y[0]) / 10
    covariance = on.theory.covariance(circuit, z[5], {"y": 1e-3})[:12, :12]
    assert found.information.sel(angle=180).item() == pytest.approx(
        slope @ np.linalg.solve(covariance, slope), rel=0.05
    )


def test_without_noise_there_is_the_signal_alone():
    found = on.experiments.population_geometry(on.ring(9), [0.2], angles=range(0, 360, 40))
    assert np.isfinite(found.signal_dimension).all()
    assert np.isnan(found.information).all()
    with pytest.raises(ValueError, match="angles must be at least three, got 2"):
        on.experiments.population_geometry(on.ring(9), [0.2], angles=[0, 90])
