"""Operators in torch: each equals its matrix, and so do its derivatives, without making the matrix."""

import numpy as np
import pytest
from scipy.sparse import coo_array

import organics_neuro as on
from organics_neuro.core.operators import Operator, identity
from organics_neuro.core.products import register
from tests.core.operators import CASES
from tests.core.test_products import Negated

torch = pytest.importorskip("torch")
functional = pytest.importorskip("organics_neuro.nn.functional")
operators = pytest.importorskip("organics_neuro.nn.operators")

every_operator = pytest.mark.parametrize(
    "operator", [operator for _, operator in CASES], ids=[name for name, _ in CASES]
)


def values(operator, *axes, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*axes, operator.shape[1], generator=generator, dtype=torch.float64).to(dtype)


@every_operator
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("axes", [(), (3,), (2, 3)])
def test_product_equals_the_matrix(operator, dtype, tolerance, axes):
    x = values(operator, *axes, dtype=dtype)
    found = operators.product(operator, dtype=dtype)(x)
    assert found.dtype == dtype
    expected = x.double() @ torch.tensor(operator.to_dense()).T
    scale = max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(found.double(), expected, atol=tolerance * scale, rtol=0)


@every_operator
def test_derivatives(operator):
    multiply, x = operators.product(operator), values(operator, 2).requires_grad_()
    projected = x.numel() > 1000  # in random directions, not in each
    assert torch.autograd.gradcheck(multiply, x, check_forward_ad=True, fast_mode=projected)
    assert torch.autograd.gradgradcheck(lambda x: multiply(x) ** 2, x, fast_mode=projected)


@every_operator
def test_transforms_of_torch_func(operator):
    multiply, x = operators.product(operator), values(operator, 3, 2)
    matrix = torch.tensor(operator.to_dense())
    torch.testing.assert_close(torch.func.vmap(multiply, in_dims=1, out_dims=1)(x), x @ matrix.T)
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        torch.testing.assert_close(jacobian(multiply)(x[0, 0]), matrix)


def test_the_identity_costs_nothing():
    x = torch.ones(3)
    assert operators.product(identity(3), dtype=torch.float32)(x) is x


LARGE = 4000


@pytest.mark.parametrize(
    "operator",
    [
        on.Circulant(np.append([1.0, 0.5], np.zeros(LARGE - 2))),
        on.Circulant(np.linspace(0, 1, LARGE)),
        on.Convolution(np.ones((3, 3)), (40, 100)),
        on.Convolution(np.arange(9.0).reshape(3, 3), (40, 100), "zero"),
        on.LowRank(np.arange(LARGE), np.ones(LARGE)),
        on.AllToAll(LARGE),
        on.Circulant(np.append([1.0, 0.5], np.zeros(LARGE - 2))) + on.AllToAll(LARGE),
    ],
)
def test_no_matrix_is_made(operator, monkeypatch):
    """Of a circuit of 4,000 units, forward and backward: 128 MB in double precision."""

    def refuse(self):
        raise AssertionError("a matrix was made")

    for cls in {Operator, type(operator), *(type(term) for term in getattr(operator, "terms", ()))}:
        if "to_dense" in vars(cls):
            monkeypatch.setattr(cls, "to_dense", refuse)
    circuit = on.Circuit("two_type", {"W_r": operator}, size=LARGE)
    states = {name: torch.full((LARGE,), 0.1, dtype=torch.float64, requires_grad=True) for name in circuit.states}
    largest = 0

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.untyped_storage().nbytes() if result.layout == torch.strided else 0)
            return result

    with Watch():
        new = functional.euler_step(circuit, states, torch.ones(LARGE, dtype=torch.float64))
        new["y"].sum().backward()
    assert states["y"].grad.isfinite().all()
    assert 0 < largest < 64 * 8 * LARGE


def test_large_sparse_weights_make_no_matrix(monkeypatch):
    rng, n = np.random.default_rng(0), 100_000
    rows, columns = rng.integers(0, n, size=(2, 5 * n))
    operator = on.Sparse(coo_array((rng.normal(size=5 * n), (rows, columns)), (n, n)))
    x = values(operator, 2).requires_grad_()
    found = operators.product(operator)(x)
    np.testing.assert_allclose(found.detach(), operator.apply(x.detach().numpy()), rtol=1e-9, atol=1e-9)
    found.sum().backward()
    np.testing.assert_allclose(x.grad[0], operator.apply_transposed(np.ones(n)), rtol=1e-9, atol=1e-9)


def test_a_users_operator_is_refused_until_torch_knows_it():
    circuit = on.Circuit("two_type", {"W_r": Negated(3)}, size=3)
    states = {name: torch.full((3,), 0.1, dtype=torch.float64) for name in circuit.states}
    with pytest.raises(
        TypeError, match=r"torch cannot multiply .* class Negated; convert them with Dense\(weights.to_"
    ):
        functional.euler_step(circuit, states)

    class Known(Negated):
        pass

    register("torch", Known, lambda operator, dtype, device: torch.neg)
    found = functional.euler_step(circuit.replace(weights={"W_r": Known(3)}), states)
    expected = functional.euler_step(circuit.replace(weights={"W_r": on.Dense(-np.eye(3))}), states)
    torch.testing.assert_close(found["y"], expected["y"])
