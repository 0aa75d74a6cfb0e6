"""Experiments on circuits that are joined, gated, or swept over, and their plots."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference
from tests.circuits import make_chain, make_gated

ENGINE = Reference(duration=0.05, dt=2e-4, progress=False)
NOISE = {"y": 1e-3}


@pytest.fixture(scope="module")
def areas():
    """Two rings, the first of which drives the second."""
    ring = on.ring(12)
    return on.hierarchy({"v1": ring, "v2": ring}, on.Coupling("z", 1.0, "y"))


@pytest.fixture(scope="module")
def shown():
    return on.stimuli.drive(on.ring(12), on.stimuli.grating(on.ring(12)))


def test_an_area_that_another_hears_is_as_it_is_alone(areas, shown):
    stimulus, noise = {"v1.z": shown}, {"v1.y": 1e-3}
    found = on.experiments.gamma(areas, [0.4, 1], noise, stimulus=stimulus, resolution=5)
    alone = on.experiments.gamma(on.ring(12), [0.4, 1], NOISE, resolution=5)
    np.testing.assert_allclose(found.peak_frequency, alone.peak_frequency, rtol=1e-6)
    contrasts = [0, 0.1, 0.2, 0.5, 1]
    found = on.experiments.contrast_discrimination(areas, contrasts, noise, stimulus=stimulus)
    alone = on.experiments.contrast_discrimination(on.ring(12), contrasts, NOISE)
    np.testing.assert_allclose(found.threshold, alone.threshold, rtol=1e-6)
    found = on.experiments.step_response(areas, [1.0], ENGINE, stimulus=stimulus)
    alone = on.experiments.step_response(on.ring(12), [1.0], ENGINE)
    np.testing.assert_allclose(found.response, alone.response, atol=1e-9)
    later = on.experiments.step_response(areas, [1.0], ENGINE, stimulus=stimulus, signal="v2.y", unit=6)
    assert later.latency > found.latency


def test_gated_circuits():
    """They have no preferred angles: what an angle means is given."""

    def stimulus(angle):
        return [1 + np.cos(np.deg2rad(angle)), 1 + np.sin(np.deg2rad(angle)), 1.0]

    circuit = make_gated(n=4, inputs=3)
    found = on.experiments.orientation_tuning(circuit, [1], range(0, 360, 45), "theory", stimulus=stimulus)
    assert found.rate_y.shape == (1, 8, 4)
    assert "preferred_angle" not in found.coords
    best = found.rate_y.max("angle").values[0]
    assert found.rate_y.attrs["preferred_unit"] == best.argmax()
    steps = on.experiments.step_response(circuit, [1], ENGINE, stimulus=[1, 0, 0])
    assert steps.latency > 0


@pytest.mark.parametrize(
    ("name", "arguments", "along"),
    [
        ("gamma", {"contrasts": [0.4, 1], "noise": NOISE, "resolution": 10.0}, "frequency"),
        ("orientation_tuning", {"contrasts": [0.2], "engine": "theory"}, "angle"),
        ("attention", {"contrasts": [0.03, 0.1, 0.3, 1], "engine": "theory"}, "contrast"),
        ("step_response", {"contrasts": [1.0], "engine": ENGINE}, "time"),
    ],
)
def test_sweeps_and_their_plots(name, arguments, along, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    grid = {"sigma": [0.1, 0.2]}
    swept = on.experiments.sweep(name, on.ring(12), grid, tmp_path, 1, progress=False, **arguments)
    assert swept.sizes["sigma"] == 2
    ax = getattr(on.plotting, name)(swept)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any("sigma 0.1" in label for label in labels)
    assert any("sigma 0.2" in label for label in labels)
    assert along in swept.dims
    matplotlib.pyplot.close("all")


def test_outputs_with_weights_have_channels():
    """An output that weights read has an axis of its own beside that of the units."""
    found = on.experiments.contrast_response(make_chain(), [0.1, 0.5], engine="theory", stimulus=[1.0, 0.5, 0.2, 0.1])
    assert found.rate_r.dims == ("mask", "contrast", "unit")
    assert found.lfp.dims == ("mask", "contrast", "lfp_channel")
    assert found.lfp.shape[-1] == 2
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = on.plotting.contrast_response(found, output="lfp", unit=1)
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), found.lfp[0, :, 1])
    matplotlib.pyplot.close("all")
