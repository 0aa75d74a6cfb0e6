"""A scheme is one entry: tableaus that the package does not have run in every engine as soon as they are registered."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core import reference
from organics_neuro.core.schemes import SCHEMES, Scheme
from tests.brian.conftest import run_on
from tests.circuits import make_nested, one_unit
from tests.simulators import simulate_brian, simulate_reference

STEPS, DT = 20, 2e-4
#: Kutta's third-order method reads its first slope again in the last stage; four stages with a full triangle of weights.
TABLEAUS = {
    "kutta3": (((), (1 / 2,), (-1, 2)), (1 / 6, 2 / 3, 1 / 6), 3),
    "ralston": (((), (2 / 3,)), (1 / 4, 3 / 4), 2),
    "three_eighths": (((), (1 / 3,), (-1 / 3, 1), (1, -1, 1)), (1 / 8, 3 / 8, 3 / 8, 1 / 8), 4),
}
#: The order that a rule for the couplings allows.
LIMITS = {"stages": 4, "extrapolated": 2, "held": 1}


@pytest.fixture(params=[(name, rule) for name in TABLEAUS for rule in LIMITS], ids="-".join)
def entry(request, monkeypatch):
    name, rule = request.param
    a, b, order = TABLEAUS[name]
    scheme = Scheme(f"a_test_of_{name}", a, b, rule, min(order, LIMITS[rule]), "nobody")
    monkeypatch.setitem(SCHEMES, scheme.name, scheme)
    return scheme


def moving_inputs(circuit):
    rng = np.random.default_rng(3)
    return {name: 0.3 * rng.normal(size=(STEPS, 2, n)) for name, n in circuit.inputs.items()}


def test_reference(entry):
    def end(dt, method=entry.name):
        return simulate_reference(one_unit(), [1.0], 4e-3, dt, method)["y"][-1, 0, 0]

    exact = end(1e-5, "rk4")
    errors = [abs(end(dt) - exact) for dt in (1e-4, 5e-5)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(entry.order, abs=0.2)


@pytest.mark.parametrize(
    "target", ["numpy", *(pytest.param(name, marks=pytest.mark.slow) for name in ("cython", "cpp"))]
)
def test_brian(entry, target):
    circuit = make_nested()
    z = moving_inputs(circuit)
    found = simulate_brian(circuit, z, STEPS * DT, DT, method=entry.name, device=run_on(target))
    for name, trace in simulate_reference(circuit, z, STEPS * DT, DT, entry.name).items():
        np.testing.assert_allclose(found[name], trace, rtol=1e-12, atol=1e-12)


def test_torch(entry):
    torch = pytest.importorskip("torch")
    circuit = make_nested()
    z = moving_inputs(circuit)
    found, _ = on.nn.functional.unroll(
        circuit, {name: torch.from_numpy(value) for name, value in z.items()}, STEPS, DT, method=entry.name
    )
    for name, trace in simulate_reference(circuit, z, STEPS * DT, DT, entry.name).items():
        np.testing.assert_allclose(found[name].numpy().reshape(trace[1:].shape), trace[1:], rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_largest_stable_step(entry):
    circuit, z = one_unit(), [1.0]
    point, bound = on.theory.fixed_point(circuit, z).state, on.theory.largest_stable_dt(circuit, z, entry.name)
    for factor, settles in ((0.97, True), (1.03, False)):
        dt = factor * bound
        start = {name: value + 1e-6 for name, value in point.items()}
        # without the check that it stays finite
        trace = reference.trace(circuit, circuit.dynamics.resolve_inputs(z), 300, dt, entry.name, start)
        distance = np.abs(trace["a"][:, 0, 0] - point["a"])
        assert (distance[-30:].max() < distance[:30].max()) == settles
