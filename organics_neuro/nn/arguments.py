"""Checks of the tensors that users give."""

import torch


def check_tensor(value, name="input"):
    """Raise `TypeError` unless ``value`` is a tensor."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}; make one with torch.as_tensor")


def check_dtype(input, module):
    """Raise `ValueError` unless ``input`` has the type of the module's parameters."""
    dtype = next(module.parameters()).dtype
    if input.dtype != dtype:
        raise ValueError(f"input is {input.dtype}, but the parameters are {dtype}; convert one of them with .to(dtype)")
