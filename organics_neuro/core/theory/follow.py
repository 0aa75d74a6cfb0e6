"""A circuit followed explicitly from where it starts, as a simulator would, with steps that fit each row.

The steps are those of Bogacki & Shampine 1989, of third order with an error estimate of second order; each row (circuit or
trial) has a step of its own. Near a steady state the fastest time constant limits them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from organics_neuro.core.theory.systems import System

#: Weights of the slopes of a step: of three in its result, of four in the difference to that of second order.
_ORDER_3 = np.array([2, 3, 4]) / 9
_DIFFERENCE = np.array([-5 / 72, 1 / 12, 1 / 9, -1 / 8])
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
        flow, slopes = self.system.flow, np.empty((4, *self.x.shape))
        flat, slopes[0] = slopes.reshape(4, -1), self.slope
        for _ in range(steps):
            h = self.step[:, None]
            slopes[1] = flow(self.x + (h / 2) * slopes[0])
            slopes[2] = flow(self.x + (3 / 4 * h) * slopes[1])
            new = self.x + h * (_ORDER_3 @ flat[:3]).reshape(self.x.shape)
            slopes[3] = flow(new)
            error = h * (_DIFFERENCE @ flat).reshape(self.x.shape)
            size = (np.abs(error) / (_ABSOLUTE + _RELATIVE * np.abs(new))).max(axis=1)
            size = np.fmin(size, _HUGE)  # which takes the place of NaN too
            good = (size <= 1) & ~self.lost
            if good.all():
                self.x, slopes[0] = new, slopes[3]
            else:
                self.x, slopes[0] = np.where(good[:, None], (new, slopes[3]), (self.x, slopes[0]))
            self.time += good * self.step
            longer = np.minimum(np.maximum(0.9 * np.maximum(size, 1e-9) ** (-1 / 3), 0.2), 5)
            self.step = np.minimum(self.step * longer, _LONGEST * self.first)
            self.lost |= self.step < _SHORTEST * self.first
        self.lost |= np.abs(self.x).max(axis=1) > _HUGE
        self.slope = slopes[0]
