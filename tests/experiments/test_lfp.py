"""The LFP proxy: its linear part against a simulated potential, and how it changes with contrast."""

import numpy as np
import pytest
from scipy.signal import welch

import organics_neuro as on
from organics_neuro.core.drives import drives
from tests.circuits import one_unit

NOISE = {"y": 1e-3, "z": on.Noise(1e-3, tau=5e-3, shared=True)}


def test_the_potential_of_a_unit():
    """|b z| + |(1 - sqrt a) y| at the steady state, and its spectrum from that of y and a."""
    found = on.experiments.lfp(one_unit(), [1.0], {"y": 1e-3}, resolution=10.0)
    state = on.theory.fixed_point(one_unit(), [1.0]).state
    y, root = state["y"].item(), np.sqrt(state["a"].item())
    assert found.level.item() == pytest.approx(0.5 + (1 - root) * y)
    spectrum = on.theory.power_spectrum(one_unit(), [1.0], found.frequency.values, {"y": 1e-3})
    expected = spectrum.project({"y": 1 - root, "a": -y / (2 * root)})
    np.testing.assert_allclose(found.power[0], expected, rtol=1e-6)
    assert found.attrs["potential"] == "abs(b * z) + abs((1 - sqrt(relu(a))) * recurrence)"


def test_contrast_takes_low_frequencies_and_brings_gamma():
    found = on.experiments.lfp(on.ring(12), [0.1, 0.3, 1.0], NOISE)
    assert (np.diff(found.low) < 0).all()
    at = found.power.isel(contrast=2)
    top = at.sel(frequency=slice(20, None)).idxmax("frequency").item()
    assert 45 < top < 65
    assert at.sel(frequency=top) > 2 * at.sel(frequency=10)


def test_a_simulated_potential():
    circuit = one_unit()
    engine = on.engines.Reference(dt=5e-4, method="heun", seed=0, progress=False)
    trace = on.simulate(circuit, np.full((32, 1), 0.5), 2.5, engine, noise={"y": 1e-3}, record=["y", "a"])
    y, a = trace["y"][1000:, :, 0], trace["a"][1000:, :, 0]
    frequency, power = welch(0.25 + np.abs((1 - np.sqrt(a)) * y), 2000, nperseg=200, axis=0)
    found = on.experiments.lfp(circuit, [0.5], {"y": 1e-3}, resolution=10.0, highest=100.0)
    expected = found.power[0].sel(frequency=slice(20, 100)).values
    np.testing.assert_allclose(power.mean(axis=1)[2:11] / 2, expected, rtol=0.2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"noise": None}, "without noise the potential does not fluctuate"),
        ({"weights": [1.0, 2.0]}, r"weights must have the shape \(1,\)"),
        ({"state": "q"}, "unknown state 'q'"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        on.experiments.lfp(**{"circuit": one_unit(), "contrasts": [0.5], "noise": {"y": 1e-3}, **given})


def test_drives_that_are_not_known():
    with pytest.raises(ValueError, match="the drives of 'z' are not known"):
        drives(on.MODELS["cornn"], "z")
