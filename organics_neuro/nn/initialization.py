"""Where training starts, beside what `ORGaNICsCell.reset_parameters` draws; named and used as the functions of `torch.nn.init`."""

import math
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from organics_neuro.core.model import Coupling
from organics_neuro.core.units import magnitude
from organics_neuro.nn.constraints import start_at

#: Step size of y of the oscillators: close to 1, at which a step is a pure rotation and nothing leaks.
STEP = 0.996
#: By what the pool is multiplied, so that units hardly normalize each other before they have learned to.
POOL = 0.01


def drawn(coupling: Coupling, like: Tensor) -> Tensor:
    """Weights for a coupling of a declared model to start with (see `organics_neuro.nn.CircuitCell.reset_parameters`)."""
    if coupling.default == "identity":
        return torch.eye(len(like), dtype=like.dtype, device=like.device)
    if coupling.allowed_sign == 1 or coupling.default == "ones":
        value = torch.empty_like(like).uniform_(-1, 0)
        return (value.fill_diagonal_(0) if value.shape[0] == value.shape[1] else value).exp()
    bound = like.shape[1] ** -0.5
    return torch.empty_like(like).uniform_(-bound, bound)


@torch.no_grad()
def oscillators_(module: Any, angles: ArrayLike | None = None) -> Any:
    """Start as a bank of oscillators, which hold what they were shown for many hundred steps.

    Units 2k and 2k + 1 rotate by the angle omega_k at every step: with a gate that is almost open,
    y <- (1 - h) y + h W_r y with W_r a rotation and h almost 1. After a sequence, y is then close to its Fourier
    transform at these frequencies, weighted by the input gains. What a layer draws by default forgets within some
    hundred steps.

    Parameters
    ----------
    module : ORGaNICs or ORGaNICsCell
        It is changed in place: besides W_r, the step size of y becomes `STEP`, a starts at b0^2, and the weights of
        the pool are multiplied by `POOL`, at every call. Of the model "gated_unrectified", with recurrence "free", "orthogonal" or
        "spectral", a small constant gain ``b0``, which keeps the gate open, ``max_step_y`` = 1 and an even number of
        units.
    angles : array_like, shape (units / 2,), optional
        In radians per step. Default: evenly spaced from 0 to pi.

    Returns
    -------
    module

    Raises
    ------
    TypeError, UnitError
        For another module, and for angles that are not numbers or have a unit.
    ValueError
        For other options, and for angles that are not finite or not one for each pair of units.

    Notes
    -----
    The step that is taken is that of `ORGaNICsCell`; this start is not from the authors' code.

    Examples
    --------
    >>> from organics_neuro.nn import ORGaNICs
    >>> rnn = ORGaNICs(1, 64, model="gated_unrectified", recurrence="spectral", b0=0.003, max_step_y=1.0)
    >>> rnn = oscillators_(rnn)
    >>> round(float(torch.linalg.eigvals(rnn.cells[0].W_r.detach()).angle().max()), 4)
    3.1416
    """
    cells = list(getattr(module, "cells", [module]))
    if not all(hasattr(cell, name) for cell in cells for name in ("family", "recurrence", "constant")):
        raise TypeError(f"oscillators_ takes an ORGaNICs or ORGaNICsCell module, got {type(module).__name__}")
    _check(cells[0])  # the cells of a layer differ by their input alone
    pairs = cells[0].hidden_size // 2
    angles = magnitude("angles", torch.linspace(0, math.pi, pairs).numpy() if angles is None else angles, "1")
    if angles.shape != (pairs,):
        raise ValueError(f"angles must be {pairs} numbers, one for each pair of units, got shape {angles.shape}")
    rotations = torch.block_diag(*map(_rotation, torch.from_numpy(angles))).to(cells[0].W_r)
    for cell in cells:
        start_at(cell, "W_r", rotations)
        cell.step_y = torch.full_like(cell.step_y, STEP)
        cell.W = POOL * cell.W
        cell.initial_a.fill_(cell.constant["b0"] ** 2)  # at rest: from a larger value it would take long to fall
    return module


def _rotation(angle):
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])])


def _check(cell):
    needed = {
        "model='gated_unrectified'": cell.family == "gated_unrectified",
        "recurrence='free', 'orthogonal' or 'spectral'": cell.recurrence in ("free", "orthogonal", "spectral"),
        "a constant gain b0": "b0" in cell.constant,
        "an even hidden_size": cell.hidden_size % 2 == 0,
        "max_step_y=1": cell.parametrizations.step_y[0].maximum == 1,
    }
    missing = [what for what, there in needed.items() if not there]
    if missing:
        raise ValueError(f"oscillators_ needs {' and '.join(missing)}, got ORGaNICsCell({cell.extra_repr()})")
