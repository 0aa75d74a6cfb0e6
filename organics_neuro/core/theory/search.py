"""The steady state that a circuit reaches: follow it explicitly, then Newton's method; and other ways where that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from organics_neuro.core.theory.follow import Path
from organics_neuro.core.theory.solvers import newton, relax, settle
from organics_neuro.core.theory.systems import extent

if TYPE_CHECKING:
    from collections.abc import Callable

    from organics_neuro.core.theory.solvers import Found
    from organics_neuro.core.theory.systems import System

#: What is known of a point, the best first: the circuit goes there; it is stable, but the circuit does not go there; it is
#: an unstable fixed point; it is none.
REACHED, STABLE, UNSTABLE, NOWHERE = range(4)
#: After so many further steps it is tried whether Newton's method leads to where the circuit is going.
_STEPS = (32, 32, 64, 64, 64, 128, 128, 128, 256, 256, 512, 512)
#: A circuit this close to a fixed point, relative to its largest state or 1, rests there.
_REST = 1e-6
#: Closer to a stable fixed point than this, relative to the largest state, a circuit is taken to arrive there.
_NEAR = 2e-2
#: How slow it may come closer, as a fraction of the rate of the leading mode.
_SLOWER = 0.25
#: Growth of a mode, relative to the fastest time constant, that is none but for rounding errors.
_NEUTRAL = 1e-9


class Search:
    """The best points that were found for each row.

    Parameters
    ----------
    system : System
    start : ndarray, shape (rows, size)
        Where the circuits start.
    tol : float
        Largest residual that counts as none, relative to the largest state or 1.

    Attributes
    ----------
    x : ndarray, shape (rows, size)
    rank : ndarray of int, shape (rows,)
        `REACHED`, `STABLE`, `UNSTABLE` or `NOWHERE`.
    iterations : ndarray of int, shape (rows,)
        Steps of the solvers that led there.
    """

    def __init__(self, system: System, start: np.ndarray, tol: float):
        self.system, self.start, self.tol = system, start, tol
        self.x, self.rank = start.copy(), np.full(len(start), NOWHERE)
        self.iterations = np.zeros(len(start), dtype=int)
        self._size = np.full(len(start), np.inf)

    def run(self) -> Search:
        """Follow the circuits, then try other ways from their start for those that did not settle."""
        self._follow()
        rows = np.flatnonzero(self.rank == UNSTABLE)  # whatever was passed on the way, looked at closely
        if rows.size:
            self.rank[rows[self.system.take(rows).leading(self.x[rows]) < 0]] = STABLE
        for way in self._other_ways():
            rows = np.flatnonzero(self.rank > STABLE)
            if rows.size:
                system = self.system.take(rows)
                before = way(system, self.start[rows])
                found, size = self._polish(system, before.x)
                leading = self._leading(system, found.x, size <= self.tol)
                rank = np.where(leading < 0, STABLE, np.where(size <= self.tol, UNSTABLE, NOWHERE))
                self._note(rows, found, before.iterations, rank, size)
        return self

    def _follow(self):
        """Follow the circuits until each has reached a fixed point.

        It is one where the circuit rests; or a stable one to which Newton's method leads without a detour, and to which
        the circuit is near, or has come closer twice since Newton's method led to the same point (and not much slower than
        the leading mode decays: a circuit that circles around a point comes closer half of the time).
        """
        rows, path, spent = np.arange(len(self.x)), Path(self.system, self.start), 0
        before = np.full_like(self.start, np.nan)  # where Newton's method led, and how far away it was
        away, since, closer = np.zeros((3, len(rows)))
        for steps in _STEPS:
            path.advance(steps)
            spent += steps
            found, size = self._polish(path.system, path.x, detours=False)
            exists, distance = size <= self.tol, np.abs(path.x - found.x).max(axis=1)
            rests = exists & (distance < _REST * extent(found.x))
            same = np.abs(found.x - before).max(axis=1) < _REST * extent(found.x)
            near = distance < _NEAR * np.abs(found.x).max(axis=1)
            closer = np.where(exists & found.direct & same & (distance < away), closer + 1, 0)
            comes = exists & found.direct & (near | (closer > 1))
            leading = self._leading(path.system, found.x, rests | comes)
            comes &= near | (distance < away * np.exp(_SLOWER * leading * (path.time - since)))
            neutral = np.abs(leading) * path.system.tau.min(axis=-1) < _NEUTRAL
            rank = np.where(exists, UNSTABLE, NOWHERE)
            rank[((leading < 0) & (comes | rests)) | (neutral & rests)] = REACHED
            self._note(rows, found, spent, rank, size)
            going = np.flatnonzero((self.rank[rows] > REACHED) & ~rests & ~path.lost)
            if not going.size:
                return
            rows, path, before, away = rows[going], path.take(going), found.x[going], distance[going]
            since, closer = path.time.copy(), closer[going]

    def _polish(self, system, x, detours=True):
        """Newton's method, and the size of the residual where it ends."""
        found = newton(system, x, detours=detours)
        return found, system.sizes(found.x)

    def _leading(self, system, x, wanted):
        """Growth of the leading mode in some rows, infinite in the others."""
        leading, rows = np.full(len(x), np.inf), np.flatnonzero(wanted)
        if rows.size:
            leading[rows] = system.take(rows).leading(x[rows])
        return leading

    def _note(self, rows, found: Found, before, rank, size):
        """Keep what is better than what was known: of a better rank, or of the same with a smaller residual."""
        size = np.maximum(size, self.tol)
        better = (rank < self.rank[rows]) | ((rank == self.rank[rows]) & (size < self._size[rows]))
        rows, which = rows[better], np.flatnonzero(better)
        self.x[rows], self.rank[rows], self._size[rows] = found.x[which], rank[which], size[which]
        self.iterations[rows] = (before + found.iterations)[which]

    def _other_ways(self) -> list[Callable[[System, np.ndarray], Found]]:
        """Solvers that may arrive at a point where the circuit itself does not settle."""
        if not self.system.small:
            return [newton]
        if self.system.relaxed.any():
            return [newton, relax, settle, lambda system, x: relax(system, x, step=0.5)]
        return [newton, settle]
