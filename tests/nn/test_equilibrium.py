"""The solver of steady states: small residuals, exact gradients, of every declared model; errors where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import organics_neuro as on

torch = pytest.importorskip("torch")

from torch.autograd import gradcheck  # noqa: E402

from organics_neuro.core.errors import ConvergenceError  # noqa: E402
from organics_neuro.nn import equilibrium as solver  # noqa: E402
from tests.nn.steady_layers import random_circuit, two_type  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "reference_values.json").read_text())


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 30), seed=st.integers(0, 10**6), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_residual(n, seed, dtype):
    """Small for every circuit of this ensemble, by the equations themselves, in single precision as well."""
    drive, offset, W_r, W = (value.to(dtype) for value in random_circuit(n, seed))
    found = two_type(drive, offset, W_r, W)
    assert found.y.dtype == dtype
    y, a, u, c, R, P = (value.double() for value in (found.y, found.a, drive, offset, W_r, W))
    scale = max(1.0, y.abs().max().item(), a.max().item())
    allowed = {torch.float32: 1e-6, torch.float64: 1e-12}[dtype] * 1.5 * scale  # rounding of the test itself
    assert (u + (1 - a.sqrt()) * (y @ R.T) - y).abs().max() <= allowed
    assert (c + (a * y**2) @ P.T - a).abs().max() <= allowed


def test_identity_recurrence_is_found_at_once():
    drive, offset, _, W = random_circuit(6, 1)
    found = two_type(drive, offset, torch.eye(6, dtype=torch.float64), W)
    a = offset + drive.square() @ W.T
    torch.testing.assert_close(found.a, a)
    torch.testing.assert_close(found.y, drive / a.sqrt())
    assert (found.iterations == solver._CHECK_EVERY).all()


def test_only_samples_that_fail_take_the_damped_iteration():
    drive, offset, W_r, W = random_circuit(10, 0)
    drive[1] *= 20  # here the fast iteration diverges
    found = two_type(drive, offset, W_r, W)
    assert (found.residual <= 1e-12 * found.a.amax(-1).clamp(min=1)).all()
    assert found.iterations[1] > found.iterations[0] == found.iterations[2]
    alone = two_type(drive[1], offset, W_r, W)
    torch.testing.assert_close(found.y[1], alone.y)
    single = two_type(*(value.float() for value in (drive, offset, W_r, W)))
    torch.testing.assert_close(single.y, found.y.float())


def test_an_unstable_fixed_point_is_found():
    """The one of the circuit with w_r = -1 and all else 1, from which the circuit itself runs away."""
    one, golden = torch.ones(1, 1, dtype=torch.float64), GOLDEN["counterexample_wr_minus1"]["fixed_points"][0]
    found = two_type(one, one[0], -one, one)
    assert [found.y.item(), found.a.item()] == pytest.approx([golden["y"], golden["a"]], rel=1e-10)


def test_no_steady_state_is_an_error():
    """One of three inputs has none that anything found: not the theory of the package either."""
    drive, offset, W_r, W = random_circuit(6, 4, size=1)
    with pytest.raises(ConvergenceError, match=r"no steady state was found for 1 of 3 samples \(residual up to"):
        two_type(drive, offset, W_r, W)
    two_type(drive[:2], offset, W_r, W)
    circuit = on.Circuit("two_type", {"W_r": W_r.numpy(), "W": W.numpy()}, b=1, b0=offset.sqrt().numpy(), sigma=1)
    with pytest.warns(on.errors.ConvergenceWarning, match="in 1 of 3 trials"):
        on.theory.fixed_point(circuit, drive.numpy())


def test_input_that_makes_the_drive_infinite_is_an_error():
    drive, offset, W_r, W = random_circuit(6, 4, size=1)
    with pytest.raises(ValueError, match="makes its drive infinite"):
        two_type(drive * torch.inf, offset, W_r, W)


@pytest.mark.parametrize("scale", [1, 20])
def test_gradients_of_both_states(scale):
    """Also where the fast iterations fail and equations are solved."""
    values = random_circuit(5, 3)
    values[0][1] *= scale
    values = [value.requires_grad_() for value in values]
    assert gradcheck(lambda *values: tuple(two_type(*values)[:2]), values, rtol=1e-4)


def test_gradient_equals_that_of_the_unrolled_iteration():
    values = [value.requires_grad_() for value in random_circuit(8, 2)]
    drive, offset, W_r, W = values
    y, a = drive, offset + drive.square()
    for _ in range(200):
        y = drive + (1 - a.sqrt()) * (y @ W_r.T)
        a = offset + (a * y.square()) @ W.T
    target = torch.randn_like(y)
    expected = torch.autograd.grad((y * target).sum() + a.sum(), values)
    found = two_type(*values)
    for mine, theirs in zip(
        torch.autograd.grad((found.y * target).sum() + found.a.sum(), values), expected, strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-10)


# --- any declared model ---------------------------------------------------------------------------------------------


def problem(model, n=3, seed=0):
    """A circuit with weak recurrence, its inputs, and what `solve` takes for it."""
    rng = np.random.default_rng(seed)
    external = {x: rng.normal(size=(3, 2)) for x in model.external}
    weights = {c.weights: rng.uniform(0.1, 0.4, (n, 2 if model.external_source(c) else n)) for c in model.couplings}
    for name in set(weights) & set(model.parametrizations):  # that keeps a network dissipative
        weights[name] = weights[name] - weights[name].T - 0.5 * np.eye(n)
    circuit = on.Circuit(model, weights, **{"b0": rng.uniform(0.5, 1, n)} if "b0" in model.parameters else {})
    inputs = {x: external[x] if x in external else rng.uniform(0.1, 0.5, (3, n)) for x in circuit.inputs}
    tensors = {name: torch.tensor(w) for name, w in weights.items()}
    values = {name: torch.tensor(v) if np.ndim(v) else v for name, v in circuit.parameters.items()}
    values |= {name: torch.tensor(v) for name, v in inputs.items() if name not in external}
    for c in model.couplings:
        if x := model.external_source(c):
            values[c.target] = torch.tensor(inputs[x]) @ tensors.pop(c.weights).T
    return circuit, inputs, values, tensors


#: One model of each kind: constant gains add no coupling of a new kind.
KINDS = [m for m in on.MODELS.values() if "constant" not in m.name]


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.name)
def test_the_steady_state_of_every_model_is_that_of_the_theory(model):
    """And its gradients are those of small differences: the equations are the declaration's."""
    circuit, inputs, values, weights = problem(model)
    found = solver.solve(model, values, weights)
    point = on.theory.fixed_point(circuit, inputs)
    assert point.converged.all()
    assert found.residual.max() < 1e-12 * 2
    for name, value in found.states.items():
        np.testing.assert_allclose(value, point.state[name], rtol=0, atol=1e-9)
    names = [name for name, value in values.items() if isinstance(value, torch.Tensor)]
    leaves = [v.requires_grad_() for v in (*(values[name] for name in names), *weights.values())]

    def run(*leaves):
        given = {**values, **dict(zip(names, leaves, strict=False))}
        return tuple(solver.solve(model, given, dict(zip(weights, leaves[len(names) :], strict=True))).states.values())

    assert gradcheck(run, leaves, rtol=1e-4, atol=1e-6, fast_mode=True)
