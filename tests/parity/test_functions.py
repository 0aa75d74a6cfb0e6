"""Every function has the same value in every engine, and the same slope in theory and in torch."""

import brian2 as b2
import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.brian.device import device
from organics_neuro.core import expressions
from tests.brian.conftest import run_on
from tests.core.expressions.calls import CALLS, CHOICES, P, X

TEXTS = {**{f"call_{k}": v for k, v in CALLS.items()}, **{f"choice_{k}": v for k, v in CHOICES.items()}}


def make_circuit():
    """One state for each call; after one Euler step of the time constant it is the value."""
    on.register_function(
        "own_gain",
        numpy=lambda x, p: x / (1 + np.abs(x) * p),
        derivative=("1/(1 + abs(x)*p)**2", "-x*abs(x)/(1 + abs(x)*p)**2"),
        brian="x/(1 + abs(x)*p)",
        torch=lambda x, p: x / (1 + x.abs() * p),
    )
    texts = {name: text for name, (text, _) in TEXTS.items()} | {"own": "own_gain(2*x, p)"}
    equations = [f"d{name}/dt = ({text})/tau_s : 1" for name, text in texts.items()]
    model = on.CircuitModel(
        "functions", "\n".join([*equations, "x : 1", "p : 1", "tau_s : second"]), parameters={"tau_s": 1e-4}
    )
    return on.Circuit(model, size=len(X)), texts


@pytest.mark.parametrize("target", ["numpy", "cython", "cpp"])
def test_brian(target):
    circuit, texts = make_circuit()
    with device(run_on(target)):
        group = on.CircuitGroup(circuit, dt=0.1 * b2.ms)
        group.x, group.p = X, P
        b2.Network(group).run(0.1 * b2.ms)
        found = {name: np.array(group.variables[name].get_value()) for name in texts}
    for name, text in texts.items():
        function = expressions.compile_function(["x", "p"], [expressions.parse(text)])
        np.testing.assert_allclose(found[name], np.broadcast_to(function(X, P)[0], X.shape), rtol=1e-12, err_msg=text)


@pytest.mark.parametrize("name", [*TEXTS, "own"])
def test_torch(name):
    torch = pytest.importorskip("torch")
    from organics_neuro.nn.functional import TORCH

    text = make_circuit()[1][name]
    expression = expressions.parse(text)
    slopes = [expressions.derivative(expression, v) for v in "xp"]
    value, *expected = expressions.compile_function(["x", "p"], [expression, *slopes])(X, P)
    x, p = (torch.tensor(v, requires_grad=True) for v in (X, P))
    result = expressions.compile_function(["x", "p"], [expression], TORCH)(x, p)[0]
    np.testing.assert_allclose(result.detach().numpy(), np.broadcast_to(value, X.shape), rtol=1e-12)
    assert result.dtype == torch.float64
    if result.requires_grad:
        found = torch.autograd.grad(result.sum(), (x, p), allow_unused=True, materialize_grads=True)
        for slope, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(slope.numpy(), np.broadcast_to(wanted, X.shape), rtol=1e-12, atol=1e-14)
    else:
        assert not np.any(expected)


def test_torch_keeps_single_precision():
    torch = pytest.importorskip("torch")
    from organics_neuro.nn.functional import TORCH

    x = torch.tensor(X, dtype=torch.float32)
    for name, text in make_circuit()[1].items():
        result = expressions.compile_function(["x", "p"], [expressions.parse(text)], TORCH)(x, x.abs() / 4)[0]
        assert result.dtype == torch.float32, name


def test_numbers_in_torch_follow_the_same_arithmetic():
    pytest.importorskip("torch")
    from organics_neuro.nn.functional import TORCH

    for text, expected in (("(x - p)**p", np.nan), ("1/(x*p)", np.inf), ("(x + 1e160)**2", np.inf)):
        assert expressions.compile_function(["x", "p"], [expressions.parse(text)], TORCH)(0.0, 0.5)[0] == pytest.approx(
            expected, nan_ok=True
        )
