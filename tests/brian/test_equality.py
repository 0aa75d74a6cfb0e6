"""Every operator, target, number of trials, method and precision against the reference simulator."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian.device import device
from organics_neuro.core.operators import CLASSES
from organics_neuro.core.schemes import SCHEMES
from tests.brian.conftest import TARGETS, run_on
from tests.brian.operators import UNITS, make_every_operator
from tests.simulators import simulate_reference

CIRCUIT = make_every_operator()
STEPS, DT = 8, 0.5 * ms


def test_every_class_is_there():
    terms = [term for weights in CIRCUIT.weights.values() for term in (weights, *getattr(weights, "terms", ()))]
    assert {type(term) for term in terms} == set(CLASSES.values())


def largest_error(groups, z):
    """Largest difference from the reference after `STEPS` steps, relative to the largest state."""
    errors = []
    for group, method in groups:
        expected = simulate_reference(group.circuit, z[: group.trials], STEPS * DT, DT, method)["x"][-1]
        errors.append(np.abs(group.per_trial(group.x[:]) - expected).max() / np.abs(expected).max())
    return max(errors)


def make(circuit, trials, method, z, **options):
    group = on.CircuitGroup(circuit, trials, method, dt=DT, **options)
    group.z = z[:trials]
    return group, method


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("target", TARGETS)
def test_equal_to_the_reference(target, dtype, monkeypatch):
    monkeypatch.setitem(b2.prefs, "core.default_float_dtype", dtype)
    z = np.random.default_rng(1).normal(size=(3, UNITS))
    cases = [(method, trials) for method in SCHEMES for trials in (1, 3)]
    with device(run_on(target)):
        if target == "cpp":  # one program
            groups = [make(CIRCUIT, trials, method, z, dtype=dtype) for method, trials in cases]
            b2.Network(*(group for group, _ in groups)).run(STEPS * DT)
            error = largest_error(groups, z)
        else:  # groups of the same name: Cython then compiles the kernels once
            error = 0
            for method, trials in cases:
                group, _ = make(CIRCUIT, trials, method, z, dtype=dtype, name="every_operator")
                b2.Network(group).run(STEPS * DT)
                error = max(error, largest_error([(group, method)], z))
    assert error < (1e-12 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_weights_in_single_precision(target):
    """The states stay in double precision: the error is that of the products."""
    z = np.random.default_rng(1).normal(size=(3, UNITS))
    circuit = on.Circuit("two_type", {"W_r": CIRCUIT.weights["W_dense"], "W": on.AllToAll(UNITS, 1 / UNITS)})
    with device(run_on(target)):
        group, _ = make(circuit, 3, "euler", z, weights_dtype=np.float32)
        b2.Network(group).run(STEPS * DT)
        expected = simulate_reference(circuit, z, STEPS * DT, DT)["y"][-1]
        assert group.variables["y"].dtype == np.float64
        assert 1e-10 < np.abs(group.per_trial(group.y[:]) - expected).max() < 1e-5


def test_type_of_the_weights_is_checked():
    group = b2.NeuronGroup(3, "x : 1")
    with pytest.raises(ValueError, match="weights_dtype of 'p' must be numpy.float32 or numpy.float64, got 'half'"):
        on.Projection(group, group, np.eye(3), source="x", target="x", weights_dtype="half", name="p")
