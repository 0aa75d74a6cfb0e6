"""Warnings before a run whose time step is too large."""

import warnings

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.core.errors import StepSizeWarning


def run(circuit, z, dt, **options):
    area = on.CircuitGroup(circuit, dt=dt * b2.second, **options)
    if "inputs" not in options:
        area.z = z
    b2.Network(area).run(2 * dt * b2.second)


def quiet(*args, **options):
    """Whether the run gives no warning about its step."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", StepSizeWarning)
        run(*args, **options)
    return True


@pytest.fixture(scope="module")
def bounded():
    """A circuit whose Euler bound is well below its time constants, its input, and the bound."""
    circuit = on.Circuit("two_type", {"W_r": on.weights.random_recurrence(20, 1.0, symmetric=True, seed=1)}, tau_a=2e-3)
    z = np.eye(20)[0]
    bound = on.theory.largest_stable_dt(circuit, z)
    assert 1e-5 < bound < 1.5e-3
    return circuit, z, bound


def test_step_above_a_time_constant():
    circuit = on.ring(n=9, tau_y=np.linspace(1e-3, 2e-3, 9))
    with pytest.warns(StepSizeWarning, match=r"dt = 0.0011 s is larger than the time constant tau_y = 0.001 s"):
        run(circuit, 1, 1.1e-3)
    pair = on.join({"a": on.ring(n=9), "b": on.ring(n=9, tau_a=0.5e-3)}, [])
    areas = on.groups(pair, dt=0.6 * ms)
    with pytest.warns(StepSizeWarning, match=r"larger than the time constant b.tau_a = 0.0005 s"):
        b2.Network(*areas.values()).run(1.2 * ms)


def test_step_above_the_stability_bound(bounded):
    circuit, z, bound = bounded
    assert quiet(circuit, z, 0.95 * bound)
    with pytest.warns(StepSizeWarning, match="above the largest step .* at which the method 'euler' is stable"):
        run(circuit, z, 1.05 * bound)


def test_strongest_trial_counts(bounded):
    circuit, z, _ = bounded
    trials = np.array([2 * z, 4 * z, 1.5 * z])
    bound = on.theory.largest_stable_dt(circuit, trials)
    assert bound[1] < 0.8 * bound[0]
    assert quiet(circuit, trials, 0.95 * bound[1], trials=3)
    with pytest.warns(StepSizeWarning):
        run(circuit, trials, 1.05 * bound[1], trials=3)


def test_nothing_is_said_of_inputs_that_only_the_run_knows(bounded):
    circuit, _, bound = bounded
    assert quiet(circuit, None, 1.05 * bound, inputs={"z": "sin(t/ms)"})


def test_nothing_is_said_of_a_circuit_that_is_unstable_itself():
    """No step helps there: the oscillation is the circuit's own."""
    circuit = on.Circuit("two_type", {"W_r": np.random.default_rng(0).normal(size=(4, 4)) / 4})
    z = [1, 2, 3, 4]
    assert not on.theory.is_stable(circuit, z)
    assert quiet(circuit, z, 1e-4)


def test_external_input_counts():
    """A gated circuit whose gain, and so whose bound, is set through its external input."""
    rng = np.random.default_rng(0)
    weights = {name: np.zeros((4, 1)) for name in ("W_bx", "W_b0x")}
    weights.update({name: np.zeros((4, 4)) for name in ("W_by", "W_b0y", "W_ba", "W_b0a")})
    weights.update({"W_zx": rng.uniform(size=(4, 1)), "W": 30 * rng.uniform(size=(4, 4)), "W_r": 5 * np.eye(4)})
    circuit = on.Circuit("gated", weights)
    x = np.array([2.0])
    bound = on.theory.largest_stable_dt(circuit, x)
    for factor, warns in ((0.95, False), (1.05, True)):
        area = on.CircuitGroup(circuit, dt=factor * bound * b2.second)
        area.x = x
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            b2.Network(area).run(area.clock.dt)
        assert any(issubclass(w.category, StepSizeWarning) for w in caught) == warns
