"""Every engine makes the same Euler steps as the reference simulator, for every kind of circuit."""

import numpy as np
import pytest

import organics_neuro as on
from tests.brian.conftest import run_on
from tests.parity.circuits import CIRCUITS, DT, EVERY_OTHER
from tests.simulators import simulate_brian, simulate_reference

TRIALS, STEPS = 5, 20


def _brian(target):
    def simulate(circuit, z):
        device = run_on(target)
        return simulate_brian(circuit, z, STEPS * DT, DT, device=device)

    return simulate


def _torch(circuit, z):
    torch = pytest.importorskip("torch")
    inputs = {name: torch.from_numpy(value) for name, value in z.items()}
    start = {name: np.broadcast_to(v, (TRIALS, v.shape[-1])) for name, v in circuit.dynamics.start(z).items()}
    start = {name: torch.from_numpy(value.copy()) for name, value in start.items()}
    trace, _ = on.nn.functional.unroll(circuit, inputs, STEPS, DT)
    return {name: torch.cat([start[name][None], value]).numpy() for name, value in trace.items()}


ENGINES = {
    "brian_numpy": _brian("numpy"),
    "brian_cython": _brian("cython"),
    "brian_cpp": _brian("cpp"),
    "torch": _torch,
}
VARIANTS = [name for name in CIRCUITS if name.startswith("gated_")]
NEIGHBOURS = ["three_type", "three_type_rate_change", "three_type_rates", "areas", "sheet"]
#: "lstm" stands for them: two states, four gates, one abbreviation in another.
OTHERS = [name for name in EVERY_OTHER if name != "lstm"]
#: Compiled, these take long and show little: the 18 couplings of "two_layers" are those of "gated", and the others differ
#: from their neighbours by a text that NumPy and torch check.
SLOW = [
    (engine, name)
    for engine in ("brian_cython", "brian_cpp")
    for name in ("two_layers", "two_type_rectified", *NEIGHBOURS, *VARIANTS, *OTHERS)
]


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        pytest.param(e, c, marks=pytest.mark.slow if (e, c) in SLOW else [], id=f"{e}-{c}")
        for e in ENGINES
        for c in CIRCUITS
    ],
)
def test_engine_equals_the_reference(engine, name):
    circuit, rng = CIRCUITS[name](), np.random.default_rng(7)
    z = {key: rng.normal(size=(STEPS, TRIALS, n)) for key, n in circuit.inputs.items()}
    expected = simulate_reference(circuit, z, STEPS * DT, DT)
    states = ENGINES[engine](circuit, z)
    assert states.keys() == expected.keys()
    for key, trace in expected.items():
        assert np.ptp(trace, axis=0).max() > 1e-4, "a state that does not move tests nothing"
        assert states[key].shape == trace.shape
        np.testing.assert_allclose(states[key], trace, rtol=1e-12, atol=1e-12)
