"""`CircuitGroup` and `groups` as a Brian2 user meets them, against the reference simulator and closed forms."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from tests.circuits import make_gated, make_joined, make_main, make_nested, random_inputs
from tests.simulators import simulate_reference

DT = 1e-4


def states(group):
    return {name: group.per_trial(getattr(group, name)[:]) for name in group.circuit.states}


def assert_equal(group, expected):
    for name, value in states(group).items():
        end = np.broadcast_to(expected[name][-1], value.shape)
        np.testing.assert_allclose(value, end, rtol=1e-12, atol=1e-12)


# --- runs, on every target ------------------------------------------------------------------------------------------


def test_magic_runs(finish):
    """Two runs of a magic network with a clock, a stimulus and a variable of the user's own; two parameters change between them."""
    circuit, frames = on.ring(n=9), np.random.default_rng(0).normal(size=(8, 9))
    stimulus = b2.TimedArray(frames, dt=0.6 * ms)  # noqa: F841  the input uses it
    area = on.CircuitGroup(
        circuit,
        inputs={"z": "gain*stimulus(t, i)"},
        equations="gain : 1 (shared)",
        clock=b2.Clock(0.2 * ms, name="area_clock"),
        name="area",
    )
    area.gain = 2
    monitor = b2.StateMonitor(area, "y", record=True, name="area_y")
    b2.run(2.4 * ms)
    area.gain = 3
    area.sigma = 0.3
    b2.run(2.4 * ms)
    finish()
    steps = np.repeat(frames, 3, axis=0)[:, None]
    first = simulate_reference(circuit, 2 * steps[:12], 2.4e-3, 2e-4)
    halfway = {name: value[-1] for name, value in first.items()}
    second = simulate_reference(circuit.replace(sigma=0.3), 3 * steps[12:], 2.4e-3, 2e-4, initial=halfway)
    trace = np.concatenate([first["y"][:-1], second["y"][:-1]])
    np.testing.assert_allclose(area.per_trial(monitor.y), trace.transpose(1, 2, 0), rtol=1e-12, atol=1e-14)


def test_circuit_among_spiking_neurons(finish):
    """A circuit drives integrate-and-fire neurons through a projection; back come their spikes, through Brian2's
    synapses, and their potentials, through another projection. A loop in NumPy, written out here, takes the same steps.
    """
    circuit = make_main(n=3)
    steps, w, readout = 300, 0.5, np.array([[3.0, 0, 1], [0, 4, 0], [0, 0, 5], [1, 1, 1]])
    felt = np.array([[0.2, 0, 0, 0.1], [0, -0.3, 0, 0], [0.1, 0.1, 0.1, 0]])
    area = on.CircuitGroup(
        circuit,
        inputs={"z": "base + spiked + felt"},
        equations="base : 1\nfelt : 1\ndspiked/dt = -spiked/(3*ms) : 1",
        name="area",
    )
    area.base = [1, 2, 3]
    cells = b2.NeuronGroup(
        4,
        "dv/dt = (current - v)/(5*ms) : 1\ncurrent : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
        name="cells",
    )
    forward = on.Projection(area, cells, readout, source="relu(y)", target="current", name="forward")
    back = on.Projection(cells, area, felt, source="v", target="felt", name="back")
    synapses = b2.Synapses(cells, area, on_pre=f"spiked_post += {w}", name="synapses")
    synapses.connect(i=[0, 1, 2, 3], j=[0, 1, 1, 2])
    spikes = b2.SpikeMonitor(cells, name="spikes")
    b2.Network(area, cells, forward, back, synapses, spikes).run(steps * b2.defaultclock.dt)
    finish()
    y, a = circuit.initial["y"], circuit.initial["a"]
    spiked, v, count = np.zeros(3), np.zeros(4), 0
    for _ in range(steps):
        rates = circuit.dynamics.right_hand_side({"y": y, "a": a}, {"z": area.base[:] + spiked + felt @ v})
        v, y, a = v + DT * (readout @ np.maximum(y, 0) - v) / 5e-3, y + DT * rates["y"], a + DT * rates["a"]
        spiked = spiked - DT * spiked / 3e-3
        fired = v > 1
        count += fired.sum()
        np.add.at(spiked, np.array([0, 1, 1, 2])[fired], w)
        v[fired] = 0
    assert count == spikes.num_spikes > 20
    np.testing.assert_allclose(area.spiked, spiked, rtol=1e-10)
    np.testing.assert_allclose(area.y, y, rtol=1e-10)
    np.testing.assert_allclose(cells.v, v, rtol=1e-10, atol=1e-12)


