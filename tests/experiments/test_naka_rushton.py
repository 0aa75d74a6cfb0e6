"""The Naka-Rushton function and its fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import organics_neuro as on
from organics_neuro.experiments import fit_naka_rushton, naka_rushton

CONTRASTS = np.geomspace(0.01, 1, 12)


def test_closed_forms():
    assert naka_rushton(0, 2, 0.3, 2) == 0
    assert naka_rushton(0.3, 2, 0.3, 5) == 1
    assert naka_rushton(0.1, 1, 0.2, 1) == pytest.approx(1 / 3)
    assert naka_rushton(1, 1, 0.5, 2) == pytest.approx(0.8)
    assert naka_rushton(1e-3, 1, 0.5, 300) == 0


@settings(max_examples=100, deadline=None)
@given(r_max=st.floats(1e-3, 1e3), c50=st.floats(0.03, 0.6), exponent=st.floats(0.7, 5))
def test_fit_recovers_the_parameters(r_max, c50, exponent):
    found = fit_naka_rushton(CONTRASTS, naka_rushton(CONTRASTS, r_max, c50, exponent))
    assert found == pytest.approx({"r_max": r_max, "c50": c50, "exponent": exponent}, rel=1e-4)


def test_fit_leaves_out_zero_contrast():
    contrast = np.array([0, *CONTRASTS])
    assert fit_naka_rushton(contrast, naka_rushton(contrast, 1, 0.1, 2))["c50"] == pytest.approx(0.1)


def test_fit_of_the_ring(reference):
    """Its contrast response is a Naka-Rushton function with exponent 2."""
    golden = reference["crf"]
    dataset = on.experiments.contrast_response(on.ring(), golden["c"], engine="theory")
    found = fit_naka_rushton(golden["c"], dataset.rate_y[0, :, 18])
    expected = {"r_max": golden["Rmax_formula"], "c50": golden["c50_formula"], "exponent": 2}
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("contrast", "rate", "message"),
    [
        ([0, 0.1, 1], [0, 1, 2], "at least three contrasts above 0 and as many rates, got the shapes"),
        ([0.1, 0.5, 1], [0, 0, 0], "no response is above 0"),
        ([0.1, 0.5, 1], [0, np.nan, 1], "one is not finite"),
        ([0.1, 0.5, 1], [1, 2], "as many rates"),
        ([[0.1, 0.5, 1]], [[1, 2, 3]], "as many rates"),
        ([0.1, np.nan, 0.5, 1], [1, 2, 3, 4], r"contrast must be finite, but holds nan at index \(1,\)"),
        ([0.1, 0.5, 1], ["low", 2, 3], "rate must be a number or an array of numbers, got 'low'"),
    ],
)
def test_bad_input(contrast, rate, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit_naka_rushton(contrast, rate)


def test_responses_without_a_fit():
    with pytest.raises(on.errors.ConvergenceError, match="no Naka-Rushton function was found for these responses"):
        fit_naka_rushton([0.1, 0.5, 1], [0, 0, 1])
