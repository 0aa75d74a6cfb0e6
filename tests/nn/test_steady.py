"""Steady-state layers: the fixed points of their circuits, exact gradients, and errors instead of wrong numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from torch.autograd import gradcheck  # noqa: E402

from organics_neuro.nn import DivisiveNormalization, DivisiveNormalization2d  # noqa: E402
from organics_neuro.nn.constraints import SpectralBound  # noqa: E402
from organics_neuro.nn.equations import System  # noqa: E402
from organics_neuro.nn.published import published_iteration  # noqa: E402
from organics_neuro.nn.steady import TWO_TYPE  # noqa: E402
from tests.nn.steady_layers import random_circuit, random_layer, two_type  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "reference_values.json").read_text())


# --- the steady state -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recurrence", ["identity", "learned"])
def test_output_is_the_rate_at_the_fixed_point_of_the_circuit(recurrence):
    layer, x = random_layer(recurrence), torch.randn(5, 4, dtype=torch.float64)
    W_r = np.eye(6) if recurrence == "identity" else layer.W_r.detach().numpy()
    circuit = on.Circuit(
        "two_type", {"W_r": W_r, "W": layer.W.detach().numpy()}, b=1, b0=layer.b0.detach().numpy(), sigma=1
    )
    point = on.theory.fixed_point(circuit, layer.drive(x).detach().numpy())
    np.testing.assert_allclose(layer(x).detach(), np.maximum(point.state["y"], 0) ** 2, rtol=0, atol=1e-10)
    found = layer.steady_state(x)
    np.testing.assert_allclose(found.y.detach(), point.state["y"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.a.detach(), point.state["a"], rtol=0, atol=1e-10)


def test_drive():
    layer, x = random_layer(), torch.randn(5, 4, dtype=torch.float64)
    z, gain = x @ layer.W_zx.T, torch.sigmoid(x @ layer.W_bx.T)
    torch.testing.assert_close(layer.drive(x), gain * z / z.norm(dim=1, keepdim=True))
    assert not layer.drive(0 * x).any()
    assert not layer(0 * x).any()


@pytest.mark.parametrize("recurrence", ["identity", "learned"])
def test_input_that_is_not_finite_is_an_error(recurrence):
    x = torch.ones(2, 4)
    x[1, 2] = torch.nan
    with pytest.raises(ValueError, match="input holds NaN or infinity; remove these samples"):
        DivisiveNormalization(4, 6, recurrence=recurrence)(x)


@pytest.mark.parametrize("name", ["W_zx", "W_r", "W", "b0"])
def test_a_parameter_that_is_not_finite_is_named(name):
    layer = DivisiveNormalization(4, 6, "learned")
    with torch.no_grad():
        next(value for key, value in layer.named_parameters() if name in key.split(".")).flatten()[0] = torch.nan
    with pytest.raises(ValueError, match=f"the parameter .*{name}.* of the layer holds NaN or infinity"):
        layer(torch.ones(2, 4))


@pytest.mark.parametrize("make", [lambda: DivisiveNormalization(4, 6), lambda: DivisiveNormalization2d(3, 30, 1)])
@pytest.mark.parametrize("size", [1e21, 1e38])
def test_an_input_of_which_no_square_exists_is_an_error(make, size):
    torch.manual_seed(0)
    layer, x = make(), torch.full((3, 4, 4), size)
    for call in (layer, layer.steady_state):
        with pytest.raises(ValueError, match="input, or a parameter of the layer, is too large for torch.float32"):
            call(x)


@pytest.mark.parametrize("recurrence", ["identity", "learned"])
def test_under_autocast_a_layer_keeps_its_precision(recurrence):
    layer, x = random_layer(recurrence).float(), torch.randn(3, 4)
    with torch.autocast("cpu", torch.bfloat16):
        output, residual = layer(x), layer.steady_state(x).residual
    assert torch.equal(output, layer(x))
    assert residual.max() < 1e-6


# --- gradients ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recurrence", ["identity", "learned"])
def test_gradients_of_the_layer(recurrence):
    layer = random_layer(recurrence)
    names = [name for name, _ in layer.named_parameters()]
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)

    def run(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    assert gradcheck(run, (x, *layer.parameters()))


def test_second_derivatives_are_refused():
    """Also where only those with respect to the input are asked for."""
    layer, x = random_layer(), torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="learned recurrence has no second derivatives"):
        torch.autograd.grad(first.sum(), x)


def test_gradient_in_single_precision():
    def gradients(dtype):
        layer, x = random_layer(n=20, dtype=torch.float64).to(dtype), torch.linspace(-1, 1, 32).view(8, 4).to(dtype)
        layer(x).square().sum().backward()
        return torch.cat([p.grad.flatten().double() for p in layer.parameters()])

    exact = gradients(torch.float64)
    assert (gradients(torch.float32) - exact).abs().max() <= 1e-5 * exact.abs().max()


# --- parameters -----------------------------------------------------------------------------------------------------


def test_spectral_bound():
    bound, matrix = SpectralBound(), torch.randn(5, 5, dtype=torch.float64)
    assert torch.linalg.matrix_norm(bound(3 * matrix), 2).item() == pytest.approx(1)
    torch.testing.assert_close(bound(matrix / 100), matrix / 100)
    torch.testing.assert_close(bound(torch.zeros(2, 2)), torch.zeros(2, 2))
    assert gradcheck(bound, (matrix.requires_grad_(),))


def test_start():
    torch.manual_seed(0)
    layer = DivisiveNormalization(9, 30, "learned")
    torch.testing.assert_close(layer.W_r, torch.eye(30))
    assert (layer.b0 == 0.5).all()
    assert torch.equal(layer.W.diagonal(), torch.ones(30))
    assert np.exp(-1) <= layer.W.min() < layer.W.max() <= 1
    assert 0.3 < max(layer.W_zx.max(), layer.W_bx.max()) <= 1 / 3
    assert sum(p.numel() for p in layer.parameters()) == 2 * 30 * 9 + 2 * 30 * 30 + 30
    with torch.no_grad():
        layer.W_r = torch.zeros(30, 30)
        layer.W = torch.full((30, 30), 0.2)
    assert not layer.W_r.any()
    torch.testing.assert_close(layer.W, torch.full((30, 30), 0.2))


def test_repr():
    assert "  3, 5, recurrence='learned', legacy=True" in repr(DivisiveNormalization(3, 5, "learned", legacy=True))
    layer = DivisiveNormalization2d(1, 2, 3, pool="local", pool_size=5)
    assert "1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(0, 0), pool='local', pool_size=5" in repr(layer)


def test_leading_axes():
    layer, x = random_layer(), torch.randn(2, 3, 4, dtype=torch.float64)
    assert layer(x).shape == (2, 3, 6)
    torch.testing.assert_close(layer(x)[1, 2], layer(x[1, 2]))
    assert layer.steady_state(x).residual.shape == (2, 3)


# --- the published algebra ------------------------------------------------------------------------------------------


def published(layer, x):
    """The public code's computation for one sample, in NumPy."""
    W_zx, W_bx, W_r, W, b0 = (getattr(layer, k).detach().numpy() for k in ("W_zx", "W_bx", "W_r", "W", "b0"))
    z = W_zx @ x
    drive = z / np.linalg.norm(z) / (1 + np.exp(-W_bx @ x))
    a = b0**2 + W @ (W_r @ drive) ** 2 + 1e-10
    for _ in range(10):
        y = np.linalg.solve(np.eye(len(a)) - W_r + np.diag(a) @ W_r, drive)
        a = b0**2 + W @ (y**2 * a) + 1e-10
    return y, a


