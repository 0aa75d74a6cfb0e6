"""Weight operators in torch: each multiplies by its structure, and so do its derivatives.

No product makes the (m, n) matrix, unless the operator is one. All are linear in their argument, work along its last
axis with any axes before it, and can be differentiated any number of times, also by `torch.func`.
"""

import warnings
from collections.abc import Callable
from functools import partial, reduce

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, linear, pad

from organics_neuro.core.operators import Operator
from organics_neuro.core.operators.all_to_all import AllToAll
from organics_neuro.core.operators.circulant import DIRECT_TAPS, Circulant
from organics_neuro.core.operators.convolution import Convolution
from organics_neuro.core.operators.dense import Dense
from organics_neuro.core.operators.low_rank import LowRank
from organics_neuro.core.operators.sparse import Sparse
from organics_neuro.core.operators.sum import Sum
from organics_neuro.core.products import find, register

__all__ = ["product"]

Product = Callable[[Tensor], Tensor]


def product(
    operator: Operator, dtype: torch.dtype = torch.float64, device: torch.device | str | None = None
) -> Product:
    """The function that multiplies the last axis of a tensor with an operator: (..., n) to (..., m).

    Parameters
    ----------
    operator : Operator
    dtype, device
        Of the numbers that define the operator; the tensors must have the same.

    Raises
    ------
    TypeError
        For a class of operators that torch does not know (`organics_neuro.core.products.register`).
    """
    make = find("torch", operator)
    return _unchanged if operator.is_identity else make(operator, dtype, device)


def _unchanged(x: Tensor) -> Tensor:
    return x


def _serves(cls):
    """Enter a function (operator, dtype, device) that makes the product of a class."""

    def enter(make):
        register("torch", cls, make)
        return make

    return enter


@_serves(Dense)
def _dense(operator, dtype, device):
    return partial(linear, weight=torch.tensor(operator.matrix, dtype=dtype, device=device))


@_serves(AllToAll)
def _all_to_all(operator, dtype, device):
    value, m = operator.value, operator.shape[0]
    return lambda x: (value * x.sum(-1, keepdim=True)).expand(*x.shape[:-1], m)


@_serves(LowRank)
def _low_rank(operator, dtype, device):
    left, right = (torch.tensor(f, dtype=dtype, device=device) for f in (operator.left, operator.right.T))
    return lambda x: linear(linear(x, right), left)


@_serves(Sum)
def _sum(operator, dtype, device):
    terms = [product(term, dtype, device) for term in operator.terms]
    return lambda x: reduce(torch.add, (term(x) for term in terms))


# --- on a ring ------------------------------------------------------------------------------------------------------


@_serves(Circulant)
def _circulant(operator, dtype, device):
    """A few weights: rotated copies; many: Fourier transforms, which exist in single and in double precision."""
    if len(operator.offsets) <= DIRECT_TAPS:
        taps = [(int(offset), float(operator.column[offset])) for offset in operator.offsets]
        return lambda x: reduce(torch.add, [tap * x.roll(offset, -1) for offset, tap in taps] or [0 * x])
    n, exact = operator.shape[0], _computed_in(dtype)
    spectrum = torch.fft.rfft(torch.tensor(operator.column, dtype=exact, device=device))
    return lambda x: torch.fft.irfft(torch.fft.rfft(x.to(exact)) * spectrum, n).to(x.dtype)


def _computed_in(dtype):
    """The precision for what torch does not do in half precision."""
    return torch.float64 if dtype == torch.float64 else torch.float32


# --- on a sheet -----------------------------------------------------------------------------------------------------


@_serves(Convolution)
def _convolution(operator, dtype, device):
    """One pass of `conv2d`, or for separable kernels two: the rows of each pair of channels, then the columns."""
    outputs, inputs = operator.kernel.shape[:2]
    kernels = [torch.tensor(kernel.copy(), dtype=dtype, device=device) for kernel in operator.passes]
    border = _border(operator, device)
    if len(kernels) == 2:  # the planes are ordered by source channel in the first pass, by target channel in the second
        rows = kernels[0].transpose(0, 1).reshape(inputs * outputs, 1, 1, -1)

    def multiply(x):
        planes = border(x.reshape(-1, inputs, *operator.sheet))
        if len(kernels) == 1:
            result = conv2d(planes, kernels[0])
        else:
            planes = conv2d(planes, rows, groups=inputs)
            planes = planes.unflatten(1, (inputs, outputs)).transpose(1, 2).flatten(1, 2)
            result = conv2d(planes, kernels[1], groups=outputs)
        return result.reshape(*x.shape[:-1], operator.shape[0])

    return multiply


def _border(operator, device):
    """A function that surrounds planes by what lies beyond the sheet: zeros, or the other side (any number of times)."""
    margins = [size // 2 for size in operator.kernel.shape[2:]]
    if operator.boundary == "zero":
        return lambda planes: pad(planes, (margins[1], margins[1], margins[0], margins[0]))
    rows, columns = (
        torch.arange(-margin, size + margin, device=device) % size
        for margin, size in zip(margins, operator.sheet, strict=True)
    )
    return lambda planes: planes.index_select(-2, rows).index_select(-1, columns)


# --- sparse ---------------------------------------------------------------------------------------------------------


@_serves(Sparse)
def _sparse(operator, dtype, device):
    matrices = _SparsePair(operator, _computed_in(dtype), device)
    return lambda x: _SparseProduct.apply(x.to(matrices.dtype), matrices, False).to(x.dtype)


class _SparsePair:
    """A sparse matrix for torch and, once it is asked for, its transpose."""

    def __init__(self, operator, dtype, device):
        self.dtype, self._device, self._operator, self._made = dtype, device, operator, {}

    def matrix(self, transposed):
        if transposed not in self._made:
            matrix = (self._operator.T if transposed else self._operator).matrix
            parts = (
                torch.tensor(part.astype(np.int64), device=self._device) for part in (matrix.indptr, matrix.indices)
            )
            values = torch.tensor(matrix.data, dtype=self.dtype, device=self._device)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse (CSR|invariant)")  # in beta state; checks are off
                self._made[transposed] = torch.sparse_csr_tensor(*parts, values, matrix.shape)
        return self._made[transposed]


class _SparseProduct(torch.autograd.Function):
    """A sparse matrix, or its transpose, times the last axis; torch's own product knows neither `vmap` nor forward mode."""

    @staticmethod
    def forward(x, matrices, transposed):
        matrix = matrices.matrix(transposed)
        return (matrix @ x.reshape(-1, x.shape[-1]).T).T.reshape(*x.shape[:-1], matrix.shape[0])

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.matrices, ctx.transposed = inputs

    @staticmethod
    def backward(ctx, gradient):
        return _SparseProduct.apply(gradient, ctx.matrices, not ctx.transposed), None, None

    @staticmethod
    def jvp(ctx, tangent, *_):
        return _SparseProduct.apply(tangent, ctx.matrices, ctx.transposed)

    @staticmethod
    def vmap(info, in_dims, x, matrices, transposed):
        return _SparseProduct.apply(x.movedim(in_dims[0], 0), matrices, transposed), 0
