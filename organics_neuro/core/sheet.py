"""Sheets of units with a position in the visual field and an orientation, normalized by their neighbourhood."""

from __future__ import annotations

from typing import Any

import numpy as np

from organics_neuro.core.boundary import number, positive_int
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.model import CircuitModel
from organics_neuro.core.models import get_model
from organics_neuro.core.operators import Convolution
from organics_neuro.core.weights import ring_encoder

#: Standard deviations after which a Gaussian kernel ends: there it is 1e-8 of its peak.
_EXTENT = 6
#: Stimulus angles for each orientation.
_FINER = 4


def sheet(
    height: int,
    width: int,
    orientations: int = 1,
    model: str | CircuitModel = "two_type",
    *,
    receptive_field: float = 1.5,
    pool: float = 5.0,
    pool_angle: float | None = None,
    boundary: str = "zero",
    tau_a: Any = 2e-3,
    **parameters: Any,
) -> Circuit:
    """A circuit of ``height * width`` positions with ``orientations`` units each.

    Unit (o, y, x) has the index ``(o*height + y)*width + x`` and prefers the angle 360° o/orientations at the position
    (y, x). A stimulus is an array of contrasts by angle and position, see `organics_neuro.stimuli`: full-field gratings,
    or patches and annuli. Recurrence is the identity, so the steady state is known in closed form.

    Parameters
    ----------
    height, width : int
        Positions; 1 and 81 make a line.
    orientations : int
        1, or 9 and more: tuning curves are those of `organics_neuro.ring`.
    model : str or CircuitModel
        "two_type", or a model with the weights ``W_zx`` and ``W``.
    receptive_field : float
        Standard deviation of receptive fields, in positions; 0 for units that see one position.
    pool : float
        Standard deviation of the normalization pool, in positions.
    pool_angle : float, optional
        Standard deviation of the normalization pool in degrees on the circle of preferred angles; by default all
        angles normalize equally.
    boundary : {"zero", "wrap"}
        Whether there is nothing beyond the borders, or the sheet is a torus.
    tau_a : float or Brian2 quantity
        As for `organics_neuro.ring`.
    **parameters
        Other parameters of the model.

    Returns
    -------
    Circuit

    Notes
    -----
    The weights of a receptive field and of a pool sum to 1 over positions.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.sheet(15, 15, orientations=12)
    >>> patch = on.stimuli.patch(circuit, radius=3, angle=90, contrast=0.5)
    >>> on.theory.fixed_point(circuit, on.stimuli.drive(circuit, patch)).converged
    True
    """
    declared = get_model(model)
    if "W_zx" not in declared.encoders.values() or "W" not in declared.weights:
        raise ValueError(
            f"model {declared.name!r} cannot be put on a sheet: it needs the weights W_zx and W; use 'two_type' or one of "
            "its variants"
        )
    shape = positive_int("height", height), positive_int("width", width)
    field = number("receptive_field", receptive_field, "0 or larger", lambda s: s >= 0)
    spread = number("pool", pool, "a number larger than 0", lambda s: s > 0)
    weights = {
        "W_zx": Convolution(_tuning(orientations)[:, :, None, None] * _gaussian(field, shape), shape, boundary),
        "W": Convolution(
            _pooling(orientations, pool_angle)[:, :, None, None] * _gaussian(spread, shape), shape, boundary
        ),
    }
    return Circuit(declared, weights, tau_a=tau_a, **parameters)


def _tuning(orientations: int) -> np.ndarray:
    """Responses (orientations, angles) of units to gratings."""
    if positive_int("orientations", orientations) == 1:
        return np.ones((1, 1))
    if orientations < 9:
        raise ValueError(f"orientations = {orientations} must be 1, or at least 9")
    return ring_encoder(orientations, _FINER * orientations)


def _pooling(orientations: int, spread: float | None) -> np.ndarray:
    """Weights (orientations, orientations) of pools by the angles of two units."""
    if spread is None:
        return np.ones((orientations, orientations))
    spread = number("pool_angle", spread, "a number of degrees larger than 0", lambda s: s > 0)
    angles = np.arange(orientations) * 360 / orientations
    distance = np.abs(angles[:, None] - angles)
    return np.exp(-((np.minimum(distance, 360 - distance) / spread) ** 2) / 2)


def _gaussian(spread: float, shape: tuple[int, int]) -> np.ndarray:
    """A Gaussian kernel that sums to 1, not larger than the sheet."""
    sides = []
    for size in shape:
        half = int(min(size // 2, np.ceil(_EXTENT * spread)))
        side = np.exp(-((np.arange(-half, half + 1) / spread) ** 2) / 2) if spread else np.ones(1)
        sides.append(side / side.sum())
    return np.outer(*sides)
