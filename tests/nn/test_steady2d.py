"""The convolutional steady-state layer: the steady state of its circuit, its gradients, and its geometry."""

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from torch.autograd import gradcheck  # noqa: E402

from organics_neuro.nn import DivisiveNormalization2d  # noqa: E402


def conv_layer(pool, seed=0, **given):
    torch.manual_seed(seed)
    size = {"pool": "local", "pool_size": 3} if pool == "local" else {}
    layer = DivisiveNormalization2d(2, 3, (3, 2), dtype=torch.float64, **size, **given)
    with torch.no_grad():
        layer.parametrizations.W.original.normal_()
        layer.parametrizations.b0.original.normal_()
    return layer


def pool_matrix(layer, channel, height, width):
    """The pool of a channel as a matrix of (height width, height width), from its definition."""
    W = layer.W[channel].detach().numpy()
    if layer.pool == "uniform":
        return np.full((height * width,) * 2, W.item())
    matrix, r = np.zeros((height, width, height, width)), len(W) // 2
    for i, j, k, m in np.ndindex(matrix.shape):
        if abs(k - i) <= r and abs(m - j) <= r:
            matrix[i, j, k, m] = W[k - i + r, m - j + r]
    return matrix.reshape(height * width, height * width)


@pytest.mark.parametrize("pool", ["uniform", "local"])
@pytest.mark.parametrize("geometry", [{}, {"stride": 2, "padding": 1}])
def test_convolution_is_the_steady_state_of_the_rectified_circuit(pool, geometry):
    layer, x = conv_layer(pool, **geometry), torch.randn(2, 2, 6, 5, dtype=torch.float64)
    output, found = layer(x).detach().numpy(), layer.steady_state(x)
    drive = layer.drive(x).detach().numpy()
    assert output.shape == drive.shape
    np.testing.assert_allclose(torch.relu(found.y.detach()) ** 2, output, rtol=0, atol=1e-13)
    assert found.residual.max() < 1e-12
    for channel in range(3):
        W = pool_matrix(layer, channel, *drive.shape[-2:])
        circuit = on.Circuit("two_type_rectified", {"W": W}, b=1, b0=layer.b0[channel].item(), sigma=1)
        point = on.theory.fixed_point(circuit, drive[:, channel].reshape(2, -1))
        np.testing.assert_allclose(found.y[:, channel].detach().reshape(2, -1), point.state["y"], rtol=0, atol=1e-13)
        np.testing.assert_allclose(found.a[:, channel].detach().reshape(2, -1), point.state["a"], rtol=0, atol=1e-13)


@pytest.mark.parametrize("pool", ["uniform", "local"])
def test_gradients_of_the_convolution(pool):
    layer = conv_layer(pool)
    names = [name for name, _ in layer.named_parameters()]
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True)

    def run(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    assert gradcheck(run, (x, *layer.parameters()))


@pytest.mark.parametrize(
    ("geometry", "size"),
    [
        ({"padding": "same"}, (1, 1)),
        ({"padding": "valid"}, (3, 5)),
        ({"padding": "valid", "stride": 3}, (3, 5)),
        ({"padding": (1, 3), "stride": (2, 1)}, (1, 1)),
        ({"padding": [0, 1], "stride": [2, 3]}, (3, 3)),
        ({"padding": 1}, (9, 8)),
    ],
)
def test_geometry_is_that_of_torch(geometry, size):
    """Also for the smallest images that there may be."""
    layer, like = DivisiveNormalization2d(1, 2, (3, 5), **geometry), torch.nn.Conv2d(1, 2, (3, 5), **geometry)
    assert layer(torch.ones(1, 1, *size)).shape == like(torch.ones(1, 1, *size)).shape


def test_local_pool_starts_as_a_gaussian():
    layer = DivisiveNormalization2d(1, 2, 3, pool="local", pool_size=9)
    assert layer.W[0, 4, 4] == 1
    assert layer.W[1, 4, 4 + 2].item() == pytest.approx(np.exp(-(2**2) / (2 * (9 / 4) ** 2)))
    torch.testing.assert_close(layer.W[0], layer.W[0].T)
    assert DivisiveNormalization2d(1, 2, 3).W.shape == (2, 1, 1)


def test_memory_of_the_convolution_follows_the_number_of_units():
    """A pool of (height width)² weights would hold 10^10 numbers here."""
    layer = DivisiveNormalization2d(1, 1, 3, padding=1)
    layer(torch.ones(1, 1, 320, 320)).sum().backward()
    assert layer.W.numel() == 1
