"""Variability: golden variances, Fano factors and correlations, and simulated ones."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference
from tests.circuits import one_unit

CONTRASTS = [0.05, 0.1, 0.2, 0.5, 1.0]


def test_golden_variances(laboratory):
    contrasts = [0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0]
    for noise, key in (({"y": 1.0}, "Var(y)/eta^2 noise y"), ({"y": 1.0, "a": 1.0}, "noise y and a")):
        found = on.experiments.variability(one_unit(), contrasts, noise)
        np.testing.assert_allclose(found.variance[:, 0], laboratory[key], rtol=1e-9)
    assert np.isnan(found.fano[0])  # a unit that does not fire
    assert found.attrs["noise"] == "{'y': 1.0, 'a': 1.0}"


def test_golden_fano_factors(laboratory):
    """The golden numbers leave out what is below 0.25 Hz."""
    found = on.experiments.variability(one_unit(), CONTRASTS, {"y": 0.05})
    golden = laboratory["Fano factor (100 ms, 100 Hz, eta .05) c=.05,.1,.2,.5,1"]
    for k, contrast in enumerate(CONTRASTS):
        slow = on.theory.power_spectrum(one_unit(), [contrast], [0.1], {"y": 0.05})["y"].item()
        left_out = 100 * 0.1 * 4 * 2 * 0.25 * slow  # rate, time, (dr/dy)²/r, both signs of the frequency
        assert found.fano[k] - 1 == pytest.approx(golden[k] - 1 + left_out, rel=5e-3)


def test_golden_noise_correlations(laboratory):
    noise = {"y": 1e-3, "z": on.Noise(3e-3, tau=2e-3, shared=True)}
    found = on.experiments.variability(on.ring(36), CONTRASTS, noise)
    golden = laboratory["noise correlation of y18,y20 with common OU input noise eta 3e-3 (and var), c=.05,.1,.2,.5,1"]
    np.testing.assert_allclose(found.correlation[:, 18, 20], [row[0] for row in golden], rtol=1e-8)
    np.testing.assert_allclose(found.variance[:, 18], [row[1] for row in golden], rtol=1e-8)


def test_correlations_by_preferred_angle():
    found = on.experiments.variability(on.ring(12), [1.0], {"y": 1e-3})
    np.testing.assert_allclose(found.difference, np.arange(30, 181, 30))
    np.testing.assert_allclose(np.diagonal(found.correlation[0]), 1)
    near = found.correlation[0].values[np.arange(12), (np.arange(12) + 1) % 12].mean()
    assert found.correlation_by_angle[0, 0] == pytest.approx(near)
    assert (found.signal_by_angle.diff("difference")[:3] < 0).all()  # tuning curves of far units differ
    np.testing.assert_allclose(found.preferred_angle, np.arange(12) * 30)


def test_attention_quenches():
    """A gain on the drive does what contrast does."""
    noise = {"y": 1e-3}
    away = on.experiments.variability(one_unit(), [0.2], noise)
    attended = on.experiments.variability(one_unit(), [0.2], noise, stimulus={"b": [1.0]})
    more = on.experiments.variability(one_unit(), [0.4], noise)
    assert attended.variance < away.variance
    assert attended.variance.item() == pytest.approx(more.variance.item())


def test_simulation_agrees_with_theory():
    noise = {"y": 1e-3, "z": on.Noise(3e-3, tau=2e-3, shared=True)}
    engine = Reference(dt=5e-4, method="heun", duration=4.0, trials=32, seed=2, progress=False)
    pair = on.Circuit("two_type", size=2, tau_a=2e-3)
    arguments = {"contrasts": [0.5], "noise": noise, "stimulus": [1.0, 0.8]}
    found = on.experiments.variability(pair, engine=engine, **arguments)
    expected = on.experiments.variability(pair, **arguments)
    np.testing.assert_allclose(found.variance, expected.variance, rtol=0.1)
    assert found.correlation[0, 0, 1].item() == pytest.approx(expected.correlation[0, 0, 1].item(), abs=0.08)
    assert found.fano.item() - 1 == pytest.approx(expected.fano.item() - 1, rel=0.25)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"noise": None}, "without noise nothing varies; give noise"),
        ({"state": "q"}, "unknown state 'q'"),
        ({"output": "q"}, "unknown output 'q'"),
        ({"time": 0}, "time must be"),
    ],
)
def test_bad_input(given, message):
    arguments = {"circuit": one_unit(), "contrasts": [0.5], "noise": {"y": 1e-3}, **given}
    with pytest.raises(ValueError, match=message):
        on.experiments.variability(**arguments)
