"""What torch does with a module besides calling it: transforms of torch.func, traces, exported programs, scripts."""

from __future__ import annotations

from functools import wraps

import torch


def transformed() -> bool:
    """Whether a transform of torch.func is at work."""
    return torch._C._are_functorch_transforms_active()  # as torch asks itself; it has no public name


def recorded() -> bool:
    """Whether the operations are written down for later, by `torch.jit.trace`, for ONNX, or by `torch.export`."""
    return torch.jit.is_tracing() or torch.compiler.is_exporting()


def has_numbers() -> bool:
    """Whether tensors can be looked at: where operations are transformed or recorded, they stand for other ones, too."""
    return not (transformed() or recorded())


def untraced(method):
    """Refuse traces of a method that makes as many operations as its input has steps."""

    @wraps(method)
    def run(self, *args, **options):
        if torch.jit.is_tracing():
            raise RuntimeError(
                f"{type(self).__name__} cannot be traced by torch.jit or for ONNX: the trace would hold the number of steps "
                "of this input and cut others; use torch.export, or layer.to_circuit()"
            )
        return method(self, *args, **options)

    return run


def refuse_search() -> None:
    """Raise `RuntimeError` where a search that goes on until it has found something cannot be repeated."""
    by = "torch.func" if transformed() else "torch.jit.trace or for ONNX" if torch.jit.is_tracing() else "torch.export"
    if not has_numbers():
        raise RuntimeError(
            f"a steady state that is searched for, as with learned recurrence, cannot be taken by {by}: each sample is "
            "searched for until it is found; use recurrence='identity', or call the layer itself"
        )


class Unscripted:
    """A module that `torch.jit.script`, which asks it so, cannot compile."""

    def __prepare_scriptable__(self):
        name = type(self).__name__.removeprefix("Parametrized")  # as torch renames the class
        raise RuntimeError(f"{name} cannot be compiled by torch.jit.script; use torch.export")
