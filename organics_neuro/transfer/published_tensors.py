"""The tensors and arguments of a checkpoint of the authors' public code, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Reader:
    """The tensors of one module of a checkpoint, in float64, checked; remembers what was read."""

    def __init__(self, state: Mapping[str, Tensor], prefix: str):
        self.state, self.prefix, self.used = state, prefix, set()

    def __contains__(self, name: str) -> bool:
        return self.prefix + name in self.state

    def get(self, name: str, shape: tuple[int | None, ...]) -> Tensor:
        """The tensor ``name``; a length of None in ``shape`` may be any."""
        key = self.prefix + name
        if key not in self.state:
            raise ValueError(f"it has no {key}, which belongs to {self.prefix}log_Way")
        value = self.state[key].detach()
        if value.layout != torch.strided or value.is_complex() or value.is_quantized or value.is_meta:
            raise ValueError(
                f"{key} must hold plain real numbers, but is {value.dtype}, {value.layout}, {value.device}"
            )
        if value.dim() != len(shape) or any(n not in (None, m) for n, m in zip(shape, value.shape, strict=True)):
            expected = ", ".join("inputs" if n is None else str(n) for n in shape)
            raise ValueError(f"{key} has shape {tuple(value.shape)}, but must have ({expected})")
        value = value.double()
        if not value.isfinite().all():
            raise ValueError(f"{key} holds NaN or infinity")
        self.used.add(key)
        return value

    def matrix(self, name: str, shape: tuple[int | None, ...]) -> Tensor:
        """Weights that are a parameter, in a module of their own, or divided there by their spectral norm."""
        if not self.is_spectral(name):
            return self.get(f"{name}.weight" if f"{name}.weight" in self else name, shape)
        kept = f"{name}.parametrizations.weight"
        matrix = self.get(f"{kept}.original", shape)
        # the norm is what the code's power iteration had found, not the exact one
        left, right = (self.get(f"{kept}.0._{side}", (n,)) for side, n in zip("uv", matrix.shape, strict=True))
        return matrix / (left @ matrix @ right)

    def is_spectral(self, name: str) -> bool:
        """Whether weights are divided by their spectral norm."""
        return f"{name}.parametrizations.weight.original" in self

    def is_vector(self, name: str) -> bool:
        """Whether there is one number for each unit where weights are."""
        return any(key in self and self.state[self.prefix + key].dim() == 1 for key in (name, f"{name}.weight"))


def arguments_of(content: Mapping) -> dict[str, Any]:
    """What the modules of a checkpoint were made with, as far as it says."""
    kept = _dictionary(content, "hyper_parameters")
    return {**kept, **_dictionary(kept, "kwargs_dict")}


def _dictionary(content, name):
    """A part of a checkpoint that is a dictionary; empty if there is none."""
    part = content.get(name)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise ValueError(
            f"{name} must be a dictionary, got {type(part).__name__}; give max_step_y, max_step_a and max_step_b, or save the state dict alone"
        )
    return dict(part)
