"""Orientation tuning: golden widths, contrast invariance, and engines against each other."""

import numpy as np
import pytest
import xarray as xr

import organics_neuro as on
from organics_neuro.engines import Brian, Reference
from tests.circuits import make_main


def tuned_ring():
    return on.ring(36, pool=on.weights.gaussian_pool(36, 0.15))


def plain_ring():
    """The ring without recurrence between units: the same fixed points, in closed form."""
    return on.ring(36).replace(weights={"W_r": on.Circulant([1.0, *[0] * 35])})


def test_golden_von_mises(laboratory):
    found = on.experiments.orientation_tuning(plain_ring(), [0.05, 1.0], np.arange(0, 360), engine="theory")
    for k, contrast in enumerate((0.05, 1.0)):
        golden = laboratory[f"von Mises fit c={contrast} (A,kappa)"]
        np.testing.assert_allclose([found.amplitude[k], found.kappa[k]], golden, rtol=1e-6)
    np.testing.assert_allclose(found.preferred, 180, atol=1e-4)


def test_the_width_does_not_depend_on_contrast():
    """2 arccos(2^(-1/36)): the drive is a power 18 of a cosine of half of the angle, and the rate its square."""
    angles = np.arange(120, 245, 5)
    found = on.experiments.orientation_tuning(on.ring(36), [0.01, 0.05, 0.2, 1], angles, engine="theory")
    np.testing.assert_allclose(found.half_width, found.half_width[0].item(), rtol=1e-12)
    assert found.half_width[0].item() == pytest.approx(np.rad2deg(2 * np.arccos(2 ** (-1 / 36))), abs=2e-3)
    fine = on.experiments.orientation_tuning(plain_ring(), [1], np.arange(0, 360), engine="theory")
    assert fine.half_width.item() == pytest.approx(22.4148, abs=1e-4)


def test_a_tuned_pool_breaks_invariance(laboratory):
    found = on.experiments.orientation_tuning(tuned_ring(), [0.01, 0.2, 1], np.arange(150, 211, 2), engine="theory")
    np.testing.assert_allclose(found.half_width, laboratory["HWHM tuned pool"], atol=4e-3)


@pytest.mark.parametrize("engine", [Reference(dt=4e-4, duration=0.4, progress=False), Brian(dt=4e-4, duration=0.4)])
def test_engines_agree_with_theory(engine):
    angles = np.arange(0, 360, 30)
    arguments = (tuned_ring(), [0.1, 1], angles)
    found, theory = (on.experiments.orientation_tuning(*arguments, engine=e) for e in (engine, "theory"))
    xr.testing.assert_allclose(found[["rate_y"]], theory[["rate_y"]], rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(found.kappa, theory.kappa, rtol=1e-2)


def test_what_the_dataset_says():
    found = on.experiments.orientation_tuning(on.ring(12), [0.5], engine="theory")
    assert found.rate_y.dims == ("contrast", "angle", "unit")
    np.testing.assert_allclose(found.preferred_angle, np.arange(12) * 30)
    assert found.preferred_angle.attrs["units"] == "degree"
    assert found.rate_y.attrs["preferred_unit"] == 6
    assert found.attrs["engine"] == "Theory()"
    assert found.half_width.attrs == {"long_name": "half of the width at half of the height", "units": "degree"}


def test_every_unit_has_the_same_curve():
    """On a ring, the response of unit i to an angle is that of unit 0 to the angle less its own."""
    angles = np.arange(0, 360, 30)
    rates = on.experiments.orientation_tuning(on.ring(12), [0.3], angles, engine="theory").rate_y.values[0]
    for unit in range(12):
        np.testing.assert_allclose(np.roll(rates[:, unit], -unit), rates[:, 0], atol=1e-12)


def test_angles_are_those_that_the_encoder_knows():
    circuit = on.sheet(3, 3, 9)  # 36 angles
    found = on.experiments.orientation_tuning(circuit, [1], [0, 14, 95], engine="theory")
    np.testing.assert_allclose(found.angle, [0, 10, 90])
    default = on.experiments.orientation_tuning(circuit, [1], engine="theory")
    np.testing.assert_allclose(default.angle, np.arange(36) * 10)
    unit = default.rate_y.attrs["preferred_unit"]
    assert (
        default.preferred_angle[unit].item() == 160
    )  # units prefer multiples of 40°, and 160 is the first next to 180
    assert (default.position_y[unit], default.position_x[unit]) == (1, 1)


def test_a_joined_circuit_needs_a_function_of_the_angle():
    ring = on.ring(12)
    pair = on.join({"v1": ring, "v2": on.ring(12)}, [on.Coupling("v2.z", np.eye(12), "v1: y")])

    def stimulus(angle):
        return {"v1.z": on.stimuli.drive(ring, on.stimuli.grating(ring, angle))}

    found = on.experiments.orientation_tuning(pair, [1], engine="theory", stimulus=stimulus)
    assert found["v2.rate_y"].dims == ("contrast", "angle", "v2_unit")
    assert found.sizes["angle"] == 36
    with pytest.raises(ValueError, match="give stimulus as a dictionary of inputs: a joined circuit"):
        on.experiments.orientation_tuning(pair, [1], engine="theory")


def test_a_circuit_that_does_not_respond():
    found = on.experiments.orientation_tuning(on.ring(9), [0.0, 1.0], engine="theory")
    assert np.isnan(found.kappa[0])
    assert np.isfinite(found.kappa[1])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"contrasts": [-1]}, ValueError, "contrasts must be a list of numbers that are not negative"),
        ({"angles": [[1, 2]]}, ValueError, "angles must be a list of numbers"),
        ({"angles": []}, ValueError, "angles must be a list of numbers"),
        ({"angles": "all"}, TypeError, "angles must be a number or an array of numbers, got 'all'"),
        ({"stimulus": [1.0]}, TypeError, "stimulus must be a function of the angle, got"),
        ({"circuit": "ring"}, TypeError, "circuit must be a circuit, got str"),
        ({"engine": "nest"}, ValueError, "unknown engine 'nest'"),
        ({"circuit": on.join({"e": make_main()}, [])}, ValueError, "give stimulus as a dictionary of inputs"),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.orientation_tuning(**{"circuit": on.ring(n=9), "contrasts": [0.5], "engine": "theory", **given})
