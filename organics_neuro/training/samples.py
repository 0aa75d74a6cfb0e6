"""Samples with their labels or targets, checked before anything is trained on them."""

import zlib
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.utils.data import DataLoader

from organics_neuro.core.boundary import number

#: Samples and their labels or targets.
Labelled = tuple[Tensor, Tensor]
#: The data that `fit` validates with, or their fraction of all.
Validation = float | tuple[ArrayLike | Tensor, ArrayLike | Tensor] | DataLoader


def split(
    x: ArrayLike | Tensor | DataLoader, y: ArrayLike | Tensor | None, validation: Any, seed: int
) -> tuple[Labelled, Labelled]:
    """Training and validation data as two pairs of tensors, checked."""
    x, y = check_pair("x", *collected(x, y), "y")
    if isinstance(validation, DataLoader):
        validation = collected(validation, None)
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        return (x, y), check_pair("validation x", *validation, "validation y")
    fraction = "a fraction between 0 and 1, or a pair (x, y)"
    validation = number("validation", validation, fraction, lambda part: 0 < part < 1)
    count = round(validation * len(x))
    if not 0 < count < len(x):
        raise ValueError(
            f"validation={validation!r} sets {count} of {len(x)} samples aside; give a fraction that leaves some on both sides"
        )
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return (x[order[count:]], y[order[count:]]), (x[order[:count]], y[order[:count]])


def collected(x: Any, y: Any) -> tuple[Any, Any]:
    """``x`` and ``y``, or all that a `DataLoader` given for ``x`` has of both."""
    if not isinstance(x, DataLoader):
        if y is None:
            raise ValueError("y is missing: give the labels or targets of x, or a DataLoader of pairs (x, y) for x")
        return x, y
    if y is not None:
        raise ValueError("x is a DataLoader, which brings its own labels; leave y out")
    batches = list(x)
    if not batches or not all(isinstance(batch, (tuple, list)) and len(batch) == 2 for batch in batches):
        raise ValueError("the batches of the DataLoader must be pairs (x, y)")
    return tuple(torch.cat([torch.as_tensor(part) for part in parts]) for parts in zip(*batches, strict=True))


def check_pair(x_name: str, x: ArrayLike | Tensor, y: ArrayLike | Tensor, y_name: str) -> Labelled:
    """Samples with their labels, or with targets that are floats, as tensors, checked."""
    targets = _as_tensor(y_name, y)
    if not targets.is_floating_point():
        return check(x_name, x, y_name, y)
    x = check_inputs(x_name, x)
    if targets.dim() < 2 or len(targets) != len(x):
        raise ValueError(
            f"{y_name} must hold one label (0, 1, ...) for each of the {len(x)} samples, or one target of the shape that the "
            f"model returns, (samples, ...), got {targets.dtype} of shape {tuple(targets.shape)}"
        )
    if not torch.isfinite(targets).all():
        raise ValueError(f"{y_name} must be finite, but holds NaN or infinity")
    return x, targets


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
