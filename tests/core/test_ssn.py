"""Supralinear networks in space: what the line and the ring are known for; growth that changes nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_chain, make_gated, random_inputs
from tests.simulators import simulate_reference

FOLDER = Path(__file__).parents[1]
GOLDEN = json.loads((FOLDER / "reference_values_systems.json").read_text())
LINE = json.loads((FOLDER / "reference_values.json").read_text())["ssn_spectre_defaults"]
N, CENTER = 11, 5


@pytest.mark.parametrize("golden", LINE, ids=lambda g: f"contrast {g['c']:g}")
def test_golden_line(golden):
    """The file was written in single precision, the rates but for the slopes."""
    circuit, z = on.ssn.line(N), on.ssn.bar(N, 9, golden["c"])
    point = on.theory.fixed_point(circuit, z)
    assert point.state["r"][[CENTER, N + CENTER]] == pytest.approx([golden["E_center"], golden["I_center"]], rel=1e-9)
    leading = on.theory.eigenvalues(circuit, z, point.state, k=1)[0]
    assert [leading.real, abs(leading.imag)] == pytest.approx([golden["lead_re"], golden["lead_im"]], rel=1e-7)


@pytest.mark.parametrize("golden", LINE, ids=lambda g: f"contrast {g['c']:g}")
def test_golden_resonance(golden):
    """White noise in all units; the spectrum of the rate in the middle peaks where the file says, at 1 Hz or below if not."""
    circuit, z = on.ssn.line(N), on.ssn.bar(N, 9, golden["c"])
    frequencies = np.arange(1, 200, 0.25)
    spectrum = on.theory.power_spectrum(circuit, z, frequencies, {"r": 1e-3})["r"][:, CENTER]
    assert frequencies[spectrum.argmax()] == pytest.approx(golden["psd_peak"], abs=2.0)


def response(length, contrast):
    return on.theory.fixed_point(on.ssn.line(N), on.ssn.bar(N, length, contrast)).state["r"][CENTER]


def test_responses_supersaturate():
    assert [g["E_center"] for g in LINE] == pytest.approx([response(9, g["c"]) for g in LINE])
    assert response(9, 100) < response(9, 25)


def test_long_bars_suppress_and_more_so_at_high_contrast():
    lengths = [1, 3, 6, 9, 12, 15, 21, 27]
    best = []
    for contrast in (10, 50):
        tuning = [response(length, contrast) for length in lengths]
        assert tuning[-1] < 0.25 * max(tuning)
        best.append(lengths[int(np.argmax(tuning))])
    assert best[1] < best[0]  # summation fields shrink with contrast


@pytest.mark.parametrize("n", [18, 72])
def test_responses_of_the_ring_do_not_depend_on_the_number_of_units(n):
    few, many = (on.ssn.ring(k) for k in (n, 36))
    found, expected = (
        on.theory.fixed_point(c, on.stimuli.contrast_series(c, [2, 20, 100], angle=0)) for c in (few, many)
    )
    np.testing.assert_allclose(found.state["r"][:, 0], expected.state["r"][:, 0], rtol=1e-3)


def test_summation_turns_from_supralinear_to_sublinear():
    """Two orthogonal gratings: the response to both over the sum of the responses, of the population."""
    circuit = on.ssn.ring(36)

    def rates(angles, contrast):
        shown = on.stimuli.plaid(circuit, angles, [contrast] * len(angles))
        return on.theory.fixed_point(circuit, on.stimuli.drive(circuit, shown)).state["r"][:36].sum()

    index = {c: rates([0, 180], c) / (rates([0], c) + rates([180], c)) for c in (1, 2, 5, 10, 20, 50)}
    assert all(index[c] > 1.2 for c in (1, 2, 5))
    assert index[10] < 1
    assert index[50] < index[20] < 0.75


def test_experiments_take_a_ring():
    found = on.experiments.contrast_response(on.ssn.ring(18), [1, 10, 100], engine="theory")
    assert found["settled"].all()
    assert found["rate_r"].attrs["preferred_unit"] in (9, 27)


def with_slow_inhibition(ratio):
    return on.ssn.line(N, tau_r=np.repeat([6e-3, 6e-3 * ratio], N))


def test_slow_inhibition_oscillates():
    """A pair of eigenvalues crosses the axis as tau_I/tau_E rises; beyond it the network oscillates at about its frequency."""
    z = on.ssn.bar(N, 9, 25)
    state = on.theory.fixed_point(on.ssn.line(N), z).state  # it does not depend on time constants
    leading = {r: on.theory.eigenvalues(with_slow_inhibition(r), z, state, k=1)[0] for r in (0.6, 0.8, 0.9, 1.0, 1.2)}
    reals = np.array([value.real for value in leading.values()])
    assert (np.diff(reals) > 0).all()
    assert reals[1] < 0 < reals[3]
    assert all(leading[ratio].imag > 200 for ratio in (0.8, 0.9, 1.0, 1.2))
    nudged = {"r": state["r"] * 1.01}
    quiet, loud = (
        simulate_reference(with_slow_inhibition(ratio), z, 0.6, 1e-4, "rk4", initial=nudged)["r"][:, 0, CENTER]
        for ratio in (0.8, 1.0)
    )
    assert np.ptp(quiet[-1000:]) < 1e-4 * state["r"][CENTER]
    swing = loud[-2000:] - loud[-2000:].mean()
    assert np.ptp(swing) > 0.5 * state["r"][CENTER]
    cycles = (np.diff(np.sign(swing)) > 0).sum() / 0.2
    assert cycles == pytest.approx(leading[1.0].imag / (2 * np.pi), rel=0.15)


# --- growth ---------------------------------------------------------------------------------------------------------

SIGNS, DRIVE = np.array([1.0, 1, -1, -1]), np.array([1.0, 0.7, 0.2, 0.3])


def small():
    return on.Circuit("ssn", {"W": np.abs(np.random.default_rng(0).normal(0, 0.4, (4, 4)))}, signs=SIGNS)


def steady(circuit, z):
    return on.theory.fixed_point(circuit, z).state["v"]


@pytest.mark.parametrize("unit", range(4))
def test_growth_is_neutral(unit):
    circuit, z = small(), np.append(DRIVE, DRIVE[unit])
    grown, before = on.ssn.grow(circuit, unit), steady(small(), DRIVE)
    after = steady(grown, z)
    np.testing.assert_allclose(after[:4], before, rtol=0, atol=1e-15)
    assert after[4] == pytest.approx(before[unit], abs=1e-15)
    assert (grown.parameters["signs"] == np.append(SIGNS, SIGNS[unit])).all()
    trace, expected = (simulate_reference(c, drive, 0.05, 1e-3)["v"] for c, drive in ((grown, z), (circuit, DRIVE)))
    np.testing.assert_allclose(trace[..., :4], expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("unit", "change"), list(zip((1, 3), GOLDEN["growth_check"]["public_code_change"], strict=True))
)
def test_growth_as_in_the_public_code_is_not_neutral(unit, change):
    """There incoming rows are halved and outgoing columns are copied."""
    W = small().weights["W"].to_dense()
    W = np.concatenate([W, W[:, unit : unit + 1]], axis=1)
    W[unit] /= 2
    W = np.concatenate([W, W[unit : unit + 1]])
    theirs = on.Circuit("ssn", {"W": W}, signs=np.append(SIGNS, SIGNS[unit]))
    moved = np.abs(steady(theirs, np.append(DRIVE, DRIVE[unit]))[:4] - steady(small(), DRIVE)).max()
    assert moved == pytest.approx(change, abs=1e-10)


@pytest.mark.parametrize("make", [make_gated, make_chain])
def test_growth_of_other_models(make):
    """With external inputs, weights of outputs, several states, and sources that read couplings."""
    circuit = make()
    grown, inputs = on.ssn.grow(circuit, 1), random_inputs(circuit)
    again = {name: np.append(v, v[1]) if name not in circuit.external else v for name, v in inputs.items()}
    found, expected = (simulate_reference(c, z, 0.02, 5e-4) for c, z in ((grown, again), (circuit, inputs)))
    for name, trace in expected.items():
        np.testing.assert_allclose(found[name][..., :-1], trace, rtol=0, atol=1e-14)
    last = [{name: trace[-1, 0] for name, trace in end.items()} for end in (found, expected)]
    outputs, before = grown.outputs(last[0], again), circuit.outputs(last[1], inputs)
    for name, value in before.items():
        np.testing.assert_allclose(outputs[name][: len(value)], value, rtol=1e-12)


def test_initial_states_grow():
    circuit = small().replace(initial={"v": [1.0, 2.0, 3.0, 4.0]})
    assert on.ssn.grow(circuit, 2).initial["v"].tolist() == [1.0, 2.0, 3.0, 4.0, 3.0]


def test_bad_input():
    with pytest.raises(ValueError, match="unit = 4 must be from 0 to 3: the circuit has 4 units"):
        on.ssn.grow(small(), 4)
    with pytest.raises(TypeError, match="grow takes a circuit of one population"):
        on.ssn.grow(on.join({"e": small()}, []), 0)
    with pytest.raises(ValueError, match="n = 8 is too small for tuning curves of 30 degrees"):
        on.ssn.ring(8)
    with pytest.raises(ValueError, match="unknown parameter that the model 'two_type' must have, 'k'"):
        on.ssn.line(5, model="two_type")
    with pytest.raises(ValueError, match="length must be a number, 0 or larger, got -1"):
        on.ssn.bar(5, -1, 10)
