"""Fixed points against closed forms, golden numbers and simulation, the unstable ones included."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.theory.solvers import newton, relax
from organics_neuro.core.theory.systems import System
from tests.circuits import CIRCUITS, make_joined, make_main, one_unit, random_inputs
from tests.simulators import simulate_reference

PANELS = ["1a", "1b", "1c", "1d", "1e", "1f", "2a", "2b", "2c", "2d", "2e", "2f", "3a", "3b", "3c"]


def panel_circuit(params):
    model = {"main": "two_type", "rect": "two_type_rectified"}[params["variant"]]
    names = ("w_r", "w", "b", "b0", "sigma", "tau_y", "tau_a")
    return one_unit(model, **{name: params[name] for name in names})


def complex_numbers(pairs):
    return np.sort_complex([complex(*p) if isinstance(p, list) else complex(p) for p in pairs])


@pytest.mark.parametrize("panel", PANELS)
def test_every_fixed_point_of_the_figures(reference, panel):
    """Figures 1 to 3 of the paper: fixed points and eigenvalues, found from a guess in their neighbourhood."""
    golden = reference["figures_2d"][f"fig{panel}"]
    circuit, z = panel_circuit(golden["params"]), [golden["params"]["z"]]
    for point in golden["fixed_points"]:
        guess = {"y": [point["y"] * 1.02], "a": [point["a"] * 0.98]}
        found = on.theory.fixed_point(circuit, z, guess=guess)
        assert found.converged
        assert found.residual < 1e-14
        assert found.state["y"][0] == pytest.approx(point["y"], rel=1e-12)
        assert found.state["a"][0] == pytest.approx(point["a"], rel=1e-12)
        assert on.theory.is_stable(circuit, z, found.state) == point["stable"]
        eigenvalues = np.sort_complex(on.theory.eigenvalues(circuit, z, found.state))
        np.testing.assert_allclose(eigenvalues, complex_numbers(point["eig"]), rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("panel", PANELS)
def test_the_stable_point_is_found_without_a_guess(reference, panel):
    """The iteration alone lands on an unstable point in panel 1b."""
    golden = reference["figures_2d"][f"fig{panel}"]
    stable = next(p for p in golden["fixed_points"] if p["stable"])
    circuit, z = panel_circuit(golden["params"]), [golden["params"]["z"]]
    found = on.theory.fixed_point(circuit, z)
    assert found.state["y"][0] == pytest.approx(stable["y"], rel=1e-12)
    assert found.state["a"][0] == pytest.approx(stable["a"], rel=1e-12)
    assert on.theory.is_stable(circuit, z)


def identity_circuit(reference, model):
    golden = reference["identity_n5"]
    names = ("b", "b0", "sigma", "tau_y", "tau_a")
    return on.Circuit(model, {"W": golden["W"]}, **{name: golden[name] for name in names}), golden["z"]


@pytest.mark.parametrize(("model", "key"), [("two_type", "identity_n5"), ("two_type_rectified", "identity_rect_n5")])
def test_closed_form(reference, model, key):
    circuit, z = identity_circuit(reference, model)
    if model == "two_type_rectified":
        circuit = circuit.replace(tau_y=2e-3, tau_a=2e-3)
    point = on.theory.fixed_point(circuit, z)
    np.testing.assert_allclose(point.state["y"], reference[key]["y"], rtol=1e-12)
    np.testing.assert_allclose(point.state["a"], reference[key]["a"], rtol=1e-12)
    assert point.iterations == 0
    assert point.converged
    assert on.theory.is_stable(circuit, z)


@pytest.mark.parametrize("model", ["two_type", "two_type_rectified", "two_type_rectified_recurrence"])
def test_search_finds_the_closed_form(model):
    """The same model without its closed form has to search, and arrives at the same point."""
    formula = on.Circuit(model, size=5, b=[0.2, 0.4, 0.6, 0.8, 1.0])
    search = on.Circuit(replace(formula.model, closed_form=None), size=5, b=[0.2, 0.4, 0.6, 0.8, 1.0])
    z = np.random.default_rng(0).normal(size=(4, 5))
    expected, found = on.theory.fixed_point(formula, z), on.theory.fixed_point(search, z)
    assert (found.iterations > 0).all()
    for name in expected.state:
        np.testing.assert_allclose(found.state[name], expected.state[name], rtol=1e-12, atol=1e-14)


def test_newton_alone_finds_it_too():
    """A model that declares neither a closed form nor relaxed states."""
    circuit = on.Circuit(replace(on.MODELS["two_type"], closed_form=None, relaxed=()), size=3)
    z = [0.1, -0.2, 0.3]
    found, expected = on.theory.fixed_point(circuit, z), on.theory.fixed_point(on.Circuit("two_type", size=3), z)
    np.testing.assert_allclose(found.state["y"], expected.state["y"], rtol=1e-12)


# --- the contrast response and masking of the ring --------------------------------------------------------------------


def test_contrast_response(reference):
    circuit, golden = on.ring(), reference["crf"]
    point = on.theory.fixed_point(circuit, on.stimuli.contrast_series(circuit, golden["c"]))
    response, c = point.state["y"][:, 18] ** 2, np.array(golden["c"])
    np.testing.assert_allclose(response, golden["R"], rtol=1e-12)
    np.testing.assert_allclose(
        response, golden["Rmax_formula"] * c**2 / (c**2 + golden["c50_formula"] ** 2), rtol=1e-12
    )


def test_orthogonal_masks(reference):
    circuit = on.ring()
    for golden in reference["plaid_orthogonal"]:
        plaids = [on.stimuli.plaid(circuit, [180, 0], [c, golden["mask"]]) for c in (0.05, 0.1, 0.2, 0.5)]
        point = on.theory.fixed_point(circuit, on.stimuli.drive(circuit, plaids))
        np.testing.assert_allclose(point.state["y"][:, 18] ** 2, golden["R"], rtol=1e-10)


@pytest.mark.parametrize(("change", "key"), [({}, "base"), ({"b": 1.0}, "b x2"), ({"b0": 1.0}, "b0 x2")])
def test_attention_shifts_the_contrast_response(reference, change, key):
    circuit = on.ring(**change)
    point = on.theory.fixed_point(circuit, on.stimuli.contrast_series(circuit, [0.1, 1.0]))
    golden = reference["attention"][key]
    np.testing.assert_allclose(point.state["y"][:, 18] ** 2, [golden["R_at_0p1"], golden["R_at_1"]], rtol=1e-12)


def test_tuning_width_does_not_depend_on_contrast():
    circuit = on.ring()
    y = on.theory.fixed_point(circuit, on.stimuli.contrast_series(circuit, [0.01, 0.05, 0.2, 1.0])).state["y"] ** 2
    shape = y / y.max(axis=1, keepdims=True)
    np.testing.assert_allclose(shape, np.broadcast_to(shape[0], shape.shape), atol=1e-13)


# --- the iteration for generic recurrence -----------------------------------------------------------------------------


def ensemble(count, n=10, seed=4):
    """Random circuits as in Figure 4 of the paper: Gaussian recurrence of spectral norm 1, ‖z‖ = 1."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        b, b0, sigma = rng.uniform(size=(3, n))
        w, w_r, z = rng.uniform(size=(n, n)), rng.normal(size=(n, n)), rng.normal(size=n)
        circuit = on.Circuit("two_type", {"W_r": w_r / np.linalg.norm(w_r, 2), "W": w}, b=b, b0=b0, sigma=sigma)
        yield circuit, z / np.linalg.norm(z)


