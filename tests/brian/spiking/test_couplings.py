"""Every coupling on every target: order and delay, weights, trials and cells, statistics of spikes."""

import numpy as np
import pytest
from brian2 import ms

from tests.brian.conftest import TARGETS
from tests.brian.spiking.network import (
    CELLS,
    CORRELATION,
    DEAD,
    DT,
    MAXIMUM,
    MIXING,
    RATES,
    STEPS,
    TRIALS,
    UNITS,
    WEIGHTS,
    run,
)

KINDS = ["plain", "together", "dead"]
#: Cython compiles the network for minutes; CUDA needs a GPU, or the stand-in of tests/cuda_on_cpu.
_MARKS = {"cython": pytest.mark.slow, "cuda": pytest.mark.gpu}
_TARGETS = [pytest.param(target, marks=_MARKS.get(target, ())) for target in (*TARGETS, "cuda")]
_FOUND = {}


@pytest.fixture(params=_TARGETS)
def found(request, tmp_path):
    """What the network records on each target, run once."""
    if request.param not in _FOUND:
        _FOUND[request.param] = None
        _FOUND[request.param] = run(request.param, tmp_path)
    if _FOUND[request.param] is None:
        pytest.fail("the network does not run on this target")
    return _FOUND[request.param]


def trains_of(found, kind):
    if kind not in found["trains"]:
        pytest.skip("with NumPy only")
    return found["trains"][kind]


def test_order_and_delay_are_the_same_for_every_name(found):
    """The table of docs/simulation.md: rate at t, its effect, spike at t, drive from t + dt on."""
    k = np.arange(STEPS)
    for loop in found["loops"]:
        np.testing.assert_allclose(loop["x"], k, rtol=1e-9)
        np.testing.assert_array_equal(loop["lfp"], loop["x"])  # of the instant that monitors record
        np.testing.assert_allclose(loop["v"][1:], k[:-1], rtol=1e-9)  # moved by the rate at the beginning of the step
        np.testing.assert_allclose(loop["late"][4:], k[:-4], rtol=1e-9)
        assert loop["spike"] == [5]  # v reaches 5 in the step that begins at 5
        # what the equations read as z in each step: 0.5, and 2 more from the step after the spike on; the late neurons
        # fire 3 steps later, and their spikes take 4 steps
        read = 0.5 + 2.0 * (k >= 6) + 2.0 * (k >= 6 + 3 + 4)
        np.testing.assert_allclose(np.diff(loop["q"]), read[:-1], rtol=2e-3)
        np.testing.assert_allclose(loop["p"][1:], read[:-1], rtol=2e-3)  # the circuit's own coupling reads the same


def test_currents(found):
    currents = {name: value.reshape(TRIALS, 2 * UNITS) for name, value in found["currents"].items()}
    expected = {
        "weighted": 2 * RATES @ WEIGHTS.T,
        "positive": 4 * np.repeat(np.maximum(1 - 2 * RATES, 0), 2, axis=1),
        "own": 3 * np.repeat(RATES, 2, axis=1),
        "channels": np.repeat(np.pad(RATES @ MIXING.T, ((0, 0), (0, 1))), 2, axis=1),
    }
    for name, value in currents.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12)


def test_cells_are_numbered_by_trial_unit_and_cell(found):
    expected = np.unravel_index(np.arange(TRIALS * 2 * 5), (TRIALS, 2, 5))
    for name, values in zip(("trial", "unit", "cell"), expected, strict=True):
        np.testing.assert_array_equal(found["layout"][name], values)


@pytest.mark.parametrize("kind", KINDS)
def test_rates(found, kind):
    """Within four standard deviations; correlated cells are worth fewer independent ones, dead time makes counts regular."""
    train, p = trains_of(found, kind), -np.expm1(-RATES * float(MAXIMUM * DT))
    variance = p * (1 - p) / (STEPS * CELLS) * (1 + (CELLS - 1) * CORRELATION * (kind == "together"))
    assert np.all(np.abs(train.mean(axis=(2, 3)) - p) < 4 * np.sqrt(variance))


