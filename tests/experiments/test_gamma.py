"""Gamma: golden peaks and widths of theory, and simulated spectra."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference
from tests.circuits import one_unit

CONTRASTS = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_golden_peaks(laboratory):
    for noise, key in (({"y": 1e-3}, "(noise y) c=.2,.4,.6,.8,1"), ({"y": 1e-3, "a": 1e-3}, "(noise y,a)")):
        found = on.experiments.gamma(one_unit(), CONTRASTS, noise)
        np.testing.assert_allclose(found.peak_frequency, laboratory[f"gamma peaks {key}"], atol=0.06)


def test_golden_bandwidths(laboratory):
    found = on.experiments.gamma(one_unit(), CONTRASTS[1:], {"y": 1e-3})
    np.testing.assert_allclose(found.bandwidth, laboratory["gamma FWHM Hz c=.4,.6,.8,1"], atol=0.2)  # of samples
    np.testing.assert_allclose(found.quality, found.peak_frequency / found.bandwidth)


def test_no_peak_at_low_contrast():
    found = on.experiments.gamma(one_unit(), [0.02, 0.05, 0.5], {"y": 1e-3})
    assert np.isnan(found.peak_frequency[:2]).all()
    assert np.isfinite(found.peak_frequency[2])


def test_the_peak_follows_from_the_closed_form(reference):
    found = on.experiments.gamma(one_unit(), CONTRASTS, {"y": 1e-3})
    rows = {row["c"]: row["f_peak_ynoise"] for row in reference["gamma_vs_contrast_1unit"]}
    np.testing.assert_allclose(found.peak_frequency, [rows[c] for c in CONTRASTS], atol=0.02)


def test_signals_of_a_ring():
    """The resonance is in the sum that is weighted by the drive, and hidden in the mean."""
    found = on.experiments.gamma(on.ring(12), [0.4, 1], {"y": 1e-3}, resolution=2)
    one = on.experiments.gamma(one_unit(), [0.4, 1], {"y": 1e-3}, resolution=2)
    np.testing.assert_allclose(found.peak_frequency, one.peak_frequency, rtol=1e-3)
    mean = on.experiments.gamma(on.ring(12), [0.2, 0.4], {"y": 1e-3}, resolution=2, signal="mean")
    assert np.isnan(mean.peak_frequency).all()
    assert list(mean.data_vars)[0] == "mean"
    assert found.attrs["noise"] == "{'y': 0.001}"


def test_three_types_peak_higher():
    """58.25 and 84.5 Hz with noise in y (alpha = 1, sigma = .07)."""
    circuit = on.Circuit("three_type", size=1, sigma=0.07)
    found = on.experiments.gamma(circuit, [0.3, 1.0], {"y": 1e-3}, resolution=0.25)
    np.testing.assert_allclose(found.peak_frequency, [58.25, 84.5], atol=0.13)


def test_simulation_agrees_with_theory():
    engine = Reference(dt=5e-4, method="heun", duration=4.0, trials=32, seed=1, progress=False)
    found = on.experiments.gamma(one_unit(), [1.0], {"y": 1e-3}, engine, resolution=4)
    assert found.peak_frequency.item() == pytest.approx(56.4, abs=4)
    assert found.bandwidth.item() == pytest.approx(40.7, rel=0.25)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"signal": "lfp"}, ValueError, "unknown signal 'lfp'; known: 'coherent', 'mean'"),
        ({"state": "q"}, ValueError, "unknown state 'q'"),
        ({"resolution": 0}, ValueError, "resolution must be one frequency above 0"),
        ({"noise": {"q": 1}}, ValueError, "'q'"),
    ],
)
def test_bad_input(given, error, message):
    arguments = {"circuit": on.ring(9), "contrasts": [1], "noise": {"y": 1e-3}, "resolution": 20, **given}
    with pytest.raises(error, match=message):
        on.experiments.gamma(**arguments)