def test_iteration_converges_as_published(reference):
    """Errors after k iterations, up to the spread between ensembles (the golden one has the same distribution)."""
    golden, errors = reference["iteration_20dim"], []
    for circuit, z in ensemble(30):
        system = System(circuit.dynamics, circuit.dynamics.resolve_inputs(z))
        x = circuit.dynamics.pack(circuit.initial, (1,))
        exact = newton(system, relax(system, x).x).x
        assert system.leading(exact) < 0
        path = [x]
        for _ in range(25):
            path.append(relax(system, path[-1], iterations=1).x)
        errors.append(np.concatenate(path) - exact)
    errors = np.array(errors)
    steps = np.argmax(np.linalg.norm(errors, axis=-1) < 1e-6, axis=1)
    assert abs(np.median(steps) - golden["iters_to_1e6_median"]) <= 1
    assert steps.max() <= golden["iters_to_1e6_max"]
    y, a = (
        np.linalg.norm(errors[..., :10], axis=-1).mean(axis=0),
        np.linalg.norm(errors[..., 10:], axis=-1).mean(axis=0),
    )
    for k in (1, 3, 5, 8):
        assert y[k] < 2 * golden["mean_err_y"][str(k)]
        assert a[k] < 2 * golden["mean_err_a"][str(k)]


