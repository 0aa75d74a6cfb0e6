"""What the layers do with the tensors that users give, before anything is computed."""

from functools import wraps

import torch
from torch.nn.utils.rnn import PackedSequence


def check_tensor(value, name="input"):
    """Raise `TypeError` unless ``value`` is a tensor."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}; make one with torch.as_tensor")


def check_dtype(input, module):
    """Raise `ValueError` unless ``input`` has the type of the module's parameters."""
    dtype = _dtype(module)
    if input.dtype != dtype:
        raise ValueError(f"input is {input.dtype}, but the parameters are {dtype}; convert one of them with .to(dtype)")


def in_own_precision(method):
    """Let a method of a module compute in the type of its parameters where `torch.autocast` is on.

    A circuit adds many small steps, and a steady state is searched to a tolerance: both need more digits than bfloat16
    has.
    """

    @wraps(method)
    def run(self, input, *args, **options):
        values = input.data if isinstance(input, (torch.Tensor, PackedSequence)) else None
        if values is None or not torch.is_autocast_enabled(values.device.type):
            return method(self, input, *args, **options)
        with torch.autocast(values.device.type, enabled=False):
            if values.is_floating_point():
                input = input.to(_dtype(self))
            return method(self, input, *args, **options)

    return run


def _dtype(module):
    return next(module.parameters()).dtype
