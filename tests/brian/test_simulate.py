"""`simulate`: the same arguments and results as the reference simulator. (That they agree is tested in parity.)"""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian import simulate
from tests.core.circuits import make_gated, make_main

RNG = np.random.default_rng(6)


def assert_same(states, expected, samples=slice(None)):
    assert states.keys() == expected.keys()
    for name, value in states.items():
        trace = expected[name][samples]
        assert value.shape == trace.shape
        np.testing.assert_allclose(value, trace, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("z", [None, 0.5, RNG.normal(size=4), RNG.normal(size=(3, 4)), RNG.normal(size=(12, 1, 4))])
def test_inputs_of_every_shape(z):
    circuit = make_main(n=4)
    assert_same(simulate(circuit, z, 1e-3), on.reference.simulate(circuit, z, 1e-3))


def test_several_inputs():
    """One changes with time, one is the same for all trials, one is not given: each may have a shape of its own."""
    circuit = on.join({"a": make_main(n=2), "b": make_gated(n=3, inputs=5), "c": make_main(n=2)}, [])
    z = {"a.z": RNG.normal(size=(10, 2, 2)), "b.x": RNG.normal(size=5)}
    assert_same(simulate(circuit, z, 1 * ms, 0.1 * ms), on.reference.simulate(circuit, z, 1e-3, 1e-4))


@pytest.mark.parametrize("every", [1, 2, 3, 5, 11])
def test_samples(every):
    """The start, every so many steps, and the end where it is one of them."""
    circuit, z = make_main(n=3), RNG.normal(size=(2, 3))
    states = simulate(circuit, z, 1e-3, every=every, record=["y"])
    assert_same(states, {"y": on.reference.simulate(circuit, z, 1e-3)["y"]}, slice(None, None, every))


def test_end_only():
    circuit, z = make_main(n=3), RNG.normal(size=(2, 3))
    states = simulate(circuit, z, 1e-3, every=None)
    assert_same(states, on.reference.simulate(circuit, z, 1e-3), slice(-1, None))


def test_seed():
    circuit, noise = make_main(n=3), {"y": 1e-3}
    runs = [simulate(circuit, 1.0, 2e-3, noise=noise, seed=seed)["y"] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0][-1] - runs[2][-1]).max() > 1e-4
    np.testing.assert_array_equal(*(_after_a_seed_of_the_user(circuit, noise) for _ in range(2)))
    silent = simulate(circuit, 1.0, 2e-3, noise={"y": 0.0}, seed=1)
    assert_same(silent, on.reference.simulate(circuit, 1.0, 2e-3))


@pytest.mark.parametrize("choice", ["dtype", "weights_dtype"])
def test_single_precision(choice):
    circuit, z = make_main(n=4), RNG.normal(size=4)
    single, double = (simulate(circuit, z, 1e-3, **{choice: number})["y"] for number in (np.float32, np.float64))
    assert single.dtype == (np.float32 if choice == "dtype" else np.float64)
    assert 0 < np.abs(single - double).max() < 1e-6


def _after_a_seed_of_the_user(circuit, noise):
    b2.seed(7)
    return simulate(circuit, 1.0, 2e-3, noise=noise)["y"]


def test_joined_noise_reaches_the_state_that_is_named():
    circuit = on.join({"a": make_main(n=2), "b": make_main(n=2)}, [])
    states = simulate(circuit, None, 1e-3, noise={"b.a": 1e-3}, seed=0)
    assert np.ptp(states["b.a"]) > 1e-4
    assert np.ptp(states["a.y"]) == np.ptp(states["b.y"]) == 0


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"record": ["q"]}, ValueError, "unknown state in record 'q'; known: 'y', 'a'"),
        ({"every": 0}, ValueError, "every must be a positive integer, got 0"),
        ({"every": 0.5}, ValueError, "every must be a positive integer, got 0.5"),
        ({"duration": -1}, ValueError, "duration must be one positive time"),
        ({"dt": 0}, ValueError, "dt must be one positive time"),
        ({"dt": 1 * ms**2}, on.errors.UnitError, "dt = .* has the wrong unit"),
        ({"z": np.ones(3)}, ValueError, r"z has shape \(3,\), but its last axis must be the 4 units"),
        ({"z": np.full(4, np.nan)}, ValueError, "z must be finite"),
        ({"z": np.ones((5, 1, 4))}, ValueError, r"z has 5 steps, fewer than the 10 that are simulated"),
        ({"z": np.ones((1, 10, 1, 4))}, ValueError, r"z has shape \(1, 10, 1, 4\); give \(units,\)"),
        ({"z": {"x": 1}}, ValueError, "unknown input 'x'; known: 'z'"),
        ({"noise": {"q": 1}}, ValueError, "unknown state or input in noise 'q'"),
        (
            {"circuit": "two_type"},
            TypeError,
            "circuit must be a circuit, got str; make one with organics_neuro.Circuit",
        ),
        ({"method": ["rk4"]}, ValueError, r"unknown method \['rk4'\]; known: 'euler'"),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        simulate(**{"circuit": make_main(n=4), "duration": 1e-3, **given})


def test_trials_that_do_not_fit():
    circuit = on.join({"a": make_main(n=2), "b": make_main(n=3)}, [])
    with pytest.raises(ValueError, match="inputs have different numbers of trials: a.z has 2, b.z has 4"):
        simulate(circuit, {"a.z": np.ones((2, 2)), "b.z": np.ones((10, 4, 3))}, 1e-3)
