"""One call for every engine: the same arguments, axes and samples; results that are finite, or an error that says why."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.engines import Brian, Network, Reference, convergence
from tests.circuits import make_gated, make_main
from tests.parity.circuits import make_cable, make_excitation_inhibition

RNG = np.random.default_rng(6)


def own_network(circuit, trials):
    made = on.groups(circuit, trials)
    return b2.Network(*made.values()), made


ENGINES = {"reference": Reference(), "brian": Brian(), "network": Network(own_network)}
every_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


def assert_same(found, expected, samples=slice(None)):
    assert found.keys() == expected.keys()
    for name, value in found.items():
        trace = expected[name][samples]
        assert value.shape == trace.shape
        np.testing.assert_allclose(value, trace, rtol=1e-12, atol=1e-12)


@every_engine
@pytest.mark.parametrize("z", [None, 0.5, RNG.normal(size=4), RNG.normal(size=(3, 4)), RNG.normal(size=(12, 1, 4))])
def test_inputs_of_every_shape(engine, z):
    circuit = make_main(n=4)
    assert_same(on.simulate(circuit, z, 1e-3, engine), on.simulate(circuit, z, 1e-3))


@every_engine
def test_several_inputs(engine, rng):
    """One changes with time, one is the same for all trials, one is not given: each may have a shape of its own."""
    circuit = on.join({"a": make_main(n=2), "b": make_gated(n=3, inputs=5), "c": make_main(n=2)}, [])
    z = {"a.z": rng.normal(size=(10, 2, 2)), "b.x": rng.normal(size=5)}
    assert_same(on.simulate(circuit, z, 1 * ms, engine), on.simulate(circuit, z, 1e-3))


@every_engine
@pytest.mark.parametrize("every", [1, 3, 5, 11])
def test_samples(engine, every, rng):
    """The start, every so many steps, and the end where it is one of them."""
    circuit, z, record = make_main(n=3), rng.normal(size=(2, 3)), ["y", "rate_y"]
    states = on.simulate(circuit, z, 1e-3, engine, every=every, record=record)
    expected = on.simulate(circuit, z, 1e-3, record=record)
    assert list(states) == record
    assert_same(states, expected, slice(None, None, every))


@every_engine
def test_end_only(engine, rng):
    circuit, z = make_main(n=3), rng.normal(size=(2, 3))
    assert_same(on.simulate(circuit, z, 1e-3, engine, every=None), on.simulate(circuit, z, 1e-3), slice(-1, None))


@every_engine
def test_initial_states(engine, rng):
    circuit, z = make_main(n=3), rng.normal(size=3)
    whole = on.simulate(circuit, z, 2e-3)
    halfway = {name: value[10] for name, value in whole.items()}
    assert_same(on.simulate(circuit, z, 1e-3, engine, initial=halfway), whole, slice(10, None))
    three = on.simulate(circuit, z, 1e-3, engine, initial={"y": np.zeros((3, 3))})
    assert three["a"].shape == (11, 3, 3)


@every_engine
def test_an_initial_state_that_is_complex(engine, rng):
    """Under the name of its pair, as circuits take it."""
    circuit = on.Circuit("working_memory", on.weights.memory_recurrence(9), tau_y=2e-3)
    y = rng.normal(size=9) + 1j * rng.normal(size=9)
    found = on.simulate(circuit, None, 1e-3, engine, initial={"y": y})
    np.testing.assert_array_equal(on.join_complex(found)["y"][0, 0], y)
    assert_same(found, on.simulate(circuit.replace(initial={"y": y}), None, 1e-3))


@every_engine
def test_units_of_states_and_inputs(engine):
    circuit = make_cable()
    z = [1e-10, 2e-10] * b2.amp
    found = on.simulate(circuit, z, 1e-3, engine, initial={"v": -60 * b2.mV})
    assert_same(found, on.simulate(circuit, [1e-10, 2e-10], 1e-3, initial={"v": [-0.06, -0.06]}))


@every_engine
def test_outputs_of_a_joined_circuit(engine):
    circuit = make_excitation_inhibition()
    record = ["e.rate_v", "i.v"]
    found = on.simulate(circuit, {"e.drive": 1.0}, 1e-3, engine, record=record)
    assert list(found) == record
    states = on.simulate(circuit, {"e.drive": 1.0}, 1e-3)
    np.testing.assert_allclose(found["e.rate_v"], 0.4 * np.maximum(states["e.v"], 0) ** 2, atol=1e-12)


def test_trials_of_the_engine():
    circuit, noise = make_main(n=3), {"y": 1e-2}
    found = on.simulate(circuit, [1, 0, 0], 1e-3, Brian(trials=4, seed=1), noise=noise)["y"]
    assert found.shape == (11, 4, 3)
    assert np.ptp(found[-1], axis=0).min() > 0
    with pytest.raises(ValueError, match="initial states have 2 trials, but the engine has trials=4"):
        on.simulate(circuit, np.ones((2, 3)), 1e-3, Brian(trials=4))


def test_a_seed_repeats_noise_and_none_leaves_the_users():
    circuit, noise = make_main(n=3), {"y": 1e-3}
    runs = [on.simulate(circuit, 1.0, 2e-3, Brian(seed=seed), noise=noise)["y"] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0][-1] - runs[2][-1]).max() > 1e-4

    def after_a_seed_of_the_user():
        b2.seed(7)
        return on.simulate(circuit, 1.0, 2e-3, "brian", noise=noise)["y"]

    np.testing.assert_array_equal(after_a_seed_of_the_user(), after_a_seed_of_the_user())


@pytest.mark.parametrize("choice", ["dtype", "weights_dtype"])
def test_single_precision(choice, rng):
    circuit, z = make_main(n=4), rng.normal(size=4)
    single, double = (
        on.simulate(circuit, z, 1e-3, Brian(**{choice: number}))["y"] for number in (np.float32, "float64")
    )
    assert 0 < np.abs(single - double).max() < 1e-6


# --- results that are not finite, or too large ---------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", [Reference(dt=5e-3), Brian(dt=5e-3)], ids=["reference", "brian"])
def test_a_step_that_is_too_large_is_named(engine):
    message = r"of unit \d+ in trial 1 is .* at \d+ ms; dt = 0.005 s is larger than the time constant tau_. = 0.002 s"
    with pytest.raises(FloatingPointError, match=message):
        on.simulate(on.ring(n=9), [np.zeros(9), np.full(9, 100)], 0.3, engine)


def test_a_circuit_that_grows_is_named():
    circuit = on.Circuit("two_type", {"W_r": [[5.0]], "W": [[0.0]]})
    with pytest.raises(
        FloatingPointError, match=r"in trial 0 is .* ms; there the circuit itself grows \(leading eigen"
    ):
        on.simulate(circuit, [1.0], 0.5)


def test_memory_that_there_is_not_is_refused_with_its_size():
    with pytest.raises(
        MemoryError,
        match=r"the recording \(10,000,000,000,001 samples of 1 trials of 72 units\) takes 5.76e\+\d+ GB, but",
    ):
        on.simulate(on.ring(n=36), None, 1e9)


# --- convergence ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [Reference(method="rk4"), Brian(method="rk4")], ids=["reference", "brian"])
def test_convergence_has_the_order_of_the_method(engine, rng):
    circuit, z = make_main(n=3), rng.normal(size=(40, 1, 3))
    coarse = convergence(circuit, z[:20], 8e-3, type(engine)(method="rk4", dt=4e-4))
    fine = convergence(circuit, np.repeat(z[:20], 2, axis=0), 8e-3, type(engine)(method="rk4", dt=2e-4))
    assert 10 < coarse["y"] / fine["y"] < 25
    with pytest.raises(ValueError, match="the engine theory has no step"):
        convergence(circuit, engine="theory")


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["reference", "brian"])
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"record": ["q"]}, ValueError, "unknown state or output in record 'q'; known: 'y', 'a', 'rate_y', 'rate_a'"),
        ({"every": 0}, ValueError, "every must be a positive .*, got 0"),
        ({"every": 0.5}, ValueError, "every must be a positive .*, got 0.5"),
        ({"duration": -1}, ValueError, "duration must be one positive time"),
        ({"z": np.ones(3)}, ValueError, r"z has shape \(3,\), but its last axis must be the 4 units"),
        ({"z": np.full(4, np.nan)}, ValueError, "z must be finite"),
        ({"z": np.ones((5, 1, 4))}, ValueError, r"z has 5 steps, fewer than the 10 that are simulated"),
        ({"z": np.ones((1, 10, 1, 4))}, ValueError, r"z has shape \(1, 10, 1, 4\); give \(units,\)"),
        ({"z": {"x": 1}}, ValueError, "unknown input 'x'; known: 'z'"),
        ({"initial": {"u": 1}}, ValueError, "unknown state in initial 'u'"),
        (
            {"circuit": "two_type"},
            TypeError,
            "circuit must be a circuit, got str; make one with organics_neuro.Circuit",
        ),
    ],
)
def test_bad_input(engine, given, error, message):
    with pytest.raises(error, match=message):
        on.simulate(**{"circuit": make_main(n=4), "duration": 1e-3, "engine": engine, **given})


def test_bad_noise():
    with pytest.raises(ValueError, match="unknown state or input in noise 'q'"):
        on.simulate(make_main(n=4), None, 1e-3, "brian", noise={"q": 1})


def test_trials_that_do_not_fit():
    circuit = on.join({"a": make_main(n=2), "b": make_main(n=3)}, [])
    with pytest.raises(ValueError, match="have different numbers of trials: a.z has 2, b.z has 4"):
        on.simulate(circuit, {"a.z": np.ones((2, 2)), "b.z": np.ones((10, 4, 3))}, 1e-3)


def test_joined_noise_reaches_the_state_that_is_named():
    circuit = on.join({"a": make_main(n=2), "b": make_main(n=2)}, [])
    states = on.simulate(circuit, None, 1e-3, Brian(seed=0), noise={"b.a": 1e-3})
    assert np.ptp(states["b.a"]) > 1e-4
    assert np.ptp(states["a.y"]) == np.ptp(states["b.y"]) == 0


@pytest.mark.parametrize("engine", [Reference(seed=1), Brian(seed=1)], ids=["reference", "brian"])
@pytest.mark.parametrize("noise", [0.3, on.Noise([0.1, 0.2, 0.3], tau=1e-3), on.Noise(0.3, tau=1e-3, shared=True)])
@pytest.mark.parametrize("every", [1, 5, None])
def test_outputs_read_inputs_with_their_noise(engine, noise, every, rng):
    """A step of Euler's method tells what the circuit received."""
    text = "dy/dt = (-y + z)/tau_y : 1\nz : 1\ntau_y : second"
    model = on.CircuitModel("reader", text, parameters={"tau_y": 2e-3}, outputs={"seen": "z"})
    circuit, z = on.Circuit(model, size=3), rng.normal(size=(20, 2, 3))
    options = {"noise": {"z": noise}, "record": ["y", "seen"]}
    b2.seed(1)
    y = on.simulate(circuit, z, 2e-3, engine, **options)["y"]
    added = y[:-1] + 20 * np.diff(y, axis=0) - z
    expected = np.concatenate([z, z[-1:]]) + np.concatenate([np.zeros((1, 2, 3)), added])
    seen = on.simulate(circuit, z, 2e-3, engine, every=every, **options)["seen"]
    np.testing.assert_allclose(seen, expected[:: every or 20][-len(seen) :], rtol=1e-9, atol=1e-12)