def test_noise_has_the_variance_that_theory_predicts(finish):
    """Both states, and an amplitude for each unit; independent units, each in many trials."""
    circuit = on.Circuit("two_type", {"W": np.eye(3)}, tau_a=2e-3)
    z, noise, trials = np.array([0.1, 0.4, 1.0]), {"y": np.array([1, 2, 3]) * 1e-4, "a": 1e-4}, 2000
    area = on.CircuitGroup(circuit, trials=trials, noise=noise, dt=0.02 * ms, name="noisy")
    point = on.theory.fixed_point(circuit, z).state
    area.z, area.y, area.a = z, point["y"], point["a"]
    b2.seed(42)
    b2.Network(area).run(40 * ms)
    finish()
    sample = np.concatenate([states(area)["y"], states(area)["a"]], axis=1)
    expected = on.theory.covariance(circuit, z, noise)
    scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    error = (np.cov(sample, rowvar=False) - expected) / scale
    # the standard error of a variance is sqrt(2/trials) = 3 %; that of a covariance is smaller; the step adds 1 %
    assert np.abs(error).max() < 0.13
    np.testing.assert_allclose(sample.mean(axis=0), np.concatenate([point["y"], point["a"]]), rtol=0.01)


# --- on one target --------------------------------------------------------------------------------------------------


def test_store_and_restore():
    circuit = make_main(n=4)
    area = on.CircuitGroup(circuit, trials=3)
    area.z = np.random.default_rng(0).normal(size=(3, 4))
    network = b2.Network(area)
    network.run(1 * ms)
    network.store()
    network.run(1 * ms)
    once = states(area)
    network.restore()
    network.run(1 * ms)
    for name, value in states(area).items():
        np.testing.assert_array_equal(value, once[name])


def test_own_noise_in_an_input():
    """The input follows an Ornstein-Uhlenbeck process of the user: its variance is 1/2, and the circuit follows it."""
    circuit = on.Circuit("two_type", {"W": np.eye(1)})
    area = on.CircuitGroup(
        circuit,
        trials=4000,
        inputs={"z": "1 + 0.01*flicker"},
        equations="dflicker/dt = -flicker/(5*ms) + xi_flicker/sqrt(5*ms) : 1",
        dt=0.05 * ms,
    )
    b2.seed(3)
    b2.Network(area).run(30 * ms)
    assert np.var(area.flicker) == pytest.approx(0.5, rel=0.1)  # the standard error is 2 %
    y = on.theory.fixed_point(circuit, [1.0]).state["y"]
    slope = np.polyfit(area.flicker, area.y - y, 1)[0]
    assert 0 < slope < 0.01


def test_linked_variable_as_input():
    circuit = make_main(n=3)
    source = b2.NeuronGroup(3, "x : 1")
    source.x = [1, 2, 3]
    area = on.CircuitGroup(circuit, inputs={"z": "outside"}, equations="outside : 1 (linked)")
    area.outside = b2.linked_var(source, "x")
    b2.Network(area, source).run(1 * ms)
    assert_equal(area, simulate_reference(circuit, [1, 2, 3], 1e-3, DT))


def test_new_weights_between_runs():
    circuit, rng = make_main(n=4), np.random.default_rng(1)
    weights = rng.normal(size=(4, 4)) / 4
    area = on.CircuitGroup(circuit, trials=2)
    area.z = z = rng.normal(size=4)
    network = b2.Network(area)
    network.run(1 * ms)
    halfway = states(area)
    area.projections["recurrent"].matrix = weights
    network.run(1 * ms)
    changed = circuit.replace(weights={"W_r": weights})
    assert_equal(area, simulate_reference(changed, z, 1e-3, DT, initial=halfway))


def test_two_groups_of_one_circuit_do_not_disturb_each_other():
    """Each has its own input and its own clock."""
    circuit, inputs = make_main(n=4), np.random.default_rng(2).normal(size=(2, 2, 4))
    steps = [1e-4, 2e-4]
    areas = [on.CircuitGroup(circuit, trials=2, dt=dt * b2.second) for dt in steps]
    for area, z in zip(areas, inputs, strict=True):
        area.z = z
    b2.Network(*areas).run(1 * ms)
    for area, z, dt in zip(areas, inputs, steps, strict=True):
        assert_equal(area, simulate_reference(circuit, z, 1e-3, dt))


