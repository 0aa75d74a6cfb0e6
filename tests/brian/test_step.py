"""A step in one piece of code: the same numbers as separate kernels, and only where nothing comes between."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian.device import device
from organics_neuro.core.schemes import scheme
from tests.brian.conftest import optimized
from tests.circuits import make_chain, make_gated, make_main

#: Dense, structured and external weights, sources that read each other's targets, one trial and several, two precisions.
CASES = [
    (make_main(n=37), {}),
    (make_main(n=37), {"trials": 3}),
    (make_main(n=16), {"weights_dtype": np.float32}),
    (make_main(n=5), {"method": "ab2"}),
    (make_main("two_type_rectified", n=150), {}),
    (on.ring(n=24), {"trials": 2}),
    (make_gated(), {}),
    (make_chain(), {"trials": 2}),
]


def _pairs():
    """Each group twice: alone, and with something between projections and states that changes nothing."""
    made = []
    for k, (circuit, options) in enumerate(CASES):
        for kind in ("whole", "apart"):
            group = on.CircuitGroup(circuit, name=f"{kind}_{k}", equations="nothing : 1", **options)
            if kind == "apart":
                group.run_regularly("nothing = 0", when="groups", order=-0.1)
            made.append(group)
    return made


def _together(group):
    return [entry.name for entry in group.schedule.entries if entry.together]


def _drive(group, rng):
    for name, size in group.circuit.inputs.items():
        setattr(group, name, rng.uniform(0.1, 1, (group.trials, size)))


def test_the_same_numbers_as_separate_kernels():
    with device("cpp"), optimized():
        made = _pairs()
        for k, group in enumerate(made):
            _drive(group, np.random.default_rng(k // 2))
        network = b2.Network(made)
        whole = [bool(_together(group)) for group in made]
        network.run(3 * ms)
        states = [[np.array(group.variables[name].get_value()) for name in group._model.states] for group in made]
    assert whole == [True, False] * len(CASES)
    for first, second in zip(states[::2], states[1::2], strict=True):
        assert np.ptp(first) > 1e-3
        np.testing.assert_allclose(first, second, rtol=1e-14, atol=1e-16)


def _added(group, where):
    """Something that reads or writes in a step of a group, by what it is."""
    order = {"before": -2, "between": -0.5, "after": 0.5}.get(where)
    if order is not None:
        group.run_regularly("w = y", when="groups", order=order)
    elif where == "monitor":
        return [b2.StateMonitor(group, "recurrent", record=True)]
    elif where == "monitor between":
        return [b2.StateMonitor(group, "recurrent", record=True, when="groups", order=-0.5)]
    elif where in ("reader", "bystander"):
        other = b2.NeuronGroup(len(group), "v : 1")
        source = "recurrent" if where == "reader" else "y"
        return [other, on.Projection(group, other, np.eye(len(group)), source=source, target="v")]
    elif where == "writer":
        other = b2.NeuronGroup(len(group), "v : 1")
        return [other, on.Projection(other, group, np.eye(len(group)), source="v", target="w")]
    return []


@pytest.mark.parametrize(
    ("where", "whole"),
    [
        ("nothing", True),
        ("before", True),
        ("between", False),
        ("after", True),
        ("monitor", True),
        ("monitor between", False),
        ("reader", True),  # at the place of the projections: it may read before or after them
        ("bystander", True),
        ("writer", True),
    ],
)
def test_what_comes_between_keeps_projections_apart(where, whole):
    with device("cpp"):
        group = on.CircuitGroup(make_main(n=3), equations="w : 1", name="v1")
        network = b2.Network(group, *_added(group, where))
        assert bool(_together(group)) == whole
        assert ("with the states" in str(group.schedule)) == whole
        network.remove(group)  # not in a network any more: nothing is known
        assert not _together(group)


@pytest.mark.parametrize("method", ["euler", "ab2", "rk4", "heun"])
def test_methods_that_evaluate_couplings_at_each_stage_keep_them_apart(method):
    with device("cpp"):
        group = on.CircuitGroup(make_main(n=3), method=method)
        network = b2.Network(group)
        assert bool(_together(group)) == (scheme(method).coupling != "stages"), network


def test_a_group_of_two_networks_or_without_states_update_is_left_alone():
    with device("cpp"):
        group = on.CircuitGroup(make_main(n=3), equations="w : 1")
        networks = [b2.Network(group), b2.Network(group)]
        assert _together(group)
        group.run_regularly("w = y", when="groups", order=-0.5)
        networks[0].add(b2.StateMonitor(group, "w", record=True, when="groups", order=-0.7))
        assert not _together(group)
        group = on.CircuitGroup(make_main(n=3))
        networks.append(b2.Network(group))
        group.state_updater.active = False
        assert not _together(group)


def test_joined_circuits_keep_what_is_between_populations_apart():
    circuit = on.join({"e": make_main(n=3), "i": make_main(n=2)}, [on.Coupling("e.z", np.ones((3, 2)), "i: y**2")])
    with device("cpp"):
        made = on.groups(circuit, 2)
        network = b2.Network(*made.values())
        for name, group in made.items():
            assert set(_together(group)) >= {f"{name}_recurrent", f"{name}_pool"}, network
            assert all(name in each for each in _together(group))


def test_at_runtime_every_projection_has_its_own_code():
    group = on.CircuitGroup(make_main(n=3), name="v1")
    network = b2.Network(group)
    assert not _together(group)
    network.run(0.1 * ms)
    lines = str(group.schedule).splitlines()
    assert lines[0] == "v1, in each step:"
    assert [line.split()[0] for line in lines[1:]] == ["v1_recurrent", "v1_pool", "v1_stateupdater"]


def test_a_monitor_sees_what_the_projections_wrote(rng):
    """Couplings are variables of the group all the same; `run` twice goes on where it was."""
    matrix = rng.normal(size=(9, 9))
    with device("cpp"):
        b2.get_device().build_on_run = False
        group = b2.NeuronGroup(9, "dy/dt = (z - y)/(2*ms) : 1\nz : 1\nx : 1", method="euler")
        group.x, group.y = 1, rng.normal(size=9)
        projections = [
            on.Projection(group, group, matrix, source="sin(y)", target="z"),
            on.Projection(group, group, matrix.T, source="y**2", target="x"),
        ]
        monitor = b2.StateMonitor(group, ["y", "z", "x"], record=True, when="end")
        network = b2.Network(group, projections, monitor)
        network.run(1 * ms)
        network.run(0.5 * ms)
        b2.get_device().build(directory=None)
        y, z, x = (np.array(values).T for values in (monitor.y, monitor.z, monitor.x))
    assert len(y) == 15
    np.testing.assert_allclose(z[1:], np.sin(y[:-1]) @ matrix.T, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(x[1:], y[:-1] ** 2 @ matrix, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(y[1:], y[:-1] + 0.05 * (z[1:] - y[:-1]), rtol=1e-12, atol=1e-14)
