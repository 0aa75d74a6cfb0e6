"""All fixed points of small circuits, against golden numbers and polynomials."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_main, one_unit
from tests.core.theory.test_fixed_point import NOWHERE, PANELS, panel_circuit


@pytest.mark.parametrize("panel", PANELS)
def test_every_fixed_point_of_the_figures_is_found_without_guesses(reference, panel):
    golden = reference["figures_2d"][f"fig{panel}"]
    found = on.theory.fixed_points(panel_circuit(golden["params"]), [golden["params"]["z"]])
    expected = sorted((p["y"], p["a"], p["stable"]) for p in golden["fixed_points"])
    mine = sorted(zip(found.state["y"][:, 0], found.state["a"][:, 0], found.stable, strict=True))
    np.testing.assert_allclose(mine, expected, rtol=1e-9)
    assert (found.residual < 1e-12).all()


@pytest.mark.parametrize("seed", range(8))
def test_one_unit_has_as_many_points_as_its_polynomial_has_roots(seed):
    """w_r²s⁴ + 2(1-w_r)w_r s³ + ... = 0 in s = √a, at y = bz/(1 - w_r + w_r s)."""
    rng = np.random.default_rng(seed)
    w, b, b0, sigma, z = rng.uniform(0.2, 1, 5)
    w_r = rng.uniform(-1, 3)
    floor, drive = (sigma * b0) ** 2, w * (b * z) ** 2
    coefficients = [
        w_r**2,
        2 * (1 - w_r) * w_r,
        (1 - w_r) ** 2 - drive - w_r**2 * floor,
        -2 * (1 - w_r) * w_r * floor,
        -((1 - w_r) ** 2) * floor,
    ]
    roots = [root.real for root in np.roots(coefficients) if abs(root.imag) < 1e-9 and root.real > 0]
    found = on.theory.fixed_points(one_unit(w_r=w_r, w=w, b=b, b0=b0, sigma=sigma), [z])
    np.testing.assert_allclose(np.sort(found.state["a"][:, 0]), np.sort(roots) ** 2, rtol=1e-8)


CUBIC = on.CircuitModel(
    "cubic", "dx/dt = (x - x**3 + u)/tau_x : 1\n u : 1\n tau_x : second", parameters={"tau_x": 1e-2}
)


def test_independent_units_multiply_their_points():
    """Three fixed points of x - x³ for each of two units; unstable modes count the zeros."""
    found = on.theory.fixed_points(on.Circuit(CUBIC, size=2, initial={"x": [0.3, -0.2]}))
    assert len(found) == 9
    assert found.stable.sum() == 4
    assert (np.diff(found.leading) >= 0).all()
    np.testing.assert_array_equal(found.unstable_modes, (np.abs(found.state["x"]) < 0.5).sum(axis=1))


def test_a_guess_adds_what_is_far_away():
    model = on.CircuitModel(
        "far", "dx/dt = x*(1 - x)*(x - 2)*(1 - x/1e6)*(x - 2e6)/tau_x : 1\n tau_x : second", parameters={"tau_x": 1.0}
    )
    circuit = on.Circuit(model, size=1, initial={"x": 0.5})
    near = on.theory.fixed_points(circuit, starts=50, guesses={"x": [[0.1], [1.9]]}).state["x"][:, 0]
    both = on.theory.fixed_points(circuit, starts=50, guesses={"x": [[0.1], [1.9], [1.01e6]]}).state["x"][:, 0]
    assert {0, 1, 2} <= set(near.round(6))
    assert 1e6 in set(both.round(6))


def test_none():
    found = on.theory.fixed_points(on.Circuit(NOWHERE, size=2), [0.0, 0.0])
    assert len(found) == 0
    assert found.state["x"].shape == (0, 2)
    assert found.leading.shape == found.unstable_modes.shape == found.residual.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"z": np.ones((2, 4))}, r"one circuit at one input: give z of shape \(units,\)"),
        ({"starts": 0}, "starts must be a positive integer, got 0"),
        ({"seed": -1}, "seed must be an integer, 0 or larger, got -1"),
        ({"guesses": {"x": 1}}, "unknown state in guesses 'x'"),
        ({"tol": 0}, "tol must be a number larger than 0, got 0"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        on.theory.fixed_points(make_main(), **arguments)


def test_a_circuit_that_is_too_large():
    with pytest.raises(ValueError, match="up to 1000 states, this one has 1002; fixed_point finds the one that"):
        on.theory.fixed_points(on.Circuit("two_type", size=501))