def test_single_precision():
    circuit = make_main(n=4)
    z = np.random.default_rng(4).normal(size=(2, 4))
    area = on.CircuitGroup(circuit, trials=2, dtype=np.float32)
    area.z = z
    b2.Network(area).run(5 * ms)
    assert area.y[:].dtype == area.recurrent[:].dtype == area.projections["recurrent"].matrix[:].dtype == np.float32
    expected = simulate_reference(circuit, z, 5e-3, DT)["y"][-1]
    np.testing.assert_allclose(area.per_trial(area.y), expected, rtol=1e-4, atol=1e-6)


def test_starts_where_the_circuit_says():
    circuit = make_main(n=3).replace(initial={"y": [1.0, 2.0, 3.0]})
    area = on.CircuitGroup(circuit, trials=2)
    for name, value in states(area).items():
        np.testing.assert_array_equal(value, np.tile(circuit.initial[name], (2, 1)))
    assert area.units == 3
    assert area.trials == 2
    assert area.N == 6


def test_equations_can_be_read():
    text = str(on.CircuitGroup(make_main(), noise={"y": 1e-3}).equations)
    for part in ("dy/dt", "da/dt", "xi_y", "sqrt(clip(a, 0, inf))", "sigma"):
        assert part in text


# --- assignment -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, np.full((2, 3), 0.5)),
        ([1, 2, 3], [[1, 2, 3], [1, 2, 3]]),
        (np.arange(6.0).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
        (np.arange(6.0), [[0, 1, 2], [3, 4, 5]]),
        (np.array(0.25), np.full((2, 3), 0.25)),
        ("i + offset", [[10, 11, 12], [13, 14, 15]]),
    ],
)
def test_values_by_trial_and_unit(value, expected):
    offset = 10  # noqa: F841  the text uses it
    area = on.CircuitGroup(make_main(n=3), trials=2)
    area.z = value
    np.testing.assert_array_equal(area.per_trial(area.z), expected)
    gated = on.CircuitGroup(make_gated(inputs=3), trials=2)
    gated.x = value
    np.testing.assert_array_equal(np.reshape(gated.x, (2, 3)), expected)


def test_parameters_are_variables_with_units():
    taus = np.array([1e-3, 2e-3, 3e-3])
    area = on.CircuitGroup(make_main(n=3).replace(tau_a=taus), trials=2)
    assert area.tau_y == 3 * ms
    np.testing.assert_allclose(area.per_trial(area.tau_a), np.tile(taus, (2, 1)))
    area.tau_y = 5 * ms
    area.tau_a = [2 * ms, 3 * ms, 4 * ms]
    area.b = [[1, 2, 3], [4, 5, 6]]
    assert area.tau_y == 5 * ms
    np.testing.assert_allclose(area.tau_a[3:] / ms, [2, 3, 4])
    np.testing.assert_array_equal(area.b, [1, 2, 3, 4, 5, 6])
    for wrong in (5.0, [1.0, 2.0, 3.0], 5 * b2.mV):
        with pytest.raises(b2.DimensionMismatchError, match="tau_a should be set with a value with units second"):
            area.tau_a = wrong


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("z", [1, 2], r"area.z takes one number, or an array of shape \(3,\) or \(2, 3\).*got shape \(2,\)"),
        ("z", np.ones((3, 2)), r"area.z takes .*got shape \(3, 2\)"),
        ("z", np.ones((2, 3, 1)), r"area.z takes .*got shape \(2, 3, 1\)"),
        ("z", [1, 2, np.nan], r"area.z must be finite"),
        ("z", np.inf, r"area.z must be finite"),
        ("z", [[1, 2], [1]], r"area.z takes a number or an array of numbers, got \[\[1, 2\], \[1\]\]"),
        ("z", ["a", "b", "c"], r"area.z takes a number or an array of numbers"),
        ("z", [1j, 1, 1], r"area.z takes real numbers"),
        ("tau_y", -1 * b2.ms, r"area.tau_y must be larger than 0, got -1. \* msecond"),
        ("sigma", 0, r"area.sigma must be larger than 0, got 0"),
        ("y", [1, 2], r"area.y takes one number"),
        ("sigma", [1, 2, 3], r"area.sigma is one number for all units.*inputs="),
    ],
)
def test_wrong_values_are_refused(name, value, message):
    area = on.CircuitGroup(make_main(n=3), trials=2, name="area")
    with pytest.raises(ValueError, match=message):
        setattr(area, name, value)


