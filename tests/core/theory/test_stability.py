"""Eigenvalues against spectra known in closed form, and the step that a method allows against simulation."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core import reference
from organics_neuro.core.schemes import SCHEMES
from tests.circuits import make_joined, make_main, make_nested, one_unit
from tests.simulators import simulate_reference


def test_eigenvalues_of_the_golden_circuit(reference):
    golden = reference["identity_n5"]
    names = ("b", "b0", "sigma", "tau_y", "tau_a")
    circuit = on.Circuit("two_type", {"W": golden["W"]}, **{name: golden[name] for name in names})
    found = np.sort_complex(on.theory.eigenvalues(circuit, golden["z"]))
    expected = np.sort_complex([complex(*pair) for pair in golden["eig_J"]])
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-8)
    assert on.theory.is_stable(circuit, golden["z"])


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_spectrum_of_a_uniform_pool(alpha):
    """-1/tau_a and -√A/tau_y (n-1 times each), and one pair from a quadratic; A = σ²b0² + α‖bz‖²."""
    n, tau_y, tau_a, b, b0, sigma = 6, 3e-3, 2e-3, 0.7, 0.6, 0.2
    z = np.random.default_rng(0).normal(size=n)
    circuit = on.Circuit("two_type", {"W": alpha}, size=n, b=b, b0=b0, sigma=sigma, tau_y=tau_y, tau_a=tau_a)
    floor = (sigma * b0) ** 2
    total = floor + alpha * np.sum((b * z) ** 2)
    pair = np.roots([1, np.sqrt(total) / tau_y + floor / total / tau_a, np.sqrt(total) / (tau_y * tau_a)])
    expected = [*[-1 / tau_a] * (n - 1), *[-np.sqrt(total) / tau_y] * (n - 1), *pair]
    found = on.theory.eigenvalues(circuit, z)
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected), rtol=1e-9)


def test_eigenvalues_come_leading_first():
    values = on.theory.eigenvalues(make_main(), [0.1, 0.2, 0.3, 0.4]).real
    assert (np.diff(values) <= 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_identity_recurrence_is_always_stable(seed):
    """The theorem of Rawat, Heeger & Martiniani 2024: any size, pool, gains, time constants and drive."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    circuit = on.Circuit(
        "two_type",
        {"W": rng.exponential(size=(n, n)) * (rng.uniform(size=(n, n)) < 0.7)},
        b=rng.uniform(0.01, 2, n),
        b0=rng.uniform(0.01, 2, n),
        sigma=rng.uniform(0.01, 2, n),
        tau_y=10 ** rng.uniform(-3, 0, n),
        tau_a=10 ** rng.uniform(-3, 0, n),
    )
    assert on.theory.is_stable(circuit, rng.normal(size=n) * 10 ** rng.uniform(-1, 1))


def test_stability_of_trials():
    circuit = one_unit(w_r=-1.0, b=1.0, b0=1.0, sigma=1.0)
    np.testing.assert_array_equal(on.theory.is_stable(circuit, [[0.0], [1.0]]), [True, False])
    assert on.theory.eigenvalues(circuit, [[0.0], [1.0]]).shape == (2, 2)
    assert on.theory.jacobian(circuit, state={"y": [[0.0], [1.0]]}).shape == (2, 2, 2)


def test_bound_of_euler(reference):
    for golden in reference["euler_bound_1unit"]:
        bound = on.theory.largest_stable_dt(one_unit(), [golden["c"]])
        assert bound / 2e-3 == pytest.approx(golden["max_dt_over_tau"], rel=1e-12)


def test_bounds_of_a_leaky_unit():
    """A single decaying mode: 2 tau for Euler, and 2.785 tau, where the interval of Runge-Kutta 4 ends."""
    model = on.CircuitModel("leaky", "dx/dt = (-x + u)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 0.01})
    circuit = on.Circuit(model, size=3)
    assert on.theory.largest_stable_dt(circuit, method="euler") == pytest.approx(0.02)
    assert on.theory.largest_stable_dt(circuit, method="heun") == pytest.approx(0.02)
    assert on.theory.largest_stable_dt(circuit, method="rk4") == pytest.approx(0.0278529356, rel=1e-8)
    assert on.theory.largest_stable_dt(circuit, method="ab2") == pytest.approx(
        0.0278529356, rel=2e-3
    )  # nothing is coupled


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize("method", SCHEMES)
@pytest.mark.parametrize(("factor", "settles"), [(0.97, True), (1.03, False)])
@pytest.mark.parametrize("make", [one_unit, lambda: on.ring(n=12)], ids=["one unit", "ring"])
def test_a_method_settles_below_its_bound_only(make, factor, settles, method):
    circuit = make()
    z = 0.5 + 0.5 * np.cos(np.arange(circuit.size))
    point, dt = on.theory.fixed_point(circuit, z).state, factor * on.theory.largest_stable_dt(circuit, z, method)
    kick = np.random.default_rng(0).normal(size=circuit.size)
    start = {name: value + 1e-6 * kick for name, value in point.items()}
    # without the check that it stays finite
    trace = reference.trace(circuit, circuit.dynamics.resolve_inputs(z), 300, dt, method, start)
    distance = np.abs(trace["a"][:, 0] - point["a"])
    assert (distance[-30:].max() < distance[:30].max()) == settles


@pytest.mark.parametrize("method", SCHEMES)
def test_bounds_of_trials(method):
    circuit, z = one_unit(w_r=-1.0, b=1.0, b0=1.0, sigma=1.0), [[0.0], [1.0]]
    bounds = on.theory.largest_stable_dt(circuit, z, method)
    assert bounds[0] == pytest.approx(on.theory.largest_stable_dt(circuit, z[0], method))
    assert bounds[1] == 0  # the circuit itself is unstable


def test_bound_of_an_unknown_method():
    with pytest.raises(ValueError, match="unknown method 'leapfrog'; known: 'euler'"):
        on.theory.largest_stable_dt(one_unit(), method="leapfrog")


def test_joined_circuits_without_feedback_have_the_eigenvalues_of_their_parts():
    low, high = make_main(n=3), make_main(n=2, seed=1)
    whole = on.join({"low": low, "high": high}, [on.Coupling("high.z", np.ones((2, 3)), "low: y**2")])
    z = np.array([0.5, 0.2, 0.1])
    state = on.theory.fixed_point(whole, {"low.z": z}).state
    delivered = np.full(2, np.sum(state["low.y"] ** 2))
    parts = [*on.theory.eigenvalues(low, z), *on.theory.eigenvalues(high, delivered)]
    found = np.sort_complex(on.theory.eigenvalues(whole, {"low.z": z}))
    np.testing.assert_allclose(found, np.sort_complex(parts), rtol=1e-7)


@pytest.mark.parametrize("make", [make_joined, make_nested])
def test_joined_circuits_leave_and_return_as_their_eigenvalues_say(make):
    """A small displacement decays like exp(J t)."""
    from scipy.linalg import expm

    circuit = make()
    dynamics, point = circuit.dynamics, on.theory.fixed_point(circuit).state
    matrix, x = on.theory.jacobian(circuit, state=point), dynamics.pack(point)
    kick = 1e-6 * np.random.default_rng(0).normal(size=x.size)
    end = simulate_reference(circuit, None, 2e-3, 2e-5, "rk4", initial=dynamics.unpack(x + kick))
    moved = dynamics.pack({name: trace[-1, 0] for name, trace in end.items()}) - x
    np.testing.assert_allclose(moved, expm(matrix * 2e-3) @ kick, atol=1e-10)