def test_legacy_is_the_published_algebra():
    layer, x = random_layer(legacy=True), torch.randn(3, 4, dtype=torch.float64)
    found = layer.steady_state(x)
    for k in range(3):
        y, a = published(layer, x[k].numpy())
        np.testing.assert_allclose(found.y[k].detach(), y, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found.a[k].detach(), a, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(layer(x), torch.relu(found.y) ** 2)


def test_legacy_is_not_a_steady_state():
    """100 circuits of 10 units, as in the check whose numbers are kept; other random numbers, so medians differ a little."""
    errors, relative = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        drive, _, W_r, W = random_circuit(10, seed)
        offset = torch.full((10,), 0.25, dtype=torch.float64)
        W = torch.tensor(np.exp(rng.uniform(-1, 0, (10, 10)))).fill_diagonal_(1)
        y, a = published_iteration(drive, offset, W_r, W)
        true = two_type(drive, offset, W_r, W)
        system = System(TWO_TYPE, {"z": drive, "b": 1.0, "b0": offset.sqrt(), "sigma": 1.0}, {"W_r": W_r, "W": W})
        errors.extend(system.error([y, a]).tolist())
        relative.extend(((y - true.y).norm(dim=-1) / true.y.norm(dim=-1)).tolist())
    golden = GOLDEN["ff_py_check"]
    assert np.median(errors) == pytest.approx(golden["residual_ff_median"], rel=0.25)
    assert np.median(relative) == pytest.approx(golden["rel_y_difference_median"], rel=0.25)


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DivisiveNormalization(3, 5, "free"), "unknown recurrence 'free'; known: 'identity', 'learned'"),
        (lambda: DivisiveNormalization(3, 5, legacy=True), "legacy=True changes learned recurrence only"),
        (lambda: DivisiveNormalization(3, 0), "out_features must be a positive integer, got 0"),
        (lambda: DivisiveNormalization(3, 5)(torch.ones(2, 4)), r"input has shape \(2, 4\), .* \(..., in_features=3\)"),
        (lambda: DivisiveNormalization(3, 5)(torch.ones(2, 3).double()), "input is torch.float64, but the parameters"),
        (
            lambda: random_layer().bfloat16()(torch.ones(2, 4).bfloat16()),
            "needs float32 or float64, got torch.bfloat16",
        ),
        (lambda: DivisiveNormalization2d(1, 5, 3, pool="all"), "unknown pool 'all'; known: 'uniform', 'local'"),
        (lambda: DivisiveNormalization2d(1, 5, 3, pool_size=3), "give pool_size with pool='local', and only then"),
        (lambda: DivisiveNormalization2d(1, 5, 3, pool="local"), "give pool_size with pool='local', and only then"),
        (lambda: DivisiveNormalization2d(1, 5, 3, pool="local", pool_size=4), "pool_size must be odd"),
        (lambda: DivisiveNormalization2d(1, 5, (3, 0)), "kernel_size must be a positive integer, got 0"),
        (lambda: DivisiveNormalization2d(1, 5, 0), "kernel_size must be a positive integer, got 0"),
        (
            lambda: DivisiveNormalization2d(1, 5, (3, 3, 3)),
            r"kernel_size must be a positive integer, got \(3, 3, 3\)",
        ),
        (lambda: DivisiveNormalization2d(1, 5, 3.0), "kernel_size must be a positive integer, got 3.0"),
        (lambda: DivisiveNormalization2d(1, 5, 3, stride=0), "stride must be a positive integer, got 0"),
        (
            lambda: DivisiveNormalization2d(1, 5, 3, stride=(1, 2, 3)),
            r"stride must be a positive integer, got \(1, 2, 3\)",
        ),
        (lambda: DivisiveNormalization2d(1, 5, 3, padding=-1), "padding must be an integer, 0 or larger, got -1"),
        (lambda: DivisiveNormalization2d(1, 5, 3, padding=(1, 2.0)), "padding must be an integer, .* got 2.0"),
        (lambda: DivisiveNormalization2d(1, 5, 3, padding="foo"), "unknown padding 'foo'; known: 'same', 'valid'"),
        (
            lambda: DivisiveNormalization2d(1, 5, 3, stride=2, padding="same"),
            r"padding='same' needs stride=1, got \(2, 2\); give padding as a number",
        ),
        (
            lambda: DivisiveNormalization2d(1, 5, (3, 4))(torch.ones(1, 1, 8, 3)),
            r"images are 8 x 3, but must be at least 3 x 4 for kernel_size=\(3, 4\) and padding=\(0, 0\)",
        ),
        (
            lambda: DivisiveNormalization2d(1, 5, 5, padding=(1, 3))(torch.ones(1, 2, 0)),
            r"images are 2 x 0, but must be at least 3 x 1",
        ),
        (lambda: DivisiveNormalization2d(1, 5, 3, padding="same")(torch.ones(1, 0, 4)), "images are 0 x 4, but must"),
        (lambda: DivisiveNormalization2d(1, 5, 3, padding="valid")(torch.ones(1, 2, 4)), "images are 2 x 4, but must"),
        (lambda: DivisiveNormalization2d(1, 5, 3)(torch.ones(1, 2, 8, 8)), r"must have \(batch, in_channels=1, height"),
        (lambda: DivisiveNormalization2d(1, 5, 3)(torch.ones(8, 8)), r"input has shape \(8, 8\)"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("layer", [DivisiveNormalization(3, 5), DivisiveNormalization2d(3, 5, 1)])
def test_an_array_of_numpy_is_an_error(layer):
    with pytest.raises(TypeError, match="input must be a tensor, got ndarray; make one with torch.as_tensor"):
        layer(torch.ones(3, 3, 3).numpy())