def test_wrong_values_of_an_external_input_are_refused():
    area = on.CircuitGroup(make_gated(n=4, inputs=3), trials=2, name="area")
    with pytest.raises(ValueError, match=r"area.x takes one number, or an array of shape \(3,\) or \(2, 3\)"):
        area.x = [1, 2, 3, 4]
    with pytest.raises(AttributeError, match="xx"):
        _ = area.xx
    with pytest.raises(AttributeError, match="xx"):
        area.xx = 1


def test_per_trial():
    area = on.CircuitGroup(make_main(n=3), trials=2)
    assert area.per_trial(np.zeros((6, 10))).shape == (2, 3, 10)
    before = area.per_trial(area.y[:])
    area.y = 1
    np.testing.assert_array_equal(before, 0)  # a copy, not a view of what the simulation changes
    with pytest.raises(ValueError, match=r"values must have 6 rows, one per neuron, got shape \(4, 3\)"):
        area.per_trial(np.zeros((4, 3)))


# --- several populations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make_circuit", [make_joined, make_nested])
def test_groups_of_a_joined_circuit(make_circuit):
    circuit = make_circuit()
    inputs = random_inputs(circuit, trials=(2,))
    areas = on.groups(circuit, trials=2, dt=0.2 * ms)
    assert list(areas) == list(circuit.populations)
    for name, value in inputs.items():
        population, variable = name.population, name.variable
        setattr(areas[population], variable, value)
    b2.Network(*areas.values()).run(2 * ms)
    expected = simulate_reference(circuit, inputs, 2e-3, 2e-4)
    for name, trace in expected.items():
        population, state = name.population, name.variable
        value = areas[population].per_trial(getattr(areas[population], state))
        np.testing.assert_allclose(value, np.broadcast_to(trace[-1], value.shape), rtol=1e-12, atol=1e-12)


def test_groups_know_their_part():
    circuit = make_nested()
    areas = on.groups(circuit)
    assert areas["pair.b"].circuit is circuit.parts["pair"].parts["b"]
    assert areas["top"].circuit is circuit.parts["top"]
    assert areas["top"].name == "top"
    assert areas["pair.a"].name == "pair_a"
    assert set(areas["top"].projections) == {"recurrent", "pool", "z"}


def test_groups_of_a_simple_circuit():
    areas = on.groups(make_main(), trials=3, noise={"y": 1e-3}, name="alone")
    assert list(areas) == [None]
    assert areas[None].trials == 3
    assert areas[None].name == "alone"


def test_groups_take_noise_and_inputs_by_full_name():
    circuit = on.join({"a": make_main(n=2), "g": make_gated(n=2, inputs=3)}, [])
    areas = on.groups(circuit, trials=2, noise={"a.y": [1e-3, 2e-3]}, inputs={"a.z": "0.5", "g.x": "i*1.0"})
    np.testing.assert_array_equal(areas["a"].noise_y, [1e-3, 2e-3, 1e-3, 2e-3])
    np.testing.assert_array_equal(areas["a"].z, 0.5)
    np.testing.assert_array_equal(areas["g"].x, range(6))
    assert "noise_y" not in areas["g"].variables


def test_external_inputs_are_as_other_variables():
    area = on.CircuitGroup(make_gated(n=4, inputs=3), dtype=np.float32)
    area.x_ = [1, 2, 3]
    np.testing.assert_array_equal(area.x_, [1, 2, 3])
    assert area.external["x"].variables["x"].dtype == np.float32


def test_external_input_of_a_circuit():
    circuit = make_gated(n=4, inputs=3)
    x = np.random.default_rng(5).normal(size=(2, 3))
    area = on.CircuitGroup(circuit, trials=2, dt=0.2 * ms, name="gated")
    assert set(area.external) == {"x"}
    assert area.external["x"].clock is area.clock
    area.x = x
    b2.Network(area).run(2 * ms)
    assert_equal(area, simulate_reference(circuit, x, 2e-3, 2e-4))


def test_a_notebook_shows_the_circuit_and_its_couplings():
    text = on.CircuitGroup(on.ring(n=12), trials=3, name="shown")._repr_html_()
    for part in ("shown", "3 trials of 12 units", "Circulant(shape=(12, 12))", "y"):
        assert part in text
    assert "rad" not in text