def test_iteration_is_exact_for_modes_that_recurrence_sustains():
    circuit = on.ring()
    inputs = circuit.dynamics.resolve_inputs(on.stimuli.contrast_series(circuit, [0.1, 1.0]))
    found = relax(System(circuit.dynamics, inputs), circuit.dynamics.pack(circuit.initial, (2,)))
    assert (found.iterations == 2).all()  # one to arrive, one to see it


def test_fixed_points_are_where_the_circuit_settles():
    for circuit, z in ensemble(3, n=4, seed=1):
        end = simulate_reference(circuit, z, duration=0.3, dt=2e-4, method="rk4")
        point = on.theory.fixed_point(circuit, z)
        for name, value in point.state.items():
            np.testing.assert_allclose(end[name][-1, 0], value, atol=1e-9)


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_every_circuit_has_a_fixed_point_that_the_simulator_does_not_leave(make):
    circuit = make()
    inputs = {name: 0.3 * value for name, value in random_inputs(circuit).items()}
    point = on.theory.fixed_point(circuit, inputs)
    assert point.converged
    assert point.residual < 1e-12
    after = simulate_reference(circuit, inputs, 1e-3, initial=point.state)
    for name, value in point.state.items():
        np.testing.assert_allclose(after[name][-1, 0], value, atol=1e-10)


def test_trials_do_not_touch_each_other():
    circuit = make_main()
    z = np.random.default_rng(0).normal(size=(3, 4)) / 3
    together = on.theory.fixed_point(circuit, z)
    assert together.state["y"].shape == (3, 4)
    assert together.residual.shape == together.converged.shape == together.iterations.shape == (3,)
    for trial in range(3):
        np.testing.assert_allclose(
            together.state["y"][trial], on.theory.fixed_point(circuit, z[trial]).state["y"], rtol=1e-12
        )


def test_guesses_may_have_trials(reference):
    golden = reference["figures_2d"]["fig1b"]
    points = golden["fixed_points"]
    guess = {name: [[1.01 * p[name]] for p in points] for name in ("y", "a")}
    found = on.theory.fixed_point(panel_circuit(golden["params"]), [1.0], guess=guess)
    np.testing.assert_allclose(found.state["y"][:, 0], [p["y"] for p in points], rtol=1e-12)


# --- when it gets difficult -------------------------------------------------------------------------------------------


def test_negative_recurrence_destroys_stability(reference):
    """One unit with w_r = -1: the only fixed point is unstable, although no gain exceeds 1."""
    golden = reference["counterexample_wr_minus1"]["fixed_points"][0]
    circuit = one_unit(w_r=-1.0, b=1.0, b0=1.0, sigma=1.0)
    with pytest.warns(
        ConvergenceWarning, match="unstable: the circuit does not stay there, and no stable one was found"
    ):
        point = on.theory.fixed_point(circuit, [1.0])
    assert point.converged
    assert point.state["y"][0] == pytest.approx(golden["y"], rel=1e-10)
    assert point.state["a"][0] == pytest.approx(golden["a"], rel=1e-10)
    assert not on.theory.is_stable(circuit, [1.0])
    np.testing.assert_allclose(on.theory.eigenvalues(circuit, [1.0]), golden["eig"], rtol=1e-9)


