"""Step response: golden latencies and overshoots, and engines against each other."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Brian, Reference
from tests.circuits import one_unit

CONTRASTS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]


@pytest.fixture(scope="module")
def steps():
    return on.experiments.step_response(
        one_unit(), CONTRASTS, Reference(method="rk4", dt=1e-4, duration=0.3, progress=False)
    )


def test_golden(steps, laboratory):
    """The golden times are samples of 0.05 ms, the first at which the level is passed."""
    np.testing.assert_allclose(1e3 * steps.latency, laboratory["t_half ms"], atol=0.06)
    overshoot = np.maximum(laboratory["overshoot"], 1.0)
    np.testing.assert_allclose(steps.overshoot, overshoot, atol=5e-4)
    assert np.isnan(steps.time_to_peak[:2]).all()
    np.testing.assert_allclose(1e3 * steps.time_to_peak[2:], laboratory["t_peak ms"][2:], atol=0.1)
    assert steps.settled.all()


def test_latency_falls_with_contrast(steps, reference):
    assert (np.diff(steps.latency) < 0).all()
    expected = [row["t_half_ms"] for row in reference["onset_1unit"]]
    np.testing.assert_allclose(1e3 * steps.latency, expected, atol=0.02)


def test_where_it_settles(steps):
    point = on.theory.fixed_point(one_unit(), np.array(CONTRASTS)[:, None])
    np.testing.assert_allclose(steps.steady, point.state["y"][:, 0], rtol=1e-3)


def test_brian_makes_the_same_trace():
    arguments = (on.ring(9), [0.3, 1.0])
    found, expected = (
        on.experiments.step_response(*arguments, engine(dt=2e-4, duration=0.05)) for engine in (Brian, Reference)
    )
    np.testing.assert_allclose(found.response, expected.response, atol=1e-10)
    assert found.response.shape == (2, 251)
    assert found.attrs["measured_unit"] == 4  # 160 degrees is as close to 180 as 200


def test_an_output_of_another_unit():
    engine = Reference(dt=2e-4, duration=0.1, progress=False)
    found = on.experiments.step_response(on.ring(12), [1.0], engine, signal="rate_y", unit=7)
    rate = on.theory.fixed_point(on.ring(12), on.stimuli.contrast_series(on.ring(12), [1.0])).state["y"][0, 7] ** 2
    assert found.steady.item() == pytest.approx(rate, rel=1e-2)
    assert found.response.attrs["long_name"] == "firing rate of y"


def test_a_response_that_falls():
    """Units of negative drive: the response is described by its size."""
    engine = Reference(dt=2e-4, duration=0.1, progress=False)
    found, mirrored = (
        on.experiments.step_response(one_unit(), [0.5], engine, stimulus={"z": [sign]}) for sign in (-1.0, 1.0)
    )
    assert found.steady.item() == pytest.approx(-mirrored.steady.item())
    assert found.latency.item() == pytest.approx(mirrored.latency.item())


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"engine": "theory"}, ValueError, "the engine theory cannot simulate; use 'brian' or "),
        ({"contrasts": [0, 1]}, ValueError, "contrasts must be above 0, as there is no response to 0"),
        ({"signal": "q"}, ValueError, "unknown signal 'q'; known: 'y'"),
        ({"unit": 9}, ValueError, "unit = 9 must be from 0 to 8"),
    ],
)
def test_bad_input(given, error, message):
    engine = Reference(dt=1e-3, duration=0.02, window=0.01, progress=False)
    with pytest.raises(error, match=message):
        on.experiments.step_response(**{"circuit": on.ring(9), "contrasts": [1], "engine": engine, **given})
