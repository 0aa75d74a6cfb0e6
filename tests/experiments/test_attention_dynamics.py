"""Attention that comes on: where responses end, and that both gains together leave the steady state as it is."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference

ENGINE = Reference(dt=5e-4, method="rk4", duration=0.15, progress=False)


def test_where_the_response_ends():
    found = on.experiments.attention_dynamics(on.ring(9), [0.1, 0.5], ENGINE, delay=0.15)
    steady = on.experiments.attention(on.ring(9), [0.1, 0.5, 1.0], "theory")
    unit = found.attrs["measured_unit"]
    for column, where in (("before", "away"), ("after", "attended")):
        expected = steady.rate_y.sel(attention=where, contrast=[0.1, 0.5]).isel(unit=unit)
        np.testing.assert_allclose(found[column], expected, rtol=2e-3)
    assert (found.latency > 0).all()
    assert found.latency[1] < found.latency[0]  # faster at high contrast
    assert (found.peak > 1).all()


def test_gains_of_drive_and_pool_together():
    """The steady state stays (A1): there is a transient, and no change in the end."""
    found = on.experiments.attention_dynamics(on.ring(9), [0.5], ENGINE, gains=["b", "b0"], delay=0.15)
    np.testing.assert_allclose(found.after, found.before, rtol=1e-3)
    assert np.isnan(found.latency).all()
    assert found.response.max() > 1.05 * found.before.item()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"contrasts": [0]}, "contrasts must be above 0"),
        ({"gains": ["q"]}, "unknown parameter in gains 'q'"),
        ({"signal": "q"}, "unknown state|unknown signal 'q'"),
        ({"engine": "theory"}, "the engine theory cannot simulate"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        on.experiments.attention_dynamics(**{"circuit": on.ring(9), "contrasts": [0.5], "engine": ENGINE, **given})
