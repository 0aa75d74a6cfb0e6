"""The canonical ring circuit: orientation-tuned units with ring recurrence and a uniform normalization pool."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from organics_neuro.core.boundary import positive_int
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.model import CircuitModel
from organics_neuro.core.models import get_model
from organics_neuro.core.operators import AllToAll, Dense, Operator
from organics_neuro.core.weights import ring_encoder, ring_recurrence


def ring(
    n: int = 36,
    model: str | CircuitModel = "two_type",
    pool: Operator | ArrayLike | None = None,
    angles: int = 360,
    tau_a: Any = 2e-3,
    **parameters: Any,
) -> Circuit:
    """A circuit of ``n`` units tuned to angles around a ring.

    Parameters
    ----------
    n : int
        Number of units; unit i prefers the angle 360° i/n.
    model : str or CircuitModel
        "two_type" or one of its variants.
    pool : operator or array_like, shape (n, n), optional
        Normalization pool; by default all units normalize all units equally.
    angles : int
        Number of stimulus angles that the encoder ``W_zx`` knows.
    tau_a : float or Brian2 quantity
        Time constant of the normalizer; here as long as that of the principal units, as in the figures of the
        paper (the default of the model is shorter).
    **parameters
        Other parameters of the model, such as ``sigma`` or ``tau_y``.

    Returns
    -------
    Circuit
    """
    if "W_zx" not in get_model(model).encoders.values():
        raise ValueError(
            f"model {model!r} cannot be put on a ring: it has no input encoder; use 'two_type' or one of its variants"
        )
    weights = {
        "W_r": ring_recurrence(n),
        "W": AllToAll(n) if pool is None else pool,
        "W_zx": Dense(ring_encoder(n, positive_int("angles", angles))),
    }
    return Circuit(model, weights, size=n, tau_a=tau_a, **parameters)
