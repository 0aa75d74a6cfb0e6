"""Units whose value comes from outside: what they would relax to, and the circuit around them."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from tests.circuits import make_main

MASK = np.array([True, False, False, True])


def make(method="euler", trials=1, **options):
    circuit = on.Circuit(
        "two_type_rectified", {"W_r": 0.2 * np.eye(4)[::-1] + 0.8 * np.eye(4)}, sigma=0.3, tau_y=3 * ms
    )
    group = on.CircuitGroup(circuit, trials, method, replaced={"y": MASK}, dt=0.1 * ms, **options)
    group.z = np.array([1.0, -0.5, 2.0, 0.7])
    return circuit, group


@pytest.mark.parametrize("method", ["euler", "ab2", "rk4"])
def test_units_that_follow_their_drive_are_as_before(method):
    """Neurons that relax to ``drive_y`` with the time constant of y put the circuit where it was."""
    circuit, group = make(method)
    neurons = b2.NeuronGroup(2, "dv/dt = (current - v)/(3*ms) : 1\ncurrent : 1", method="euler", dt=0.1 * ms)
    there = on.rate_to_current(group, neurons, "current", rate="drive_y", weights=np.eye(4)[MASK])
    group.supply("y", MASK)  # by a projection of the user's own
    back = on.Projection(neurons, group, np.eye(4)[:, MASK], source="v", target="outside_y")
    b2.Network(group, neurons, there, back).run(150 * ms)
    expected = on.theory.fixed_point(circuit, group.z[:])
    np.testing.assert_allclose(group.y, expected.state["y"], rtol=1e-6)
    np.testing.assert_allclose(group.a, expected.state["a"], rtol=1e-6)
    np.testing.assert_allclose(group.drive_y, group.y, rtol=1e-6)


def test_units_take_what_comes_from_outside():
    _, group = make()
    group.outside_y = [3.0, 9.0, 9.0, -1.0]
    group.supply("y")
    b2.Network(group).run(1 * ms)
    np.testing.assert_array_equal(group.y[:][MASK], [3.0, -1.0])
    assert np.all(np.abs(group.y[:][~MASK]) < 2)


def test_spikes_become_the_value():
    """The filtered rate of the two replaced units, in their order, in every trial."""
    _, group = make(trials=2)
    spikes = b2.SpikeGeneratorGroup(4, [0, 1, 1, 2], [1, 1, 2, 1] * ms, dt=0.1 * ms)
    drive = on.spikes_to_rate(on.set_trials(spikes, 2), group, target="y", tau=5 * ms)
    seen = b2.StateMonitor(group, "y", record=True, when="end")
    b2.Network(group, spikes, drive, seen).run(3 * ms)
    tau, step = 5.0, 0.1
    t = np.arange(30) * step
    jump = -np.expm1(-step / tau) / (step * 1e-3) / 100

    def trace(*times):
        return sum(jump * np.where(t > at + step / 2, np.exp(-(t - at - step) / tau), 0) for at in times)

    expected = [trace(1), trace(1, 2), trace(1), 0 * t]
    np.testing.assert_allclose(seen.y[[0, 3, 4, 7]], expected, atol=1e-12)


def test_several_sources_add_up():
    """One for each unit, and a third that reaches both."""
    _, group = make()
    given = [b2.SpikeGeneratorGroup(1, [0], [1] * ms, dt=0.1 * ms) for _ in range(3)]
    weights = np.eye(4)[:, [0]], np.eye(4)[:, [3]], 2.0 * MASK[:, None]
    drives = [
        on.spikes_to_rate(spikes, group, "y", w, tau=1e6 * ms, maximum=1 * b2.Hz, gain=1e3)
        for spikes, w in zip(given, weights, strict=True)
    ]
    group.outside_y = [5.0, 0, 0, 0]  # of the user's own, which stays
    b2.Network(group, *given, *drives).run(2 * ms)
    np.testing.assert_allclose(group.y[:][MASK], [5 + 3, 3], rtol=1e-3)


def test_bad_input():
    with pytest.raises(
        ValueError, match="units of 'y' cannot be replaced by neurons, .*: the weights 'W_r' read 'y'; rect"
    ):
        on.CircuitGroup(make_main(), replaced={"y": MASK})
    with pytest.raises(ValueError, match="unknown state in replaced 'q'; known: 'y', 'a'"):
        on.CircuitGroup(make_main(), replaced={"q": MASK})
    for mask in (MASK[:3], [1, 0, 0, 1], True):
        with pytest.raises(ValueError, match=r"replaced\['y'\] must be an array of True and False of shape \(4,\)"):
            on.CircuitGroup(make_main("two_type_rectified"), replaced={"y": mask})
    _, group = make(name="area")
    with pytest.raises(b2.BrianObjectException) as raised:
        b2.Network(group).run(1 * ms)
    said = str(raised.value.__cause__)
    assert "the replaced units [0, 3] of area.y have no source; give them one with spikes_to_rate" in said
    assert "or set outside_y yourself and say area.supply('y')" in said
    with pytest.raises(ValueError, match="unknown state that was replaced 'a'; known: 'y'"):
        group.supply("a")
    with pytest.raises(ValueError, match=r"units must be an array of True and False of shape \(4,\), got float64"):
        group.supply("y", np.ones(4))


def test_pairs_of_opposite_sign_can_be_replaced():
    pairs = on.rectified_pairs(make_main())
    group = on.CircuitGroup(pairs, replaced={"y": np.tile(MASK, 2)})
    assert group.drive_y[:].shape == (8,)
