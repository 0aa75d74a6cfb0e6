"""Recurrent baselines: five steps of the published cells, cells of torch, circuits that are maps."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.models import rnn

CELLS = json.loads((Path(__file__).parents[2] / "reference_values_systems.json").read_text())["rnn_cells"]
DT = 1e-3


def array(cell, name):
    return np.array(CELLS[cell][name])


def simulate(circuit, x, dt=DT, **options):
    engine = on.engines.Reference(dt=dt, progress=False, **options)
    return on.simulate(circuit, x, len(x) * dt, engine)


def lipschitz(matrix):
    """The matrix that acts on a column: the authors' code multiplies from the right."""
    beta, gamma = CELLS["lipschitz"]["beta"], CELLS["lipschitz"]["gamma"]
    M = matrix.T
    return beta * (M - M.T) + (1 - beta) * (M + M.T) - gamma * np.eye(len(M))


def published(cell):
    """The circuit of a golden cell: the gated ones share the numbers of those without a gate."""
    if cell == "cornn":
        weights = {"W_x": array(cell, "V"), "W_y": array(cell, "W_y"), "W_z": array(cell, "W_z")}
        constants = {name: CELLS[cell][name] for name in ("gamma", "epsilon")}
        return on.Circuit(cell, weights, b_d=array(cell, "b"), tau=DT / CELLS[cell]["dt"], step=DT, **constants)
    C, parameters = array("lipschitz", "C"), {"b_h": array("lipschitz", "b"), "tau": DT / CELLS["lipschitz"]["eps"]}
    weights = {"E": array("lipschitz", "E")}
    if cell.startswith("lipschitz"):
        weights |= {"W": lipschitz(C), "A": lipschitz(array("lipschitz", "B"))}
    else:
        skew = C - C.T if cell.endswith("gated") else C.T - C  # the authors' code of the one multiplies from the right
        weights["W"] = skew - CELLS["antisymmetric"]["gamma"] * np.eye(len(C))
    if cell.endswith("gated"):
        weights["E_g"], parameters["b_g"] = array("lipschitz_gated", "E_gate"), array("lipschitz_gated", "b_gate")
    return on.Circuit(cell, weights, **parameters)


@pytest.mark.parametrize("cell", ["cornn", "lipschitz", "lipschitz_gated", "antisymmetric", "antisymmetric_gated"])
def test_five_steps_of_the_published_cells(cell):
    trace = simulate(published(cell), array("cornn", "x"))
    for state in ("y", "z") if cell == "cornn" else ("h",):
        np.testing.assert_allclose(trace[state][1:], array(cell, state), rtol=0, atol=1e-14)


@pytest.mark.filterwarnings("ignore:the circuit was made for steps")
def test_the_velocity_that_moves_the_position_is_the_new_one():
    """With the old one, plain forward Euler, the last position is off by 2.8e-3."""
    circuit, x = published("cornn"), array("cornn", "x")
    y = simulate(circuit.replace(step=1e-12), x)  # the correction for the step vanishes
    expected = array("cornn", "forward_euler_y_last")
    np.testing.assert_allclose(y["y"][-1], expected, rtol=0, atol=1e-11)
    assert np.abs(expected - array("cornn", "y")[-1]).max() == pytest.approx(2.76e-3, rel=0.01)


@pytest.mark.filterwarnings("ignore:the circuit was made for steps")
def test_at_smaller_steps_cornn_is_the_oscillator():
    """With the step that stands in the equation made as small: first order in it, towards one solution."""
    circuit, x = published("cornn"), array("cornn", "x")[:1]
    errors = []
    exact = simulate(circuit.replace(step=1e-9), x.repeat(64, 0), DT / 64, method="rk4")["y"][-1]
    for k in (4, 8):
        errors.append(np.abs(simulate(circuit.replace(step=DT / k), x.repeat(k, 0), DT / k)["y"][-1] - exact).max())
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("model", ["lipschitz", "antisymmetric"])
def test_parametrizations_are_the_published_matrices(model):
    torch = pytest.importorskip("torch")
    from organics_neuro.nn.constraints import Antisymmetric, Lipschitz

    C = torch.tensor(array("lipschitz", "C"))
    made = Lipschitz(0.75, 0.001) if model == "lipschitz" else Antisymmetric(0.01)
    if model == "lipschitz":
        np.testing.assert_allclose(made(C.T), lipschitz(C.numpy()), rtol=0, atol=1e-15)
        torch.testing.assert_close(made(made.unconstrained(C)), C, rtol=0, atol=1e-14)
    else:
        eigenvalues = torch.linalg.eigvals(made(C)).real
        np.testing.assert_allclose(eigenvalues, -0.01, rtol=0, atol=1e-14)


