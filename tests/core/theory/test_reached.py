"""The steady state that a circuit reaches: cases that solvers miss, ensembles, and a census against simulation."""

import warnings

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.theory.fixed_point import solve
from organics_neuro.core.theory.problems import pose
from organics_neuro.core.theory.search import REACHED
from tests.circuits import make_chain, make_gated, make_joined, make_main, make_wilson_cowan, one_unit, random_inputs
from tests.simulators import simulate_reference


def gaussian_ensemble(delta):
    """N = 100, W_r = I + delta G with symmetric Gaussian G; where the steady state slows down and a solver starts far away."""
    noise = np.random.default_rng(0).normal(size=(100, 100)) / 10
    w_r = np.eye(100) + delta * (noise + noise.T) / 2
    return on.Circuit("two_type", {"W_r": w_r}, b=1.0, b0=1.0, tau_a=2e-3), np.full(100, 0.005)


@pytest.mark.parametrize(("delta", "leading"), [(0.05, -28.0755), (0.15, -5.0539), (0.3, -3.4649), (1.0, -9.9249)])
def test_recurrence_that_is_positive_definite_has_its_stable_point_found(delta, leading):
    """The theorem of the uniform pool: one stable point; its leading eigenvalues from an equation in one unknown."""
    circuit, z = gaussian_ensemble(delta)
    point = on.theory.fixed_point(circuit, z)
    assert point.converged
    assert point.iterations < 1000  # a step takes less than a millisecond
    assert on.theory.eigenvalues(circuit, z, point.state)[0].real == pytest.approx(leading, abs=1e-4)


THREE_TYPE = on.CircuitModel(
    "user_three_type",
    """
    dy/dt = (-y + beta*z + recurrent/(1 + relu(a)))/tau_y : 1
    du/dt = change/tau_u : 1
    da/dt = (-a + (1 + a)*sqrt(relu(u)) + alpha*change)/tau_a : 1
    change = -u + (sigma*beta)**2 + pool : 1
    z : 1
    recurrent : 1
    pool : 1
    beta : 1
    sigma : 1
    alpha : 1
    tau_y : second
    tau_u : second
    tau_a : second
    """,
    couplings=[
        on.Coupling("recurrent", "W_r", "y", default="identity"),
        on.Coupling("pool", "W", "relu(u)*y**2", default="ones"),
    ],
    parameters={"beta": 0.5, "sigma": 0.07, "alpha": 1.0, "tau_y": 1e-3, "tau_u": 1e-3, "tau_a": 1e-3},
)


def real_part(value):
    return value[0] if isinstance(value, list) else value


def test_a_start_with_a_singular_jacobian(reference):
    """The three-type circuit without its closed form, from y = u = a = 0."""
    rows = [
        row for row in reference["three_type_scalar"] if row["stable"] and row["name"] == "tau1ms_b.5_sig.07_alpha10"
    ]
    circuit = on.Circuit(THREE_TYPE, size=1, alpha=10.0)
    point = on.theory.fixed_point(circuit, [[row["c"]] for row in rows])
    for name in ("y", "u", "a"):
        np.testing.assert_allclose(point.state[name][:, 0], [row[name] for row in rows], rtol=1e-9)
    leading = on.theory.eigenvalues(circuit, [[row["c"]] for row in rows], point.state)[:, 0].real
    np.testing.assert_allclose(leading, [max(real_part(e) for e in row["eig"]) for row in rows], rtol=1e-7)


def test_a_ring_of_three_types_normalizes():
    """y² of the preferred unit at contrasts .1, .3 and 1."""
    ring = on.ring()
    circuit = on.Circuit(THREE_TYPE, {"W_r": ring.weights["W_r"]}, size=36)
    y = on.theory.fixed_point(circuit, on.stimuli.contrast_series(ring, [0.1, 0.3, 1])).state["y"]
    np.testing.assert_allclose(y[:, 18] ** 2, [0.14116855, 0.19948054, 0.2093155], rtol=1e-7)


def test_a_limit_cycle_is_not_passed_off_as_a_steady_state(reference):
    assert reference["three_type_limit_cycle"]["y_max"] - reference["three_type_limit_cycle"]["y_min"] > 0.7
    circuit = on.Circuit(THREE_TYPE, size=1, beta=1 / 6, sigma=0.1, tau_a=2e-3)
    with pytest.warns(ConvergenceWarning, match="the fixed point found is unstable: the circuit does not stay there"):
        point = on.theory.fixed_point(circuit, [1.0])
    assert point.converged
    assert on.theory.eigenvalues(circuit, [1.0], point.state)[0].real == pytest.approx(14.0, abs=0.05)


