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
    dtype = _parameter(module).dtype
    if input.dtype != dtype:
        raise ValueError(f"input is {input.dtype}, but the parameters are {dtype}; convert one of them with .to(dtype)")


def in_own_precision(method):
    """Let a method of a module compute in the type of its parameters where `torch.autocast` is on.

    A circuit adds many small steps, and a steady state is searched to a tolerance: both need more digits than bfloat16
    has.
    """

    @wraps(method)
    def run(self, input, *state, **options):
        kind = _parameter(self).device.type
        if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
            return method(self, input, *state, **options)
        with torch.autocast(kind, enabled=False):
            input, *state = (_widened(value, self) for value in (input, *state))
            return method(self, input, *state, **{name: _widened(value, self) for name, value in options.items()})

    return run


def _widened(value, module):
    """Tensors of a type that autocast gives, also those of a state, in the type of the module; all else as it is."""
    if isinstance(value, (tuple, list)) and not isinstance(value, PackedSequence):
        return [_widened(part, module) for part in value]
    values = value.data if isinstance(value, PackedSequence) else value
    lower = isinstance(values, torch.Tensor) and values.dtype in (torch.bfloat16, torch.float16, torch.float32)
    return value.to(_parameter(module).dtype) if lower else value


def _parameter(module):
    """One that stands for all: they have one type and one device."""
    return next(module.parameters())