@pytest.mark.parametrize("model", ["cornn", "elman", "elman_relu", "gru", "lstm"])
def test_circuits_that_are_maps_warn_at_another_step(model):
    declared = on.MODELS[model]
    weights = {name: 0.3 * np.ones((2, 2)) for name in declared.weights}
    circuit, x = on.Circuit(declared, weights), np.ones((2, 1, 2))
    with pytest.warns(
        UserWarning, match=r"was made for steps of 0.001 s, but is run with steps of 0.0005 s: give dt=0.00"
    ):
        simulate(circuit, x, DT / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(circuit, x)
        simulate(circuit.replace(step=DT / 2), x, DT / 2)


def test_the_step_is_one_time_for_all_units():
    with pytest.raises(ValueError, match="parameter 'step' is the time step, one number for all units, got shape"):
        on.Circuit("elman", {"W_ih": np.ones((2, 1)), "W_hh": np.eye(2)}, step=[1e-3, 2e-3])
    text = "dx/dt = -x/tau_x : 1\ntau_x : second\nk : 1"
    with pytest.raises(ValueError, match="the step 'k' must have the unit second, got 1"):
        on.CircuitModel("m", text, parameters={"tau_x": 1.0, "k": 1.0}, step="k")
    with pytest.raises(ValueError, match="unknown parameter in 'step' 'dt'"):
        on.CircuitModel("m", text, parameters={"tau_x": 1.0}, step="dt")


def test_models_are_listed():
    assert {model.name for model in rnn.MODELS} <= set(on.MODELS)


def test_declared_parametrizations_are_checked():
    text = "dx/dt = (-x + c)/tau_x : 1\nc : 1\ntau_x : second"
    given = {"couplings": [on.Coupling("c", "W", "x")], "parameters": {"tau_x": 1.0}}
    with pytest.raises(ValueError, match="unknown name in 'parametrizations' 'V'; known: 'W', 'tau_x'"):
        on.CircuitModel("m", text, parametrizations={"V": ("positive",)}, **given)
    with pytest.raises(ValueError, match="the weights 'W' cannot be .*constant.*; only parameters can"):
        on.CircuitModel("m", text, parametrizations={"W": ("constant",)}, **given)


def test_layers_bring_the_parametrization_of_their_paper():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    options = {"dtype": torch.float64}
    learned = {name for name, p in on.nn.CircuitLayer("cornn", 3, 5).cells[0].named_parameters() if p.requires_grad}
    assert learned == {"W_x", "W_y", "W_z", "b_d"}
    cell = on.nn.CircuitLayer("cornn", 3, 5, **options).cells[0]
    torch.testing.assert_close(cell.step_tau, torch.full((5,), 0.042, **options))
    everything = on.nn.CircuitLayer("cornn", 3, 5, fixed=())
    assert {"gamma", "epsilon"} <= {
        name.split(".")[1] for name, _ in everything.cells[0].named_parameters() if "." in name
    }
    skew = on.nn.CircuitLayer("antisymmetric", 3, 5, **options).cells[0].W
    torch.testing.assert_close(skew + skew.T, -0.02 * torch.eye(5, **options))
    dissipative = on.nn.CircuitLayer("lipschitz", 3, 64, **options).cells[0]
    for W in (dissipative.A, dissipative.W):
        assert torch.linalg.eigvals(W).real.max() < 0.05 < torch.linalg.eigvals(W).imag.max()  # near a rotation
    free = on.nn.CircuitLayer("lipschitz", 3, 5, parametrizations={"W": "orthogonal"}, **options).cells[0].W
    torch.testing.assert_close(free @ free.T, torch.eye(5, **options))
    with pytest.raises(
        ValueError, match="the parameter 'step' of the model 'cornn' is the step of the layer: give dt="
    ):
        on.nn.CircuitLayer("cornn", 3, 5, parameters={"step": 1e-3})