def test_rates_of_an_output_with_weights(found):
    p = -np.expm1(-RATES @ MIXING.T * float(MAXIMUM * DT))
    assert np.all(np.abs(found["trains"]["mixed"].mean(axis=(2, 3)) - p) < 4 * np.sqrt(p * (1 - p) / (STEPS * 5)))


@pytest.mark.parametrize("kind", KINDS)
def test_intervals(found, kind):
    """Geometric, shifted by the dead time: mean and standard deviation follow from the rate."""
    blocked = round(DEAD / DT) - 1 if kind == "dead" else 0
    for trial, unit in np.ndindex(TRIALS, UNITS):
        q = -np.expm1(-RATES[trial, unit] * float(MAXIMUM * DT))
        p = q / (1 - blocked * q)
        trains = trains_of(found, kind)[trial, unit]
        intervals = np.concatenate([np.diff(np.flatnonzero(train)) for train in trains])
        assert intervals.min() > blocked
        # windows are finite: the longest intervals are seen less often
        samples = len(intervals) / (1 + (CELLS - 1) * CORRELATION * (kind == "together"))
        spread = np.sqrt(1 - p) / p
        edge = (spread**2 + (blocked + 1 / p) ** 2) / STEPS
        assert abs(intervals.mean() - blocked - 1 / p) < 4 * spread / np.sqrt(samples) + edge
        shares = np.mean(intervals <= blocked + 5), -np.expm1(5 * np.log1p(-p))
        assert abs(shares[0] - shares[1]) < 4 * np.sqrt(shares[1] / samples) + 2 * edge / STEPS


@pytest.mark.parametrize("kernel", ["exp", "alpha"])
def test_filters_estimate_the_rate_without_bias(found, kernel):
    if kernel not in found["estimates"]:
        pytest.skip("with NumPy only")
    spikes = found["trains"]["dead"].mean(axis=2).reshape(TRIALS * UNITS, STEPS) / float(DT)
    a, k = float(DT / (10 * ms)), np.arange(STEPS)
    weights = {"exp": np.exp(-a * k) * -np.expm1(-a), "alpha": k * np.exp(-a * (k - 1)) * np.expm1(-a) ** 2}[kernel]
    assert weights.sum() == pytest.approx(1)
    expected = [np.convolve(train, weights)[: STEPS - 1] for train in spikes]
    np.testing.assert_allclose(found["estimates"][kernel][:, 1:], expected, rtol=1e-9, atol=1e-9)


def test_synapses_stay_in_their_trial(found):
    drawn, chosen, given, alone = found["synapses"]
    for i, j in found["synapses"][:3]:
        np.testing.assert_array_equal(i // 6, j // 10)
    assert abs(len(drawn[0]) - TRIALS * 6 * 10 * 0.5) < 4 * np.sqrt(TRIALS * 60 * 0.25)
    expected = {(6 * t + i, 10 * t + k) for t in range(TRIALS) for i in range(6) for k in (i, i + 1) if k != 3}
    assert set(zip(*chosen, strict=True)) == expected
    expected = {(5, 0): 1.5, (1, 4): -2.0, (0, 9): 3.0}
    expected = {(i + 6 * t, j + 10 * t): w for t in range(TRIALS) for (i, j), w in expected.items()}
    assert dict(zip(zip(*given, strict=True), found["weights"], strict=True)) == expected
    assert set(zip(*alone, strict=True)) == {(i, j) for i in range(2) for j in range(20)}


def test_spikes_of_one_trial_reach_all(found):
    rate = found["broadcast"].reshape(TRIALS, 3, STEPS)
    np.testing.assert_array_equal(rate[0], rate[1])
    assert [np.flatnonzero(unit)[:1].tolist() for unit in rate[0]] == [[4], [], [5]]
