"""Stimuli: where a grating lies, and what the circuit makes of it."""

import numpy as np
import pytest
from brian2 import mV, nA

import organics_neuro as on
from tests.circuits import make_gated, make_joined, make_main, make_wilson_cowan
from tests.parity.circuits import make_cable


@pytest.mark.parametrize("angle", [0, 10, 180, 350])
def test_a_grating_drives_the_unit_that_prefers_it_most(angle):
    circuit = on.ring(n=36)
    stimulus = on.stimuli.grating(circuit, angle, contrast=0.3)
    assert stimulus.shape == (360,)
    assert np.flatnonzero(stimulus).tolist() == [angle]
    z = on.stimuli.drive(circuit, stimulus)
    assert z.argmax() == angle / 10
    assert np.sum(z**2) == pytest.approx(0.3**2)


@pytest.mark.parametrize("n", [7, 36, 50, 90, 100, 300])
def test_every_preferred_angle_is_that_of_its_unit(n):
    """Also where 360 i/n is a little smaller in floating point than it should be."""
    circuit = on.Circuit("two_type", size=n)
    assert [on.stimuli.grating(circuit, 360 * i / n).argmax() for i in range(n)] == list(range(n))


@pytest.mark.parametrize(("n", "angles"), [(36, 100), (50, 50), (100, 100), (50, 360)])
def test_every_preferred_angle_is_that_of_its_unit_on_a_ring(n, angles):
    circuit = on.ring(n, angles=angles)
    stimuli = [on.stimuli.grating(circuit, 360 * i / n) for i in range(n)]
    assert on.stimuli.drive(circuit, stimuli).argmax(axis=1).tolist() == list(range(n))


@pytest.mark.parametrize(("angle", "index"), [(360, 0), (-90, 27), (359.9, 35), (185, 18)])
def test_angles_wrap_around(angle, index):
    assert on.stimuli.grating(on.ring(n=36, angles=36), angle).argmax() == index


def test_without_an_encoder_the_stimulus_is_the_input():
    stimulus = on.stimuli.grating(make_main(n=4), angle=90, contrast=0.5)
    np.testing.assert_array_equal(stimulus, [0, 0.5, 0, 0])
    np.testing.assert_array_equal(on.stimuli.drive(make_main(n=4), stimulus), stimulus)
    assert on.stimuli.grating(make_wilson_cowan(n=3)).shape == (3,)
    np.testing.assert_allclose(on.stimuli.drive(make_cable(), [1, 2] * nA), [1e-9, 2e-9])  # in its unit
    with pytest.raises(on.errors.UnitError, match="stimulus = .* has the wrong unit; give a quantity in amp"):
        on.stimuli.drive(make_cable(), [1, 2] * mV)


def test_stimulus_of_a_gated_circuit_is_its_external_input():
    assert on.stimuli.grating(make_gated(n=4, inputs=3)).shape == (3,)


def test_a_plaid_is_the_sum_of_its_gratings():
    circuit = on.ring(n=12)
    plaid = on.stimuli.plaid(circuit, [0, 90, 90], [0.1, 0.2, 0.3])
    parts = [on.stimuli.grating(circuit, a, c) for a, c in zip([0, 90, 90], [0.1, 0.2, 0.3], strict=True)]
    np.testing.assert_allclose(plaid, np.sum(parts, axis=0))


def test_a_contrast_series_scales_one_drive():
    circuit, contrasts = on.ring(n=12), [0.0, 0.1, 1.0]
    series = on.stimuli.contrast_series(circuit, contrasts, angle=90)
    assert series.shape == (3, 12)
    np.testing.assert_allclose(series, np.outer(contrasts, series[-1]))
    np.testing.assert_array_equal(series[-1], circuit.weights["W_zx"].to_dense()[:, 90])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: on.stimuli.grating(c, contrast=-1), "contrasts must be a list of numbers that are not negative"),
        (lambda c: on.stimuli.grating(c, angle=np.nan), "angles must be finite"),
        (lambda c: on.stimuli.plaid(c, [0, 90], [1]), r"as many angles as contrasts, got shapes \(2,\) and \(1,\)"),
        (lambda c: on.stimuli.contrast_series(c, 0.5), "contrasts must be a list of numbers"),
        (lambda c: on.stimuli.contrast_series(c, []), r"contrasts must be a list of numbers .*, got \[\]"),
        (lambda c: on.stimuli.drive(c, np.ones(7)), r"stimulus has shape \(7,\), but its last axis must be the 360"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(on.ring(n=12))


def test_stimuli_are_made_for_one_circuit():
    with pytest.raises(TypeError, match=r"got JoinedCircuit; give a part: circuit\.parts\[name\]"):
        on.stimuli.grating(make_joined())
