"""Copies of modules in double precision, and the numbers in them."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from organics_neuro.core.units import real_numbers

M = TypeVar("M", bound=nn.Module)


@torch.no_grad()
def in_double(module: M) -> M:
    """A float64 copy: weights that are functions of parameters, such as W = exp(log W), are then exact as well."""
    refresh(module)  # without a gradient, which could not be copied
    return refresh(deepcopy(module).to("cpu", torch.float64).eval())


def refresh(module: M) -> M:
    """Compute anew the weights that `torch.nn.utils.spectral_norm`, `weight_norm` and `prune` put in a module's place.

    They do it before each call of the module, by a hook. Other hooks, those of the user, are not called. A spectral norm
    stays where its iteration has come to: to look at a module does not train it.
    """
    for part in module.modules():
        hooks = [h for h in part._forward_pre_hooks.values() if type(h).__module__.startswith("torch.nn.utils")]
        training, part.training = part.training, False
        for hook in hooks:
            hook(part, None)  # pyright: ignore
        part.training = training
    return module


def array(value: Tensor | float) -> np.ndarray:
    """The numbers of a tensor, without its gradient."""
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value, dtype=float)


def as_double(x: Tensor | ArrayLike) -> Tensor:
    """Numbers that a user gives as a float64 tensor."""
    return torch.from_numpy(real_numbers("x", x))
