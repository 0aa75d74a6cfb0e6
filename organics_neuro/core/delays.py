"""Delayed couplings in simulations that make steps: how many steps a delay is, and the sources that are still on their way.

At step k, which begins at t_k, a connection with a delay of m steps brings the source of t_(k-m), if the scheme holds the
couplings at the beginning of the step (forward Euler); else the mean of the sources of t_(k-m) and t_(k-m+1), its value in
the middle of the step up to order 2. It is held during the step, whatever the stages, so no scheme has an order above 2
in a circuit with delays. The same holds on every engine.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from organics_neuro.core.errors import StepSizeWarning
from organics_neuro.core.memory import check_memory
from organics_neuro.core.populations import add_up

if TYPE_CHECKING:
    from organics_neuro.core.dynamics import Dynamics
    from organics_neuro.core.populations import Connection
    from organics_neuro.core.schemes import Scheme

#: Largest relative difference between a delay and its steps that goes without a warning.
_TOLERANCE = 1e-6


def delay_steps(what: str, delay: float, dt: float, width: int = 1) -> int:
    """A delay in steps; warns with a `StepSizeWarning` if it is not a multiple of the step.

    Parameters
    ----------
    what : str
        Whose delay it is, for messages.
    delay, dt : float
        In seconds.
    width : int
        How many numbers are on their way from each step.

    Raises
    ------
    ValueError
        If the delay is shorter than a step.
    MemoryError
        If there is no room for what is on its way.
    """
    needs = f"the delay of {what}, {delay:g} s in steps of dt = {dt:g} s,"
    check_memory(needs, 8 * width * (delay / dt), "use a shorter delay or a larger dt")
    steps = round(delay / dt)
    if delay < dt * (1 - _TOLERANCE):
        raise ValueError(f"the delay of {what}, {delay:g} s, is shorter than the step dt = {dt:g} s; use a smaller dt")
    if abs(steps * dt - delay) > _TOLERANCE * delay:
        warnings.warn(
            f"the delay of {what}, {delay:g} s, is not a multiple of the step dt = {dt:g} s and is rounded to {steps * dt:g} s",
            StepSizeWarning,
            stacklevel=3,
        )
    return steps


class Past:
    """What the delayed connections of a circuit bring, step by step; for arrays or tensors.

    Parameters
    ----------
    dynamics : Dynamics
    dt : float
        In seconds.
    scheme : Scheme
    source : callable
        The source of a connection, of states, inputs and couplings: ``source(connection, states, inputs, couplings)``.
    product : callable
        ``product(connection, source)``, the weights applied.
    """

    def __init__(self, dynamics: Dynamics, dt: float, scheme: Scheme, source: Callable, product: Callable) -> None:
        self._source, self._product = source, product
        self._kept: dict[int, deque] = {}
        self._centred = scheme.coupling != "held"
        self._connections = _needed(dynamics)
        for k, c in self._connections.items():
            if c.delay:
                self._kept[k] = deque(
                    maxlen=delay_steps(f"the coupling {c.key!r}", c.delay, dt, c.weights.shape[1]) + 1
                )

    def advance(self, states: Mapping, inputs: Mapping) -> dict[int, Any]:
        """What delayed connections bring in the step that begins with these states and inputs, by their place in `Dynamics.connections`."""
        delivered: dict = {}
        brought: dict[int, Any] = {}
        for k, c in self._connections.items():
            value = self._source(c, states, inputs, delivered)
            if c.delay:
                value = self._read(k, c, value)
            value = self._product(c, value)
            if c.delay:
                brought[k] = value
            add_up(delivered, c.written, value)
        return brought

    def _read(self, k: int, c: Connection, now: Any) -> Any:
        """Keep the source of this step; the one that arrives."""
        kept = self._kept[k]
        kept.extend([now] * (1 if kept else kept.maxlen or 1))  # before the first step it was what it is then
        return (kept[0] + kept[1]) / 2 if self._centred and not c.external else kept[0]


def _needed(dynamics: Dynamics) -> dict[int, Connection]:
    """The delayed connections, and those whose targets their sources read, by their place."""
    numbered = list(enumerate(dynamics.connections))
    read: set = set()
    needed = {}
    for k, c in reversed(numbered):  # each comes after those that it reads
        if c.delay or c.written in read:
            needed[k] = c
            read |= dynamics.reads(c)
    return dict(sorted(needed.items()))
