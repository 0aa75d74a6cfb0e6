"""Hierarchies of areas: each drives the next and hears back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from organics_neuro.core.circuits import Circuit, JoinedCircuit, join
from organics_neuro.core.errors import shown
from organics_neuro.core.model import Coupling
from organics_neuro.core.operators import Circulant


def hierarchy(areas: Mapping[str, Circuit], feedforward: Coupling, feedback: Coupling | None = None) -> JoinedCircuit:
    """Join areas, from the lowest to the highest, by the same couplings between all neighbours.

    Parameters
    ----------
    areas : dict of Circuit
        From the lowest to the highest, at least two.
    feedforward : Coupling
        How each area drives the next: target in the higher, source in the lower one. Weights may be a number, which
        connects units of the same index, and a delay is that of each step up.
    feedback : Coupling, optional
        How each area reaches the one below: target in the lower, source in the higher one.

    Returns
    -------
    JoinedCircuit
        The lowest area keeps the input that ``feedforward`` writes in the others.

    Examples
    --------
    >>> import organics_neuro as on
    >>> area = on.Circuit("three_type_area", size=12, alpha=10.0)
    >>> up, down = on.Coupling("z", 1.0, "s", delay=5e-3), on.Coupling("feedback", 0.1, "s", delay=5e-3)
    >>> circuit = on.hierarchy({"v1": area, "v2": area, "v4": area}, up, down)
    >>> [coupling.target for coupling in circuit.couplings]
    ['v2.z', 'v4.z', 'v1.feedback', 'v2.feedback']
    """
    if not isinstance(areas, Mapping) or len(areas) < 2 or not all(isinstance(c, Circuit) for c in areas.values()):
        raise ValueError("areas must be a dictionary of two circuits or more, from the lowest to the highest")
    for name, given in (("feedforward", feedforward), ("feedback", feedback)):
        if not isinstance(given, Coupling) and (given is not None or name == "feedforward"):
            raise TypeError(f"{name} must be a Coupling, got {shown(given)}")
    steps = list(pairwise(areas))
    couplings = [_between(feedforward, low, high, areas) for low, high in steps]
    if feedback is not None:
        couplings += [_between(feedback, high, low, areas) for low, high in steps]
    return join(areas, couplings)


def _between(coupling: Coupling, source: str, target: str, areas: Mapping[str, Circuit]) -> Coupling:
    """A coupling, given in the names of each area, between two of them."""
    weights = coupling.weights
    if isinstance(weights, (int, float)):
        sizes = [circuit.size for circuit in (areas[source], areas[target])]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"one weight connects units of the same index, but {source!r} has {sizes[0]} units and {target!r} has "
                f"{sizes[1]}; give the weights of the coupling {coupling.target!r}"
            )
        weights = Circulant([weights, *[0] * (sizes[0] - 1)])
    return replace(
        coupling, target=f"{target}.{coupling.target}", source=f"{source}: {coupling.source}", weights=weights
    )
