"""Static layers of the authors' public code, fully connected and convolutional, as layers of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from organics_neuro.nn.constraints import constraints_of
from organics_neuro.nn.published import PUBLISHED_ITERATIONS
from organics_neuro.nn.steady import DivisiveNormalization
from organics_neuro.nn.steady2d import DivisiveNormalization2d
from organics_neuro.transfer.published_tensors import Reader

#: How far above 1 the power iteration of the code may leave a largest singular value, and a little more.
_SLACK = 1e-6
#: What the code adds to a convolutional pool.
_EPSILON = 1e-8


def _check_exponent(reader: Reader, arguments: Mapping) -> None:
    if (exponent := arguments.get("n", 2)) != 2:
        raise ValueError(f"{reader.prefix}log_Way is of a layer with the exponent n={exponent!r}; layers have 2")


def _b0(reader: Reader, shape: tuple) -> Tensor:
    """sigma b0, as one: their product is all that a layer needs of both."""
    b0 = reader.get("sigma", ()) * reader.get("b0", shape).sigmoid()
    if not ((b0 > 0) & (b0 < 1)).all():
        raise ValueError(
            f"sigma sigmoid(b0) of {reader.prefix}log_Way must lie between 0 and 1, but reaches "
            f"from {b0.min():g} to {b0.max():g}"
        )
    return b0


def dense_layer(reader: Reader, arguments: Mapping, notes: list[str]) -> DivisiveNormalization:
    """A fully connected layer."""
    _check_exponent(reader, arguments)
    n = len(reader.get("log_Way", (None, None)))
    pool = reader.get("log_Way", (n, n)).exp()
    if arguments.get("set_norm_diag_one"):
        pool.fill_diagonal_(1)  # the public code does so at every call
    drive, W_r = reader.matrix("Wzx", (n, None)), reader.matrix("Wr", (n, n))
    learned = not torch.equal(W_r, torch.eye(n, dtype=W_r.dtype))
    b0 = _b0(reader, (n,))
    layer = DivisiveNormalization(drive.shape[1], n, "learned" if learned else "identity", dtype=torch.float64)
    if learned:
        _set_recurrence(layer, W_r, reader, arguments, notes)
    with torch.no_grad():
        layer.W_zx.copy_(drive)
        layer.W_bx.copy_(reader.get("Wbx", tuple(drive.shape)))
        layer.W = pool
        layer.b0 = b0
    reader.used.add(f"{reader.prefix}identity_matrix")  # a constant of that code
    return layer.to(reader.state[f"{reader.prefix}log_Way"].dtype)


def _set_recurrence(layer: DivisiveNormalization, W_r: Tensor, reader: Reader, arguments: Mapping, notes: list) -> None:
    iterations = arguments.get("num_iterations", PUBLISHED_ITERATIONS)
    notes.append(
        f"{reader.prefix}Wr is learned: the layer is at the steady state of its circuit, which the public code's iteration "
        "does not reach; with layer.legacy = True it repeats that iteration"
        + (f", {PUBLISHED_ITERATIONS} times and not {iterations!r}" if iterations != PUBLISHED_ITERATIONS else "")
    )
    norm = torch.linalg.matrix_norm(W_r, 2).item()
    if norm > 1 + _SLACK and reader.is_spectral("Wr"):
        bound: Any = constraints_of(layer, "W_r")[0]
        bound.maximum = norm * (1 + _SLACK)
        notes.append(
            f"{reader.prefix}Wr has the largest singular value {norm:.7g}, where the code's power iteration had left it; this "
            "layer is bound by that in place of 1"
        )
    elif norm > 1 + _SLACK:
        notes.append(
            f"{reader.prefix}Wr has the largest singular value {norm:.7g}; it was divided by it, as layers do, so that "
            f"legacy=True repeats the code with another W_r, off by up to {norm - 1:.2g}"
        )
    with torch.no_grad():
        layer.W_r = W_r


def convolutional_layer(reader: Reader, arguments: Mapping, notes: list[str]) -> DivisiveNormalization2d:
    """A convolutional layer, if it has one b0 a channel and a uniform pool; raises `ValueError` otherwise."""
    _check_exponent(reader, arguments)
    channels, inputs, *size = (reader.get("input_kernel", (None,) * 4)).shape
    if "attention_kernel" not in reader:
        raise ValueError(
            f"{reader.prefix}log_Way is of a convolutional layer without an attention kernel; layers have one"
        )
    kernel = reader.get("input_kernel", (channels, inputs, *size))
    attention = reader.get("attention_kernel", (channels, inputs, None, None))
    stride, padding = arguments.get("stride", 1), arguments.get("padding", "same")
    for name, usual in (("dilation", 1), ("groups", 1), ("padding_mode", "zeros")):
        if arguments.get(name, usual) != usual:
            raise ValueError(
                f"{reader.prefix}log_Way is of a layer with {name}={arguments[name]!r}; layers have {usual!r}"
            )
    if padding == "same":
        kernel, attention = _same_size(kernel, attention)
    if not {"stride", "padding"} <= arguments.keys():
        notes.append(f"the checkpoint does not hold stride and padding; assumed stride={stride!r}, padding={padding!r}")
    layer = DivisiveNormalization2d(inputs, channels, tuple(kernel.shape[-2:]), stride, padding, dtype=torch.float64)
    with torch.no_grad():
        layer.K_z.copy_(kernel)
        layer.K_b.copy_(attention)
        layer.b0 = _uniform(reader, "b0", _b0(reader, (channels, None, None)), "layers have one b0 a channel")
        pool = reader.get("log_Way", (channels, None, None)).exp()
        if arguments.get("set_norm_diag_one"):
            pool.diagonal(dim1=-2, dim2=-1).fill_(1)
        layer.W = _uniform(reader, "log_Way", pool, "layers have one weight of the pool a channel, or a local kernel")
    notes.append(
        f"{reader.prefix}log_Way is of a convolutional layer: the code adds {_EPSILON:g} to its pool, layers do not"
    )
    return layer.to(reader.state[f"{reader.prefix}log_Way"].dtype)


def _uniform(reader: Reader, name: str, value: Tensor, remedy: str) -> Tensor:
    """The one number that each channel has; raises `ValueError` if it has several."""
    one = value[:, :1, :1]
    if not torch.allclose(value, one.expand_as(value), rtol=1e-6, atol=0):
        raise ValueError(
            f"{reader.prefix}{name} of a convolutional layer differs from unit to unit, by up to "
            f"{(value - one).abs().max():.3g}, but {remedy}"
        )
    return one


def _same_size(*kernels: Tensor) -> list[Tensor]:
    """Kernels of odd sides with zeros around, so that all have the size of the largest."""
    side = [max(kernel.shape[axis] for kernel in kernels) for axis in (-2, -1)]
    if any((whole - kernel.shape[axis]) % 2 for kernel in kernels for axis, whole in zip((-2, -1), side, strict=True)):
        raise ValueError(
            "input_kernel and attention_kernel must both have odd or both even sides, to lie on one middle"
        )
    around = [
        [(whole - kernel.shape[axis]) // 2 for axis, whole in zip((-1, -2), side[::-1], strict=True)]
        for kernel in kernels
    ]
    return [pad(kernel, (right, right, down, down)) for kernel, (right, down) in zip(kernels, around, strict=True)]
