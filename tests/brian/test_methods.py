"""Integration methods: equality with the reference simulator on every target, measured orders, and the step guard."""

import gc
import warnings

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms
from scipy.integrate import solve_ivp
from scipy.special import factorial

import organics_neuro as on
from organics_neuro.core.errors import StepSizeWarning
from organics_neuro.core.schemes import SCHEMES
from organics_neuro.engines import Brian, convergence
from tests.brian.conftest import TARGETS, run_on
from tests.circuits import CIRCUITS, make_joined, make_main, one_unit
from tests.simulators import simulate_brian, simulate_reference

METHODS = tuple(SCHEMES)


def moving_inputs(circuit, steps=20, trials=2):
    rng = np.random.default_rng(0)
    return {name: 0.3 * rng.normal(size=(steps, trials, n)) for name, n in circuit.inputs.items()}


def assert_equals_reference(circuit, z, method, **options):
    found = simulate_brian(circuit, z, 20e-4, 1e-4, method=method, **options)
    expected = simulate_reference(circuit, z, 20e-4, 1e-4, method)
    for name, trace in expected.items():
        np.testing.assert_allclose(found[name], trace, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_every_circuit_with_inputs_that_change_with_time(make, method):
    circuit = make()
    assert_equals_reference(circuit, moving_inputs(circuit), method)


@pytest.mark.parametrize("method", [name for name in SCHEMES if name != "euler"])
@pytest.mark.parametrize("target", TARGETS[1:])
def test_compiled_targets(target, method):
    assert_equals_reference(make_main(), moving_inputs(make_main()), method, device=run_on(target))


@pytest.mark.parametrize("method", METHODS)
def test_a_group_with_new_states_starts_anew(method):
    circuit, ends = make_main(), []
    group = on.CircuitGroup(circuit, method=method, dt=0.1 * ms)
    network = b2.Network(group)
    for _ in range(2):
        group.y, group.a, group.z = circuit.initial["y"], circuit.initial["a"], [0.6, -0.3, 0.9, 0.2]
        network.run(1 * ms)
        ends.append(group.y[:])
    np.testing.assert_array_equal(*ends)


@pytest.mark.parametrize("method", METHODS)
def test_couplings_may_read_abbreviations_of_states_and_inputs(method):
    model = on.CircuitModel(
        "abbreviated",
        """
        dv/dt = (-v + h + recurrent)/tau_v : 1
        above = v - bottom + 0.1*h : 1
        firing = relu(above)**2 : 1
        bottom = 0.5*theta : 1
        h : 1
        recurrent : 1
        theta : 1
        tau_v : second
        """,
        [on.Coupling("recurrent", "W", "tanh(firing) - above*bottom")],
        parameters={"theta": 0.4, "tau_v": 3e-3},
    )
    circuit = on.Circuit(model, {"W": np.random.default_rng(1).normal(size=(4, 4))})
    assert_equals_reference(circuit, moving_inputs(circuit), method)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", TARGETS[1:])
def test_joined_circuits_on_compiled_targets(target, method):
    """Three models: external inputs, abbreviations, rectified and sigmoid couplings."""
    circuit = make_joined()
    assert_equals_reference(circuit, moving_inputs(circuit), method, device=run_on(target))


@pytest.mark.parametrize("method", METHODS)
def test_measured_order(method):
    circuit, z = make_main(), [0.6, -0.3, 0.9, 0.2]
    steps = (4e-4, 2e-4, 1e-4)
    exact = exact_end(circuit, z, 8e-3)
    errors = [np.abs(end(circuit, z, 8e-3, dt, method) - exact).max() for dt in steps]
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), SCHEMES[method].order, atol=0.2)


def end(circuit, z, duration, dt, method):
    return circuit.dynamics.pack(simulate_brian(circuit, z, duration, dt, method=method, every=None))[0, 0]


def exact_end(circuit, z, duration):
    dynamics = circuit.dynamics
    inputs = dynamics.resolve_inputs(z)
    solution = solve_ivp(
        lambda _t, x: dynamics.flow(x, inputs),
        (0, duration),
        dynamics.pack(dynamics.initial),
        "DOP853",
        rtol=1e-13,
        atol=1e-15,
    )
    return solution.y[:, -1]


