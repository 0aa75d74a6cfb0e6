"""Engines as objects: what stands for one, what each answers, and what it says if it cannot."""

import pickle
import subprocess
import sys
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.engines import Brian, Engine, Network, Reference, Theory, as_engine
from tests.circuits import make_main


@pytest.mark.parametrize(
    "given", [Brian(dt=5e-5, device="cpp"), "brian(dt=5e-5, device='cpp')", "Brian(dt=5e-5, device='cpp')"]
)
def test_what_stands_for_an_engine(given):
    assert as_engine(given) == Brian(dt=50 * 1e-3 * ms, device="cpp")
    assert as_engine(repr(as_engine(given))) == as_engine(given)
    assert as_engine(Brian) == as_engine("brian") == Brian()


def test_engines_are_found_by_their_files():
    assert on.engines.names() == ("brian", "network", "reference", "theory")
    assert {"Brian", "Network", "Reference", "Theory"} <= set(dir(on.engines))
    with pytest.raises(AttributeError, match="has no attribute 'Nest'"):
        on.engines.Nest  # noqa: B018


def test_engines_are_plain_values():
    engine = Brian(dt=1 * ms, dtype=np.float32, trials=3)
    assert pickle.loads(pickle.dumps(engine)) == engine
    assert repr(engine) == "Brian(dt=0.001, trials=3, device='runtime', method='euler', report=True, dtype='float32')"
    assert engine.filled(dt=1.0, duration=2.0, nothing=3) == Brian(dt=1 * ms, dtype="float32", trials=3, duration=2.0)


