"""Phase planes of Figures 1 and 2: all fixed points, their stability, nullclines and trajectories."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference
from tests.circuits import one_unit

MODELS = {"main": "two_type", "rect": "two_type_rectified"}


def circuit_of(row):
    p = {**row["params"]}
    return one_unit(MODELS[p.pop("variant")], p.pop("w_r"), p.pop("w"), **{k: v for k, v in p.items() if k != "z"})


@pytest.mark.parametrize("panel", ["fig1a", "fig1b", "fig1c", "fig2d", "fig2e"])
def test_golden_fixed_points(panel, reference, laboratory):
    row = reference["figures_2d"][panel]
    found = on.experiments.phase_plane(circuit_of(row), [row["params"]["z"]], "reference", points=11)
    expected = sorted(row["fixed_points"], key=lambda point: point["y"])
    np.testing.assert_allclose(found.fixed_x, [point["y"] for point in expected], rtol=1e-6)
    np.testing.assert_allclose(found.fixed_y, [point["a"] for point in expected], rtol=1e-6)
    np.testing.assert_array_equal(found.stable, [point["stable"] for point in expected])
    if key := laboratory.get(f"fixed points {panel}"):
        np.testing.assert_allclose(np.stack([found.fixed_x, found.fixed_y], axis=-1), key[0], atol=1e-7)


def test_nullclines():
    """dy/dt = 0 where y = b z/(1 - (1 - sqrt a) w_r), da/dt = 0 where a = (sigma b0)^2/(1 - w y^2)."""
    circuit = one_unit(w_r=0.5)
    found = on.experiments.phase_plane(circuit, [1.0], "reference", x=(-0.9, 0.9), y=(0.01, 1.0), points=41)
    x, y = np.meshgrid(found.x, found.y, indexing="ij")
    np.testing.assert_allclose(found.flow_x, (-x + 0.5 + (1 - np.sqrt(y)) * 0.5 * x) / 2e-3, atol=1e-9)
    np.testing.assert_allclose(found.flow_y, (-y + 0.0025 + y * x**2) / 2e-3, atol=1e-9)
    assert found.attrs["states"] == "y, a"


def test_trajectories_end_at_the_stable_point():
    engine = Reference(duration=0.2, progress=False)
    found = on.experiments.phase_plane(one_unit(), [1.0], engine, points=11, starts=[[0.0, 0.1], [-1.0, 1.0]])
    assert found.path_x.shape == (2, 2001)
    np.testing.assert_allclose(found.path_x[:, 0], [0, -1])
    np.testing.assert_allclose(found.path_x[:, -1], found.fixed_x.item(), rtol=1e-6)
    np.testing.assert_allclose(found.path_y[:, -1], found.fixed_y.item(), rtol=1e-6)


def test_two_units_of_one_state():
    model = on.CircuitModel(
        "pair",
        "dr/dt = (-r + tanh(own))/tau_r : 1\nown : 1\ntau_r : second",
        couplings=[on.Coupling("own", "W", "r")],
        parameters={"tau_r": 0.01},
    )
    circuit = on.Circuit(model, {"W": [[0, -2.0], [-2.0, 0]]})
    found = on.experiments.phase_plane(circuit, None, "reference", y=(-1.5, 1.5), points=11)
    assert found.attrs["states"] == "r of unit 0, r of unit 1"
    np.testing.assert_array_equal(found.stable, [True, False, True])  # winner take all
    np.testing.assert_allclose(found.fixed_x, -found.fixed_y, atol=1e-8)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"circuit": on.ring(9)},
            ValueError,
            "a phase plane has two states, but the circuit has 18; take one unit of it",
        ),
        ({"circuit": 1}, TypeError, "circuit must be a circuit, got int"),
        ({"x": (1, 0)}, ValueError, r"x must be the lowest and the highest value of a window, got \(1, 0\)"),
        ({"y": 1.0}, ValueError, "y must be the lowest and the highest value of a window"),
        ({"points": 0}, ValueError, "points must be a positive integer"),
        ({"starts": [1, 2]}, ValueError, r"starts must have shape \(trajectories, 2\), got \(2,\)"),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.phase_plane(**{"circuit": one_unit(), "z": [1.0], "points": 5, **given})


def test_a_window_without_fixed_points():
    circuit = on.Circuit("two_type", size=1, tau_a=2e-3)
    dataset = on.experiments.phase_plane(circuit, [0.5], x=(2.0, 3.0), y=(2.0, 3.0), points=11)
    assert dataset.sizes["point"] == 0
    assert on.plotting.phase_plane(dataset).get_xlim() == (2, 3)
