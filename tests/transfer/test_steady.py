"""The circuit of a steady-state layer settles, in Brian2, at what the layer gives."""

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from brian2 import prefs  # noqa: E402

from organics_neuro.nn import DivisiveNormalization, DivisiveNormalization2d, ORGaNICs  # noqa: E402
from organics_neuro.transfer import steady_circuit  # noqa: E402
from tests.simulators import simulate_brian  # noqa: E402


def steady_layer(kind, dtype=torch.float64):
    """A steady-state layer with random parameters, and a batch for it."""
    torch.manual_seed(0)
    if kind in ("identity", "learned"):
        layer, x = DivisiveNormalization(3, 6, kind, dtype=dtype), torch.randn(4, 3, dtype=dtype)
    else:
        given = {"pool": "local", "pool_size": 3} if kind == "local" else {}
        layer, x = DivisiveNormalization2d(1, 2, 3, dtype=dtype, **given), torch.randn(4, 1, 6, 5, dtype=dtype)
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return layer, x


@pytest.mark.parametrize("kind", ["identity", "learned", "uniform", "local"])
def test_steady_state_in_brian_equals_the_layer(kind, monkeypatch):
    monkeypatch.setitem(prefs, "codegen.target", "numpy")  # nothing to compile
    layer, x = steady_layer(kind)
    circuit, z = steady_circuit(layer, x)
    assert on.theory.is_stable(circuit, z).all()
    states = simulate_brian(circuit, z, duration=0.12, dt=5e-4, every=None)
    rates = np.maximum(states["y"][-1], 0) ** 2
    np.testing.assert_allclose(rates.reshape(layer(x).shape), layer(x).detach(), rtol=0, atol=1e-9)


def test_steady_circuit_of_single_precision_and_one_sample():
    layer, x = steady_layer("learned", torch.float32)
    circuit, z = steady_circuit(layer, x[0].tolist())
    assert z.shape == (1, 6)
    rates = np.maximum(on.theory.fixed_point(circuit, z).state["y"], 0) ** 2
    np.testing.assert_allclose(rates[0], layer(x[0]).detach(), rtol=0, atol=1e-6)


def test_a_pool_may_be_larger_than_the_image():
    torch.manual_seed(0)
    layer = DivisiveNormalization2d(1, 2, 3, pool="local", pool_size=7, padding=1, dtype=torch.float64)
    x = torch.randn(1, 1, 2, 3, dtype=torch.float64)
    circuit, z = steady_circuit(layer, x)
    rates = np.maximum(on.theory.fixed_point(circuit, z).state["y"], 0) ** 2
    np.testing.assert_allclose(rates, layer(x).detach().reshape(1, -1), rtol=0, atol=1e-9)


def test_steady_circuit_bad_arguments():
    with pytest.raises(
        TypeError,
        match="takes a steady-state layer such as DivisiveNormalization, got ORGaNICs; a recurrent .* by to_circuit",
    ):
        steady_circuit(ORGaNICs(3, 5), torch.ones(2, 3))
    with pytest.raises(ValueError, match="with legacy=True is not the steady state of a circuit"):
        steady_circuit(DivisiveNormalization(3, 5, "learned", legacy=True), torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"input has shape \(2, 4\)"):
        steady_circuit(DivisiveNormalization(3, 5), torch.ones(2, 4))
