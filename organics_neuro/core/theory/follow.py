"""A circuit followed explicitly from where it starts, as a simulator would, with steps that fit each row.

The steps are those of Bogacki & Shampine 1989, of third order with an error estimate of second order; each row (circuit or
trial) has a step of its own. Near a steady state the fastest time constant limits them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from organics_neuro.core.theory.systems import System

#: Error of a step that is allowed: relative to each state, and absolute.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-5
#: Beyond these numbers, or with steps this short relative to the first, a circuit has left for good.
_HUGE, _SHORTEST = 1e12, 1e-12
#: The longest step relative to the first; where nothing changes any more, steps would grow without bound.
_LONGEST = 1e6


class Path:
    """Rows on their way.

    Parameters
    ----------
    system : System
    x : ndarray, shape (rows, size)
        Where they start.

    Attributes
    ----------
    x : ndarray, shape (rows, size)
    time : ndarray, shape (rows,)
        How far each has come, in seconds.
    lost : ndarray of bool, shape (rows,)
        Which have run away.
    """

    def __init__(self, system: System, x: np.ndarray):
        self.system, self.x = system, x.copy()
        self.slope = system.flow(self.x)
        self.first = np.broadcast_to(0.1 * np.min(system.tau, axis=-1), len(x))
        self.step, self.time = self.first.copy(), np.zeros(len(x))
        self.lost = ~np.isfinite(self.slope).all(axis=1)

    def take(self, rows: np.ndarray) -> Path:
        """Some of the rows."""
        part = object.__new__(Path)
        part.system = self.system.take(rows)
        for name in ("x", "slope", "first", "step", "time", "lost"):
            setattr(part, name, getattr(self, name)[rows])
        return part

    def advance(self, steps: int) -> None:
        """Go on by some steps, those that have to be repeated included."""
        for _ in range(steps):
            h, flow = self.step[:, None], self.system.flow
            second = flow(self.x + h / 2 * self.slope)
            third = flow(self.x + 3 * h / 4 * second)
            new = self.x + h / 9 * (2 * self.slope + 3 * second + 4 * third)
            slope = flow(new)
            error = h * (-5 / 72 * self.slope + second / 12 + third / 9 - slope / 8)
            size = (np.abs(error) / (_ABSOLUTE + _RELATIVE * np.abs(new))).max(axis=1)
            size = np.where(np.isfinite(size), size, np.inf)
            good = (size <= 1) & ~self.lost
            self.x[good], self.slope[good] = new[good], slope[good]
            self.time[good] += self.step[good]
            step = self.step * np.clip(0.9 * np.maximum(size, 1e-9) ** (-1 / 3), 0.2, 5)
            self.step = np.minimum(step, _LONGEST * self.first)
            self.lost |= (self.step < _SHORTEST * self.first) | (np.abs(self.x).max(axis=1) > _HUGE)
