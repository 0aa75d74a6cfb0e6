"""Delays in Brian2: equal to the reference on every target, several runs, store and restore, and the threshold of a loop."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.core.errors import StepSizeWarning
from organics_neuro.core.schemes import SCHEMES
from tests.brian.conftest import TARGETS, run_on
from tests.circuits import make_late
from tests.core.test_delays import make_loop, threshold
from tests.simulators import simulate_reference


def assert_equals_the_reference(circuit, device, method):
    found = on.simulate(circuit, None, 4e-3, on.engines.Brian(dt=1e-4, method=method, device=device, trials=2))
    expected = simulate_reference(circuit, None, 4e-3, 1e-4, method)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], np.broadcast_to(value, found[name].shape), rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", SCHEMES)
def test_every_method_equals_the_reference(method):
    assert_equals_the_reference(make_late(), "runtime", method)


@pytest.mark.parametrize("target", TARGETS[1:])
def test_every_target_equals_the_reference(target):
    circuit = make_loop(-2.0, 5e-4, 1e-3)  # one coupling, to be compiled soon
    assert_equals_the_reference(circuit.replace(initial={"x": 1.0}), run_on(target), "heun")


def test_a_loop_oscillates_above_its_threshold_only():
    w, tau, dt = -2.0, 10e-3, 1e-4
    for factor in (0.9, 1.1):
        circuit = make_loop(w, round(factor * tau * threshold(w) / dt) * dt, tau)
        engine = on.engines.Brian(dt=dt, method="rk4")
        x = on.simulate(circuit, None, 0.5, engine, initial={"x": [1.0]})["x"][:, 0, 0]
        assert (np.abs(x[-1000:]).max() > np.abs(x[1000:2000]).max()) == (factor > 1)


def make_pair(delay, **options):
    """A group that counts steps, and one that receives the count."""
    source = b2.NeuronGroup(2, "x : 1")
    source.run_regularly("x += i + 1", when="end")
    target = b2.NeuronGroup(2, "c : 1")
    projection = on.Projection(source, target, [[1, 0], [0, 10]], source="x + 1", target="c", delay=delay, **options)
    monitor = b2.StateMonitor(target, "c", record=True, when="end", order=-1)
    return source, target, projection, monitor


def test_what_a_projection_brings_late():
    """Before the first step the source was what it is then; several runs are one."""
    steps = np.arange(12)
    expected = np.array([1, 10])[:, None] * (1 + np.array([1, 2])[:, None] * np.maximum(steps - 5, 0))
    for durations in ((1.2,), (0.3, 0.9)):
        objects = make_pair(0.5 * ms)
        network = b2.Network(*objects)
        for duration in durations:
            network.run(duration * ms)
        np.testing.assert_allclose(objects[-1].c, expected)


def test_what_is_on_its_way_is_stored_and_restored():
    source, target, *others = make_pair(0.4 * ms)
    network = b2.Network(source, target, *others)
    network.run(0.7 * ms)
    network.store()
    network.run(1 * ms)
    end = np.array(target.c[:])
    network.restore()
    network.run(1 * ms)
    np.testing.assert_array_equal(target.c[:], end)


def test_single_precision_of_weights():
    found = on.simulate(make_late(), None, 2e-3, on.engines.Brian(dt=1e-4, weights_dtype=np.float32))
    expected = simulate_reference(make_late(), None, 2e-3, 1e-4)
    np.testing.assert_allclose(found["low.y"], expected["low.y"], rtol=1e-4, atol=1e-7)


def test_delays_and_steps():
    with pytest.warns(StepSizeWarning, match="the delay of the projection .* is rounded to 0.0003 s"):
        make_pair(0.26 * ms)
    with pytest.raises(
        ValueError, match="the delay of the projection .*, 5e-05 s, is shorter than the step dt = 0.0001 s"
    ):
        make_pair(0.05 * ms)
    with pytest.raises(ValueError, match="must be one time, 0 or longer"):
        make_pair(-1 * ms)
    objects = make_pair(0.5 * ms)
    b2.defaultclock.dt = 0.05 * ms
    with pytest.raises(b2.BrianObjectException) as raised:
        b2.Network(*objects).run(1 * ms)
    assert "was counted in steps of 0.0001 s, but dt is 5e-05 s now" in str(raised.value.__cause__)


def test_the_step_is_compared_with_time_constants():
    group = on.CircuitGroup(make_loop(-2.0, 20e-3, 10e-3), dt=20 * ms)
    with pytest.warns(StepSizeWarning, match="dt = 0.02 s is larger than the time constant tau_x = 0.01 s"):
        b2.Network(group).run(20 * ms)