def test_unit_spectral_norm_is_not_sufficient_for_stability(reference):
    golden = reference["counterexample_n2_in_ensemble"]
    circuit = on.Circuit(
        "two_type",
        {"W_r": golden["Wr"], "W": golden["W"]},
        tau_a=2e-3,
        **{name: golden[name] for name in ("b", "b0", "sigma")},
    )
    assert np.linalg.norm(golden["Wr"], 2) == pytest.approx(1)
    with pytest.warns(ConvergenceWarning, match="unstable"):
        point, expected = on.theory.fixed_point(circuit, golden["z"]), golden["fixed_points_found"][0]
    np.testing.assert_allclose(point.state["y"], expected["y"], rtol=1e-10)
    np.testing.assert_allclose(point.state["a"], expected["a"], rtol=1e-10)
    leading = on.theory.eigenvalues(circuit, golden["z"])[0].real
    assert leading == pytest.approx(expected["max_re_tau2ms"], rel=1e-9)


NOWHERE = on.CircuitModel(
    "nowhere", "dx/dt = (1 + x**2 + u)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 1}
)


def test_no_fixed_point_is_reported_and_never_hidden():
    """dx/dt = 1 + x² + u has no fixed point for u > -1."""
    with pytest.warns(ConvergenceWarning, match=r"no fixed point found: the residual is 1.*guess=\{state: values\}"):
        point = on.theory.fixed_point(on.Circuit(NOWHERE, size=1), [0.0])
    assert point.converged is False
    assert point.residual >= 1
    with pytest.warns(ConvergenceWarning):
        assert on.theory.is_stable(on.Circuit(NOWHERE, size=1), [0.0]) is False


def test_trials_that_fail_do_not_spoil_the_others():
    circuit = on.Circuit(NOWHERE, size=1)
    with pytest.warns(ConvergenceWarning, match="in 1 of 2 trials"):
        point = on.theory.fixed_point(circuit, [[-5.0], [0.0]])
    np.testing.assert_array_equal(point.converged, [True, False])
    assert point.state["x"][0, 0] == pytest.approx(-2)
    with pytest.warns(ConvergenceWarning):
        np.testing.assert_array_equal(on.theory.is_stable(circuit, [[-5.0], [0.0]]), [True, False])
    with pytest.warns(ConvergenceWarning):
        np.testing.assert_array_equal(np.isnan(on.theory.eigenvalues(circuit, [[-5.0], [0.0]])[:, 0]), [False, True])


def test_converging_circuits_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on.theory.fixed_point(make_joined())
        on.theory.fixed_point(one_unit(w_r=2.0), [1.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"z": np.ones(3)}, r"z has shape \(3,\), but its last axis must be the 4 units"),
        ({"z": [0, 0, np.nan, 0]}, "z must be finite"),
        ({"z": np.ones((5, 2, 4))}, "a steady state needs a constant input"),
        ({"z": {"x": 1}}, "unknown input 'x'; known: 'z'"),
        ({"z": np.ones((2, 4)), "guess": {"y": np.ones((3, 4))}}, r"number of trials: z \(2, 4\), y \(3, 4\)"),
        ({"guess": {"x": 1}}, "unknown state in guess 'x'; known: 'y', 'a'"),
        ({"guess": {"y": np.ones(3)}}, r"guess 'y' has shape \(3,\)"),
        ({"tol": "small"}, "tol must be a number larger than 0, got 'small'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        on.theory.fixed_point(make_main(), **arguments)


@pytest.mark.parametrize(
    "call",
    [
        lambda: on.theory.fixed_point("two_type", [1.0]),
        lambda: on.theory.jacobian("two_type", state={"y": 0}),
        lambda: on.theory.eigenvalues("two_type", [1.0]),
        lambda: on.theory.largest_stable_dt("two_type", [1.0], "ab2"),
        lambda: on.theory.power_spectrum("two_type", [1.0], [10.0], {"y": 1e-3}),
        lambda: on.theory.covariance("two_type", [1.0], {"y": 1e-3}),
    ],
)
def test_what_is_no_circuit(call):
    with pytest.raises(TypeError, match="circuit must be a circuit, got str; make one with organics_neuro.Circuit"):
        call()


def test_circuits_of_several_inputs_need_names():
    circuit = on.join({"a": make_main(n=2), "b": make_main(n=2)}, [])
    with pytest.raises(ValueError, match=r"the inputs 'a\.z', 'b\.z'; give them as a dictionary"):
        on.theory.fixed_point(circuit, [1.0, 1.0])
