"""The learning rate over a run and for each parameter, and the batches of an epoch."""

from collections.abc import Mapping, Sequence
from math import cos, pi

import torch
from torch import Tensor, nn

#: The learning rate rises during this fraction of a run and falls during the rest.
RISE = 0.2


def one_cycle(t: float) -> float:
    """Learning rate at the fraction ``t`` of a run, as a fraction of the largest."""
    return max(t, 1e-3) / RISE if t < RISE else (1 + cos(pi * (t - RISE) / (1 - RISE))) / 2


def batches(order: Tensor, size: int) -> Sequence[Tensor]:
    """``order`` in parts; a last one of a single sample, of which no standard deviation exists, joins the one before."""
    parts = order.split(size)
    if size > 1 and len(parts) > 1 and len(parts[-1]) == 1:
        parts = (*parts[:-2], torch.cat(parts[-2:]))
    return parts


def by_factor(model: nn.Module, factors: Mapping[str, float]) -> tuple[list[float], list[list[nn.Parameter]]]:
    """Factors of the learning rate, and for each of them the parameters that have it."""
    groups: dict[float, list[nn.Parameter]] = {1.0: []}
    found: set[str] = set()
    for name, parameter in model.named_parameters():
        keys = [key for key in factors if key in name][:1]
        found.update(keys)
        groups.setdefault(factors[keys[0]] if keys else 1.0, []).append(parameter)
    for key in factors:
        if key not in found:
            raise ValueError(f"lr_factors: no parameter is called {key!r} (nor is one left by the keys before it)")
    return list(groups), list(groups.values())
