"""Clocks that differ: what each side holds in between, with NumPy and in C++."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms

import organics_neuro as on
from organics_neuro.brian import build
from tests.brian.conftest import run_on
from tests.brian.spiking.network import COUNTER

FINE, COARSE = 0.25 * ms, 1 * ms
STEPS = 12  # of the fine clock
_FOUND = {}


def counter(dt, name):
    """Its x counts milliseconds; q adds up, over them, what it reads as input."""
    return on.CircuitGroup(on.Circuit(COUNTER, size=1), dt=dt, name=name)


def follower(dt, name):
    """A neuron whose v is the current of its last step."""
    text = "dv/dt = (current - v)/dt : 1\ncurrent : 1"
    return b2.NeuronGroup(1, text, method="euler", dt=dt, name=name)


def run(target, folder):
    """What both pairs of clocks record on one target."""
    if run_on(target) == "cpp":
        on.use_device("cpp", directory=str(folder), build_on_run=False)
    objects, read = [], {}
    for name, ours, theirs in (("coarse", COARSE, FINE), ("fine", FINE, COARSE)):
        circuit, neuron = counter(ours, f"{name}_circuit"), follower(theirs, f"{name}_neuron")
        given = b2.SpikeGeneratorGroup(1, [0], [1 * ms], dt=theirs, name=f"{name}_spikes")
        # a filter that forgets nothing: the input is 2 from the spike on
        drive = on.spikes_to_rate(given, circuit, tau=1e6 * ms, gain=2e3, maximum=1 * Hz, name=f"{name}_filter")
        cells = on.rate_to_spikes(circuit, "rate_x", 10 * Hz, dt=theirs, name=f"{name}_cells")
        seen = {
            "v": b2.StateMonitor(neuron, "v", record=True, dt=theirs, name=f"{name}_v"),
            "q": b2.StateMonitor(circuit, "q", record=True, dt=ours, name=f"{name}_q"),
            "spike_probability": b2.StateMonitor(cells, "spike_probability", record=True, dt=theirs, name=f"{name}_p"),
        }
        current = on.rate_to_current(circuit, neuron, "current", rate="rate_x", name=f"{name}_current")
        objects += [circuit, neuron, given, drive, cells, current, *seen.values()]
        read[name] = seen
    b2.Network(*objects).run(STEPS * FINE)
    if target == "cpp":
        build()
    return {
        name: {key: np.array(getattr(monitor, key)[0]) for key, monitor in seen.items()} for name, seen in read.items()
    }


@pytest.fixture(params=["numpy", "cpp"])
def found(request, tmp_path):
    """What each target records, run once."""
    if request.param not in _FOUND:
        _FOUND[request.param] = run(request.param, tmp_path)
    return _FOUND[request.param]


def test_neurons_with_a_finer_clock_read_the_end_of_the_step_that_was_taken(found):
    k = np.arange(STEPS)
    received = np.ceil(k / 4)  # at the same time as a step of the circuit, its beginning
    np.testing.assert_allclose(found["coarse"]["v"][1:], received[:-1])
    # probabilities that monitors see were made in the step before
    expected = -np.expm1(-10 * received * float(FINE))
    np.testing.assert_allclose(found["coarse"]["spike_probability"][1:], expected[:-1], rtol=1e-12)


def test_neurons_with_a_coarser_clock_read_the_beginning_of_their_step_and_hold_it(found):
    np.testing.assert_allclose(found["fine"]["v"], [0, 0, 1])
    expected = -np.expm1(-10 * np.arange(2) * float(COARSE))
    np.testing.assert_allclose(found["fine"]["spike_probability"][1:], expected, rtol=1e-12)


def test_a_circuit_with_a_coarser_clock_reads_spikes_at_the_beginning_of_its_steps(found):
    """A spike of 1 ms comes after the step that begins there."""
    np.testing.assert_allclose(found["coarse"]["q"], [0, 0, 0], atol=1e-9)


def test_a_circuit_with_a_finer_clock_reads_spikes_from_its_next_step_on(found):
    q = found["fine"]["q"]
    np.testing.assert_allclose(np.diff(q), np.where(np.arange(STEPS - 1) > 4, 2.0 / 4, 0), rtol=2e-3)