def test_theory_loads_neither_brian_nor_torch():
    code = (
        "import sys, organics_neuro as on; on.engines.Theory(); on.engines.Reference(); on.simulate; on.engines.Brian();"
        "print({'brian2', 'torch'} & set(sys.modules))"
    )
    root = Path(on.__file__).parents[1]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("nest", ValueError, "unknown engine 'nest'; known: 'brian', 'network', 'reference', 'theory'"),
        ("brian(q=1)", ValueError, r"engine 'brian\(q=1\)': unknown argument 'q'; known: 'duration', 'dt'"),
        ("brian(dt=print())", ValueError, "unknown engine"),
        (3, TypeError, "engine must be one of 'brian', .* or an engine, got 3"),
        (Circuit := on.Circuit, TypeError, "engine must be one of"),
    ],
)
def test_bad_engine(given, error, message):
    with pytest.raises(error, match=message):
        as_engine(given)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Brian(dt=0), "dt must be one positive time"),
        (lambda: Brian(device="gpu"), "unknown device 'gpu'; known: 'runtime', 'cpp', 'cuda'"),
        (lambda: Brian(method="x"), "unknown method 'x'"),
        (lambda: Brian(trials=0), "trials must be a positive"),
        (lambda: Brian(transient=-1), "transient must be one time that is not negative"),
        (lambda: Brian(dtype="int8"), "unknown dtype 'int8'; known: 'float64', 'float32'"),
        (lambda: Reference(window=0), "window must be one positive time"),
        (lambda: on.simulate(make_main(), None, 1e-3, "theory"), "the engine theory cannot simulate; use 'brian' or"),
        (
            lambda: as_engine("brian").spectrum(make_main(), 1.0, {}, {"y": {"y": 1}}, frequencies=[1]),
            "the engine brian cannot choose frequencies; give the resolution",
        ),
        (lambda: Brian(duration=0.1, window=0.2).settle(make_main()), "window = 0.2 s must be at most the duration"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_every_engine_says_where_a_circuit_settles():
    circuit, z = on.ring(n=9), on.stimuli.contrast_series(on.ring(n=9), [0.1, 1])
    expected = Theory().settle(circuit, z)
    for engine in (Reference(), Brian(), Network(beside_lif, inputs={"z": "stimulus"})):
        found = engine.settle(circuit, z)
        assert found.settled.all()
        for name, value in expected.outputs.items():
            np.testing.assert_allclose(found.outputs[name], value, rtol=2e-4, atol=1e-6)
        for name, value in expected.states.items():
            np.testing.assert_allclose(found.states[name], value, rtol=2e-4, atol=1e-6)


class Nothing(Engine):
    """An engine that answers nothing."""


@pytest.mark.parametrize("question", ["simulate", "settle", "spectrum"])
def test_what_an_engine_cannot_answer(question):
    arguments = (None, None, {}) if question == "spectrum" else ()
    with pytest.raises(ValueError, match="the engine nothing cannot .*; use 'brian'"):
        getattr(Nothing(), question)(make_main(), *arguments)


# --- a network of the user's own ------------------------------------------------------------------------------------

GAIN = 20
spikes_of = {}


def beside_lif(circuit, trials):
    """The circuit next to integrate-and-fire neurons that it drives, with an input of its own beside the stimulus."""
    v1 = on.CircuitGroup(circuit, trials, inputs={"z": "stimulus + extra"}, equations="stimulus : 1\nextra : 1")
    lif = b2.NeuronGroup(
        len(v1), "dv/dt = (GAIN*y**2 - v)/(10*ms) : 1\ny : 1 (linked)", threshold="v > 1", reset="v = 0", method="euler"
    )
    lif.y = b2.linked_var(v1, "y")
    spikes_of["lif"] = b2.SpikeMonitor(lif)
    return b2.Network(v1, lif, spikes_of["lif"]), v1


def test_a_circuit_next_to_neurons():
    circuit, engine = on.ring(n=9), Network(beside_lif, inputs={"z": "stimulus"})
    found = on.simulate(circuit, on.stimuli.contrast_series(circuit, [0.1, 1]), 0.1, engine, record=["rate_y"])
    np.testing.assert_allclose(
        found["rate_y"],
        on.simulate(circuit, on.stimuli.contrast_series(circuit, [0.1, 1]), 0.1, record=["rate_y"])["rate_y"],
        atol=1e-12,
    )
    counts = np.reshape(spikes_of["lif"].count, (2, 9))
    assert counts[1].argmax() == found["rate_y"][-1, 1].argmax()
    assert counts[1].max() > 0


def test_changing_inputs_of_a_network_need_the_runtime():
    circuit, engine = on.ring(n=9), Network(beside_lif, inputs={"z": "stimulus"}, device="cpp")
    with pytest.raises(ValueError, match="on the device 'cpp' the inputs .* cannot change with time"):
        on.simulate(circuit, np.zeros((10, 1, 9)), 1e-3, engine)


@pytest.mark.parametrize(
    ("build", "options", "error", "message"),
    [
        (lambda c, n: None, {}, TypeError, "must return a brian2.Network and the group .* got NoneType"),
        (
            lambda c, n: (b2.Network(), b2.NeuronGroup(3, "z : 1")),
            {},
            ValueError,
            "has 3 neurons, but must have 9 units x 1 trials",
        ),
        (
            lambda c, n: (b2.Network(), on.CircuitGroup(c, n, name="v1")),
            {"inputs": {"z": "stimulus"}},
            ValueError,
            "the group 'v1' has no variable 'stimulus' to set",
        ),
        (
            lambda c, n: (b2.Network(), on.CircuitGroup(c, n, name="v1")),
            {"dt": 1e-3},
            ValueError,
            "the group 'v1' has dt = 0.0001 s, but the engine 0.001 s",
        ),
    ],
)
def test_bad_network(build, options, error, message):
    with pytest.raises(error, match=message):
        on.simulate(on.ring(n=9), None, 1e-3, Network(build, **options))


def test_a_network_is_a_function():
    with pytest.raises(TypeError, match="build must be a function of a circuit and a number of trials, got 3"):
        Network(3)
    with pytest.raises(ValueError, match="has the noise that its function gives it"):
        on.simulate(on.ring(n=9), None, 1e-3, Network(beside_lif), noise={"y": 1})
