"""Samples with their labels, checked before anything is trained on them."""

import zlib

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from organics_neuro.core.boundary import number

#: Samples and their labels.
Labelled = tuple[Tensor, Tensor]
#: The data that `fit` validates with, or their fraction of all.
Validation = float | tuple[ArrayLike | Tensor, ArrayLike | Tensor]


def split(x: ArrayLike | Tensor, y: ArrayLike | Tensor, validation: Validation, seed: int) -> tuple[Labelled, Labelled]:
    """Training and validation data as two pairs of tensors, checked."""
    x, y = check("x", x, "y", y)
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        return (x, y), check("validation x", validation[0], "validation y", validation[1])
    fraction = "a fraction between 0 and 1, or a pair (x, y)"
    validation = number("validation", validation, fraction, lambda part: 0 < part < 1)
    count = round(validation * len(x))
    if not 0 < count < len(x):
        raise ValueError(
            f"validation={validation!r} sets {count} of {len(x)} samples aside; give a fraction that leaves some on both sides"
        )
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return (x[order[count:]], y[order[count:]]), (x[order[:count]], y[order[:count]])


def check(x_name: str, x: ArrayLike | Tensor, y_name: str, y: ArrayLike | Tensor) -> Labelled:
    """Samples and their labels as tensors, checked."""
    x, y = check_inputs(x_name, x), _as_tensor(y_name, y)
    whole = not (y.is_floating_point() or y.is_complex())
    labels = y.long() if whole else y
    if not whole or y.shape != x.shape[:1] or labels.min() < 0:
        raise ValueError(
            f"{y_name} must hold one label (0, 1, ...) for each of the {len(x)} samples, got {y.dtype} of shape {tuple(y.shape)}"
            + (f" with the label {labels.min()}" if whole and y.numel() and labels.min() < 0 else "")
        )
    return x, labels


def check_inputs(x_name: str, x: ArrayLike | Tensor) -> Tensor:
    """Samples without their labels as a tensor, checked."""
    x = _as_tensor(x_name, x)
    if not x.is_floating_point() or x.dim() < 2 or not len(x):
        raise ValueError(
            f"{x_name} must be an array of floats with samples on its first axis, got {x.dtype} of shape {tuple(x.shape)}"
        )
    if not torch.isfinite(x).all():
        raise ValueError(
            f"{x_name} must be finite, but sample {int((~x.isfinite()).nonzero()[0, 0])} holds NaN or infinity"
        )
    return x


def checksum(*tensors: Tensor) -> int:
    """A number that tells one set of data from another."""
    value = 0
    for tensor in tensors:
        value = zlib.crc32(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data, value)
    return value


def _as_tensor(name: str, value: ArrayLike | Tensor) -> Tensor:
    try:
        return _read(value).detach()  # samples are not trained
    except (TypeError, ValueError, RuntimeError) as error:
        dtype = getattr(value, "dtype", None)
        layout = getattr(value, "layout", None)
        kind = type(value).__name__ + "".join(f" of {part}" for part in (dtype, layout) if part is not None)
        raise ValueError(
            f"{name} must be one array of numbers, samples of equal shape on its first axis, got {kind}"
        ) from error


def _read(value: ArrayLike | Tensor) -> Tensor:
    """A tensor that shares the memory of an array, or holds a copy where torch cannot read what lies there."""
    try:
        read = torch.as_tensor(value)
        if read.layout != torch.strided or read.is_meta:
            raise TypeError("it holds no plain array of numbers")
        return read
    except ValueError:  # backwards, with gaps between the numbers, or with their bytes in the other order
        if not isinstance(value, np.ndarray):
            raise
        return torch.as_tensor(value.astype(value.dtype.newbyteorder("="), order="C"))
