"""Attention: gains of all units, and of a field, against golden numbers and closed forms."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Brian, Reference

CONTRASTS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
#: Positions of the line on which fields of attention are tested.
X = np.arange(-40, 41)


@pytest.mark.parametrize(
    ("gains", "key"), [(("b",), "attention b x2"), (("b0",), "attention b0 x2"), (("b", "b0"), "attention both x2")]
)
def test_golden_gains_of_all_units(gains, key, laboratory):
    found = on.experiments.attention(on.ring(36), CONTRASTS, "theory", gains=gains)
    np.testing.assert_allclose([found.c50[0], found.r_max[0]], laboratory["attention base"], rtol=1e-7)
    np.testing.assert_allclose([found.c50[1], found.r_max[1]], laboratory[key], rtol=1e-7)
    assert found.contrast_gain.item() == pytest.approx(found.c50[0].item() / found.c50[1].item())
    assert found.response_gain.item() == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize(("stimulus", "field"), [(2, 30), (10, 2)])
def test_golden_fields(stimulus, field, laboratory):
    """A large field on a small stimulus is contrast gain, a small field on a large stimulus is response gain."""
    shown = np.exp(-(X**2) / (2 * stimulus**2))
    found = on.experiments.attention(
        on.sheet(1, 81), np.geomspace(0.005, 1, 15), "theory", field=float(field), stimulus=shown
    )
    ratios = 1 / found.contrast_gain.item(), found.response_gain.item()
    golden = laboratory[f"attention field: stim {stimulus}, field {field}: c50 ratio, Rmax ratio"]
    np.testing.assert_allclose(ratios, golden, rtol=1e-7)
    assert found.gain[40].item() == 2
    assert found.gain[40 + field].item() == pytest.approx(1 + np.exp(-0.5))


@pytest.mark.parametrize("engine", [Reference(dt=4e-4, progress=False), Brian(dt=4e-4)])
def test_engines_agree_with_theory(engine):
    found, theory = (
        on.experiments.attention(on.ring(12), [0.05, 0.1, 0.3, 1], e, field=60) for e in (engine, "theory")
    )
    np.testing.assert_allclose(found.rate_y, theory.rate_y, rtol=5e-3, atol=1e-6)
    assert found.contrast_gain.item() == pytest.approx(theory.contrast_gain.item(), rel=1e-2)


def test_attention_to_another_angle():
    """A field on the circle multiplies the gains of the units that prefer what is attended."""
    found = on.experiments.attention(on.ring(36), CONTRASTS, "theory", field=30.0, angle=90.0)
    assert found.gain.values.argmax() == 9
    assert found.gain[27].item() == pytest.approx(1, abs=1e-7)
    assert found.rate_y.attrs["preferred_unit"] == 9


def test_gains_that_the_stimulus_holds_are_multiplied():
    plain = on.experiments.attention(on.ring(9, b=0.25), CONTRASTS, "theory")
    held = on.experiments.attention(on.ring(9), CONTRASTS, "theory", stimulus={"b": 0.25})
    np.testing.assert_allclose(held.rate_y, plain.rate_y, rtol=1e-12)


def test_a_patch_on_a_sheet():
    found = on.experiments.attention(on.sheet(9, 9), [0.03, 0.1, 0.3, 1], "theory", radius=2, field=1.5)
    assert found.rate_y.attrs["preferred_unit"] == 40
    assert found.gain.values.reshape(9, 9)[4, 4] == 2
    assert found.attrs["gains"] == "b"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"gains": ("c",)}, ValueError, "unknown parameter in gains 'c'; known: "),
        ({"strength": 0}, ValueError, "strength must be a number above 0, got 0"),
        ({"field": -1}, ValueError, "field must be a number above 0, or infinity, got -1"),
        ({"field": "wide"}, ValueError, "field must be a number above 0, or infinity, got 'wide'"),
        ({"radius": 2, "stimulus": np.ones(360)}, ValueError, "give radius or stimulus, not both"),
        ({"radius": 2}, ValueError, "this circuit has no positions"),
        (
            {"circuit": on.join({"a": on.ring(9)}, []), "stimulus": {"a.z": 1}},
            TypeError,
            "circuit must be one Circuit, got J",
        ),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.attention(**{"circuit": on.ring(n=9), "contrasts": CONTRASTS, "engine": "theory", **given})