def test_of_two_stable_points_the_circuit_is_given_the_one_that_it_reaches():
    """dx/dt = x - x³ goes to the sign of where it starts."""
    model = on.CircuitModel(
        "bistable", "dx/dt = (x - x**3 + u)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 1e-2}
    )
    starts = np.linspace(-3, 3, 13)
    circuits = [on.Circuit(model, size=1, initial={"x": start}) for start in starts if start]
    point = on.theory.fixed_point(circuits, [0.0])
    np.testing.assert_allclose(point.state["x"][:, 0], np.sign(starts[starts != 0]), rtol=1e-12)


def test_a_circuit_that_rests_on_neutral_modes_is_where_it_reaches():
    """Maintained states neither grow nor decay."""
    model = on.CircuitModel("hold", "dx/dt = (-x + held)/tau_x : 1\n held : 1\n tau_x : second",
                            [on.Coupling("held", "W", "x", default="identity")], {"tau_x": 1e-2})  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        point = on.theory.fixed_point(on.Circuit(model, size=2, initial={"x": [0.3, -0.7]}))
    np.testing.assert_array_equal(point.state["x"], [0.3, -0.7])


# --- ensembles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_main, make_gated, make_wilson_cowan, make_chain, make_joined])
def test_circuits_that_share_a_model_are_solved_together(make):
    circuits = [make(seed=seed) for seed in range(4)]
    inputs = {name: 0.3 * value for name, value in random_inputs(circuits[0], trials=(4,)).items()}
    point = on.theory.fixed_point(circuits, inputs)
    values, stable = on.theory.eigenvalues(circuits, inputs), on.theory.is_stable(circuits, inputs)
    assert point.converged.shape == point.residual.shape == point.iterations.shape == stable.shape == (4,)
    for k, circuit in enumerate(circuits):
        mine = {name: value[k] for name, value in inputs.items()}
        alone = on.theory.fixed_point(circuit, mine)
        for name, value in alone.state.items():
            np.testing.assert_allclose(point.state[name][k], value, rtol=1e-9, atol=1e-12)
        expected = on.theory.eigenvalues(circuit, mine)
        np.testing.assert_allclose(values[k].real, expected.real, rtol=1e-6)
        assert stable[k] == on.theory.is_stable(circuit, mine)


def test_each_circuit_of_an_ensemble_may_have_trials():
    circuits, z = [make_main(seed=seed) for seed in range(3)], np.random.default_rng(0).normal(size=(3, 2, 4)) / 3
    point = on.theory.fixed_point(circuits, z)
    assert point.state["y"].shape == (3, 2, 4)
    assert point.converged.shape == (3, 2)
    bounds = on.theory.largest_stable_dt(circuits, z, "ab2")
    for k, circuit in enumerate(circuits):
        np.testing.assert_allclose(point.state["a"][k], on.theory.fixed_point(circuit, z[k]).state["a"], rtol=1e-10)
        np.testing.assert_allclose(bounds[k], on.theory.largest_stable_dt(circuit, z[k], "ab2"))


def test_an_ensemble_uses_the_closed_form():
    circuits = [on.Circuit("two_type", size=2, sigma=sigma) for sigma in (0.1, 0.2)]
    point = on.theory.fixed_point(circuits, [1.0, 0.5])
    assert (point.iterations == 0).all()
    np.testing.assert_allclose(point.state["a"][:, 0], [0.0025 + 0.3125, 0.01 + 0.3125])


def test_warnings_about_an_ensemble_name_a_circuit():
    circuits = [one_unit(w_r=w_r, b=1.0, b0=1.0, sigma=1.0) for w_r in (0.5, -1.0, 0.9, -1.0)]
    with pytest.warns(ConvergenceWarning, match=r"unstable in 2 of 4 circuits, the first of which is circuits\[1\]"):
        on.theory.fixed_point(circuits, [1.0])


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.ones((2, 4)), r"z has shape \(2, 4\), but there are 3 circuits: give \(units,\), \(3, units\) or"),
        (np.ones((3, 1, 2, 4)), r"constant input: \(units,\), \(circuits, units\) or \(circuits, trials, units\)"),
        (np.ones((3, 5)), r"z has shape \(3, 5\), but its last axis must be the 4 units"),
    ],
)
def test_inputs_that_do_not_fit_an_ensemble(z, message):
    with pytest.raises(ValueError, match=message):
        on.theory.fixed_point([make_main(seed=seed) for seed in range(3)], z)


