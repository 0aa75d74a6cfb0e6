"""Reverse correlation: at low contrast the kernel is the tuning of the drive times the linear response."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference


def test_the_kernel_of_a_weak_stimulus():
    circuit = on.ring(9)
    engine = Reference(dt=1e-3, method="rk4", progress=False)
    arguments = {"strength": 0.01, "signal": "y", "frames": 80, "sequences": 32, "angles": np.arange(0, 360, 40)}
    found = on.experiments.reverse_correlation(circuit, engine, **arguments)
    drive = on.experiments.orientation_tuning(circuit, [0.01], arguments["angles"], "theory")
    tuning = np.sqrt(drive.rate_y[0, :, 4].values)
    assert np.corrcoef(found.tuning, tuning)[0, 1] > 0.98
    assert found.attrs["measured_unit"] == 4
    assert 0.015 < found.attrs["best_lag"] < 0.04  # the end of the frame and later: a slow circuit at low contrast
    strong = on.experiments.reverse_correlation(circuit, engine, **{**arguments, "strength": 1.0})
    assert strong.attrs["best_lag"] < found.attrs["best_lag"]
    assert np.abs(found.kernel[0]).max() < 0.2 * np.abs(found.tuning).max()  # nothing before the grating


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"unit": 9}, "unit = 9 must be from 0 to 8"),
        ({"frames": 5}, "frames = 5 must be more than twice the 5 frames"),
        ({"engine": "theory"}, "the engine theory cannot simulate"),
    ],
)
def test_bad_input(given, message):
    arguments = {"circuit": on.ring(9), "engine": "reference(dt=1e-3)", "frames": 12, "sequences": 2, **given}
    with pytest.raises(ValueError, match=message):
        on.experiments.reverse_correlation(**arguments)
