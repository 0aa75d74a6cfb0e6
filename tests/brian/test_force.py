"""FORCE in a running network: the same updates as without Brian2, and refused where it cannot run."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.core import feedback
from tests.brian.conftest import run_on

UPDATES = 200


def run(target, seed, code, n=100):
    circuit = on.feedback.network(n, seed=seed)
    run_on(code)
    group = on.CircuitGroup(circuit, dt=1 * ms)
    group.v = feedback.force_start(n, 0)
    force = on.ForceLearning(group, target)
    b2.Network(group, force).run(UPDATES * feedback.EVERY * ms)
    return circuit, group, force


@pytest.mark.parametrize("code", ["numpy", pytest.param("cython", marks=pytest.mark.slow)])
@pytest.mark.parametrize("target", [1.0, -1.0])
def test_200_updates_are_those_of_numpy(target, code):
    circuit, group, force = run(target, 3, code)
    trained = on.feedback.train(circuit, target, "force", updates=UPDATES)
    assert len(force.errors) == UPDATES
    assert abs(force.errors[-1]) < 1e-3 < abs(force.errors[0])
    expected = trained.weights["W_out"].to_dense()[0]
    np.testing.assert_allclose(force.weights, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_array_equal(group.projections["loop"].variables["right"].get_value(), force.weights)


def test_the_output_follows_another_target():
    circuit = on.feedback.network(100, seed=3)
    group = on.CircuitGroup(circuit, dt=1 * ms)
    force, outputs = on.ForceLearning(group, 0.5), b2.StateMonitor(group.external["readout"], "readout", record=True)
    network = b2.Network(group, force, outputs)
    network.run(300 * ms)
    assert outputs.readout[0, -1] == pytest.approx(0.5, abs=1e-2)
    force.target = 0.8
    network.run(300 * ms)
    assert outputs.readout[0, -1] == pytest.approx(0.8, abs=1e-2)


def test_bad_input():
    circuit = on.feedback.network(5, seed=0)
    group = on.CircuitGroup(circuit, trials=2)
    with pytest.raises(ValueError, match="takes a group of one trial, got trials=2"):
        on.ForceLearning(group, 1.0)
    with pytest.raises(TypeError, match="ForceLearning takes a CircuitGroup, got NeuronGroup"):
        on.ForceLearning(b2.NeuronGroup(5, "v : 1"), 1.0)
    with pytest.raises(ValueError, match="target must be a number, got nan"):
        on.ForceLearning(on.CircuitGroup(circuit), float("nan"))
    with pytest.raises(ValueError, match="a feedback network is a circuit of the model 'feedback'"):
        on.ForceLearning(on.CircuitGroup(on.ring(12)), 1.0)


def test_programs_refuse_it_in_one_sentence():
    group = on.CircuitGroup(on.feedback.network(5, seed=0))
    on.use_device("cpp", build_on_run=False)
    with pytest.raises(NotImplementedError, match="FORCE learning runs on the device 'runtime' alone"):
        on.ForceLearning(group, 1.0)
