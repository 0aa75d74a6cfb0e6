"""What declarations say, in Brian2: outputs, parameters and inputs that are given, sums and chains of couplings."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian.device import device as on_device
from organics_neuro.core.schemes import SCHEMES
from organics_neuro.engines import Brian, Reference
from tests.brian.conftest import TARGETS, run_on
from tests.circuits import make_chain, make_main

DT = 2e-4


@pytest.mark.parametrize("target", TARGETS)
def test_outputs_are_variables_of_the_group(target):
    circuit, trials = make_chain(), 2
    device = run_on(target)
    with on_device(device):
        group = on.CircuitGroup(circuit, trials, dt=DT * b2.second)
        monitor = b2.StateMonitor(group, ["r", "q", "rate_r"], record=True)
        fields = b2.StateMonitor(group.external["lfp"], "lfp", record=True)
        b2.Network(group, monitor, fields).run(4 * ms)
        states = {name: group.per_trial(getattr(monitor, name)).transpose(2, 0, 1) for name in ("r", "q")}
        found = np.asarray(fields.lfp).reshape(trials, 2, -1).transpose(2, 0, 1)
        rates = group.per_trial(monitor.rate_r).transpose(2, 0, 1)
    np.testing.assert_allclose(rates, circuit.outputs(states)["rate_r"], rtol=1e-12)
    # what an output reads of couplings is of the step before, in which they were last evaluated
    pooled = circuit.dynamics.couplings(states, circuit.dynamics.resolve_inputs(None))["pooled"]
    late = (np.abs(pooled[:-1]) + states["r"][1:]) @ circuit.weights["W_lfp"].to_dense().T
    np.testing.assert_allclose(found[1:], late, rtol=1e-12)


def test_outputs_feed_projections_links_and_thresholds():
    v1 = on.CircuitGroup(on.Circuit("two_type", size=2), threshold="rate_y > 0.5", name="v1")
    v1.z = [5.0, 0.0]
    reader = b2.NeuronGroup(2, "u : 1\n seen : 1 (linked)")
    reader.seen = b2.linked_var(v1, "rate_y")
    link = on.Projection(v1, reader, 2 * np.eye(2), source="rate_y", target="u")
    spikes = b2.SpikeMonitor(v1)
    b2.Network(v1, reader, link, spikes).run(20 * ms)
    assert set(spikes.i) == {0}
    np.testing.assert_array_equal(reader.seen[:], v1.rate_y[:])
    np.testing.assert_allclose(reader.u[:], 2 * np.asarray(v1.rate_y[:]), rtol=0.05)


@pytest.mark.parametrize("target", TARGETS)
def test_parameters_are_given_like_inputs(target):
    """Per unit and trial, and changing with time."""
    circuit, rng = make_main(), np.random.default_rng(0)
    z = {
        "z": rng.normal(size=4),
        "b0": rng.uniform(0.2, 1, (3, 4)),
        "b": rng.uniform(0.2, 1, (20, 3, 4)),
        "tau_y": rng.uniform(2e-3, 4e-3, 4),
    }
    expected = on.simulate(circuit, z, 20 * DT, Reference(dt=DT))
    found = on.simulate(circuit, z, 20 * DT, Brian(dt=DT, device=run_on(target)))
    for name, trace in expected.items():
        np.testing.assert_allclose(found[name], trace, rtol=1e-12, atol=1e-14)


def test_inputs_of_a_group_are_arrays_or_texts():
    circuit = make_main()
    group = on.CircuitGroup(circuit, 2, inputs={"b": [[0.1] * 4, [0.2] * 4], "z": "0.5", "tau_y": np.full(4, 3e-3)})
    np.testing.assert_array_equal(group.b[:], [0.1] * 4 + [0.2] * 4)
    np.testing.assert_allclose(group.tau_y[:] / ms, 3)
    group.b = [1.0, 2.0, 3.0, 4.0]
    np.testing.assert_array_equal(group.b[4:], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="parameter 'sigma' must be larger than 0"):
        on.CircuitGroup(circuit, inputs={"sigma": [0.0] * 4})


def test_inputs_of_joined_groups_have_full_names():
    pair = on.join({"a": make_main(n=3), "b": make_chain(n=2)}, [on.Coupling("b.pooled", 0.1, "a: y")])
    made = on.groups(pair, 2, inputs={"a.b": [0.3] * 3, "b.drive": "0.2"})
    np.testing.assert_array_equal(made["a"].b[:], [0.3] * 6)
    assert set(made["b"].projections) == {"pooled_1", "pooled_2", "pooled_3", "slope", "lfp"}
    b2.Network(*made.values()).run(1 * ms)
    np.testing.assert_array_equal(made["b"].drive[:], 0.2)


def test_parts_of_a_sum_leave_names_of_the_model_alone():
    model = on.CircuitModel(
        "numbered",
        """
        dy/dt = (-y + z + p + p_1)/tau : 1
        z : 1
        p : 1
        p_1 : 1
        tau : second
        """,
        parameters={"tau": 2e-3},
        couplings=[on.Coupling("p", "A", "y"), on.Coupling("p", "B", "y"), on.Coupling("p_1", "C", "y")],
        outputs={"p_2": "2*y"},
    )
    weights = np.random.default_rng(0).uniform(0, 0.2, (3, 2, 2))
    circuit = on.Circuit(model, dict(zip("ABC", weights, strict=True)))
    assert set(on.CircuitGroup(circuit).projections) == {"p_1", "p_3", "p_4"}
    expected = on.simulate(circuit, [1.0, 0.5], 20 * DT, Reference(dt=DT), record=["y", "p_2"])
    found = on.simulate(circuit, [1.0, 0.5], 20 * DT, Brian(dt=DT), record=["y", "p_2"])
    for name, trace in expected.items():
        np.testing.assert_allclose(found[name], trace, rtol=1e-12)


def test_defaults_are_where_inputs_start():
    group = on.CircuitGroup(make_chain(), 2)
    np.testing.assert_array_equal(group.drive[:], 0.3)
    np.testing.assert_allclose(group.r[:], 0.45)


@pytest.mark.parametrize("method", SCHEMES)
def test_chains_with_every_scheme(method):
    """A source that reads another coupling reads it at its own stage."""
    circuit = make_chain()
    expected = on.simulate(circuit, None, 20 * DT, Reference(dt=DT, method=method))
    found = on.simulate(circuit, None, 20 * DT, Brian(dt=DT, method=method))
    for name, trace in expected.items():
        np.testing.assert_allclose(found[name], trace, rtol=1e-11, atol=1e-13)