def test_stages_share_code_and_weights():
    group = on.CircuitGroup(make_main(), method="rk4")
    b2.Network(group).run(0 * ms)
    runners = group.projections["recurrent"].contained_objects
    assert [runner.order for runner in runners] == [-1, 1, 3, 5]
    assert len({runner.code_objects[0].name for runner in runners}) == 1


@pytest.mark.parametrize("method", METHODS)
def test_several_runs_continue_where_the_last_one_ended(method):
    circuit, z = make_main(), [0.6, -0.3, 0.9, 0.2]
    group = on.CircuitGroup(circuit, method=method, dt=0.1 * ms)
    group.z = z
    network = b2.Network(group)
    network.run(1 * ms)
    network.store()
    for _ in range(2):
        network.restore()
        network.run(1 * ms)
        np.testing.assert_allclose(
            group.y[:], simulate_brian(circuit, z, 2e-3, method=method, every=None)["y"][0, 0], rtol=1e-12
        )


@pytest.mark.parametrize("method", METHODS)
def test_equations_of_the_user_are_integrated_alike(method):
    errors = []
    for dt in (1.0, 0.5):
        group = on.CircuitGroup(one_unit(), method=method, equations="dw/dt = -w/(5*ms) : 1", dt=dt * ms)
        group.w = 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepSizeWarning)
            b2.Network(group).run(10 * ms)
        errors.append(abs(group.w[0] - np.exp(-2)))
    growth = SCHEMES[method].growth  # the equation is linear, and not coupled: exp(z) is right up to which power?
    order = np.cumprod(np.isclose(growth, 1 / factorial(np.arange(len(growth))))).sum() - 1
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.3)


def test_what_is_read_from_outside_is_a_whole_step():
    """A projection to another group sees the states at the beginning of the step, and no stage."""
    circuit = make_main()
    group = on.CircuitGroup(circuit, method="rk4", dt=0.1 * ms)
    group.z = 0.5
    reader = b2.NeuronGroup(4, "seen : 1", dt=0.1 * ms)
    projection = on.Projection(group, reader, weights=np.eye(4), source="y", target="seen")
    b2.Network(group, reader, projection).run(1 * ms)
    np.testing.assert_allclose(
        reader.seen[:], simulate_brian(circuit, [0.5] * 4, 1e-3, method="rk4")["y"][-2, 0], rtol=1e-12
    )


def test_groups_leave_memory_with_their_arrays():
    group = on.CircuitGroup(make_main(), method="rk4", name="forgotten")
    b2.Network(group).run(0.1 * ms)
    del group
    gc.collect()
    assert on.CircuitGroup(make_main(), name="forgotten").name == "forgotten"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("factor", "warned"), [(0.95, False), (1.05, True)])
def test_guard_knows_the_bound_of_the_method(method, factor, warned):
    circuit = on.ring(n=12)
    z = np.ones(12)
    bound = on.theory.largest_stable_dt(circuit, z, method)
    group = on.CircuitGroup(circuit, method=method, dt=factor * bound * b2.second)
    group.z = z
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        b2.Network(group).run(0 * ms)
    text = f"above the largest step {bound:.3g} s at which the method {method!r} is stable"
    assert any(text in str(w.message) for w in caught) == warned


@pytest.mark.parametrize("method", METHODS)
def test_convergence_reports_the_change(method):
    circuit, z = make_joined(), moving_inputs(make_joined(), steps=10)
    change = convergence(circuit, z, 0.96e-3, Brian(dt=1e-4, method=method))  # 10 whole steps
    coarse = simulate_reference(circuit, z, 1e-3, 1e-4, method)
    halves = {name: np.repeat(value, 2, axis=0) for name, value in z.items()}
    fine = simulate_reference(circuit, halves, 1e-3, 5e-5, method)
    for name, found in change.items():
        assert found == pytest.approx(np.abs(fine[name][::2] - coarse[name]).max(), rel=1e-6, abs=1e-15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "leapfrog"}, "unknown method 'leapfrog'; known: 'euler'"),
        (
            {"method": "rk4", "equations": "dw/dt = -w/ms : 1 (shared)"},
            r"the method 'rk4' cannot integrate 'w', which is \(shared\); use method='euler'",
        ),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        on.CircuitGroup(make_main(), **options)