# --- a census ---------------------------------------------------------------------------------------------------------


def random_circuits(count, n, model, seed, largest):
    """Gaussian recurrence of spectral norm up to ``largest``, everything else uniform, time constants over a decade."""
    rng = np.random.default_rng(seed)
    w_r = rng.normal(size=(count, n, n))
    w_r *= (rng.uniform(0, largest, count) / np.linalg.norm(w_r, 2, axis=(1, 2)))[:, None, None]
    w, z = rng.uniform(size=(count, n, n)), rng.normal(size=(count, n))
    z *= (rng.uniform(0.1, 2, count) / np.linalg.norm(z, axis=1))[:, None]
    names = {name: rng.uniform(0.05, 1, (count, n)) for name in ("b", "b0", "sigma")}
    names |= {name: 2e-3 * 10 ** rng.uniform(-0.5, 0.5, (count, n)) for name in ("tau_y", "tau_a")}
    return [
        on.Circuit(model, {"W_r": w_r[k], "W": w[k]}, **{name: value[k] for name, value in names.items()})
        for k in range(count)
    ], z


def integrate(circuits, z, duration, dt=1.5e-4):
    """States (circuits, 2n) after a time by Runge-Kutta 4 in plain NumPy, and which of them have settled."""
    rectified = circuits[0].model.name != "two_type"
    w_r, w = (np.array([c.weights[name].to_dense() for c in circuits]) for name in ("W_r", "W"))
    b, b0, sigma, tau_y, tau_a = (
        np.array([c.parameters[name] for c in circuits]) for name in ("b", "b0", "sigma", "tau_y", "tau_a")
    )

    def slopes(x):
        y, a = np.split(x, 2, axis=1)
        a, rate = np.maximum(a, 0), np.maximum(y, 0) if rectified else y
        dy = -y + b * z + (1 - np.sqrt(a)) * np.einsum("kij,kj->ki", w_r, rate)
        da = -x[:, y.shape[1] :] + (sigma * b0) ** 2 + np.einsum("kij,kj->ki", w, a * rate**2)
        return np.concatenate([dy / tau_y, da / tau_a], axis=1)

    x = np.concatenate([np.zeros_like(z), (sigma * b0) ** 2], axis=1)
    with np.errstate(all="ignore"):
        for _ in range(round(duration / dt)):
            k1 = slopes(x)
            k2 = slopes(x + dt / 2 * k1)
            k3 = slopes(x + dt / 2 * k2)
            x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + slopes(x + dt * k3))
        return x, np.abs(slopes(x)).max(axis=1) * 1e-3 < 1e-8


def check_census(count, n, model, seed, largest, duration):
    """Nothing wrong in silence, and whatever settles is found; returns how many settled."""
    circuits, z = random_circuits(count, n, model, seed, largest)
    problem = pose(circuits, z)
    point, rank = solve(problem)
    assert point.converged[rank == REACHED].all()
    assert on.theory.is_stable(circuits, z, point.state)[rank == REACHED].all()
    end, settled = integrate(circuits, z, duration)
    found = np.concatenate([point.state["y"], point.state["a"]], axis=1)
    distance = np.abs(found - end).max(axis=1) / np.maximum(1, np.abs(end).max(axis=1))
    assert (rank[settled] == REACHED).all(), f"{np.flatnonzero(settled & (rank != REACHED))} settle, and were missed"
    assert (distance[settled] < 1e-4).all(), f"{np.flatnonzero(settled & (distance > 1e-4))} settle elsewhere"
    return settled.sum()


@pytest.mark.parametrize("largest", [1.0, 3.5])
@pytest.mark.parametrize("model", ["two_type", "two_type_rectified"])
def test_census(model, largest):
    assert check_census(60, 4, model, 7, largest, duration=0.3) > 40


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("largest", [1.0, 3.5])
@pytest.mark.parametrize("model", ["two_type", "two_type_rectified"])
def test_census_of_twenty_thousand(model, largest, n):
    assert check_census(1000, n, model, 100 + n, largest, duration=1.5) > 850


def test_the_census_has_the_dynamics_of_the_package():
    circuits, z = random_circuits(2, 3, "two_type_rectified", 0, 1.0)
    end, _ = integrate(circuits, z, 0.03)
    for k, circuit in enumerate(circuits):
        trace = simulate_reference(circuit, z[k], 0.03, dt=1.5e-4, method="rk4")
        np.testing.assert_allclose(end[k], np.concatenate([trace["y"][-1, 0], trace["a"][-1, 0]]), rtol=1e-10)
