"""Fixed points along a parameter: a branch continued by pseudo-arclength (Keller 1977), around its folds, and what happens on it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from organics_neuro.core.boundary import known_name, number, positive_int, shown
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.names import Name
from organics_neuro.core.theory.fixed_point import solve as solve_problem
from organics_neuro.core.theory.large import LARGE
from organics_neuro.core.theory.problems import pose

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from organics_neuro.core.boundary import Values
    from organics_neuro.core.circuits import AnyCircuit
    from organics_neuro.core.theory.systems import System

#: A parameter or an input by its full name; or a function of the value that returns the input, or the circuit.
Along = str | Callable[[float], Any]
#: Smallest step along the branch, relative to the range of the parameter and the size of the state.
_SHORTEST = 1e-8
#: Newton iterations of a corrector at most, and up to which the next step may be longer; where it stops.
_ITERATIONS, _EASY, _PRECISION = 8, 4, 1e-11
#: Cosine of the angle by which a branch may turn in a step.
_STRAIGHT = 0.97
#: Difference of the parameter, relative to its range, for the derivative by it.
_DIFFERENCE = 1e-6
#: Growth of a mode that is none but for rounding errors, relative to the fastest mode.
_NEUTRAL = 1e-10


@dataclass(frozen=True)
class Bifurcation:
    """A point of a branch at which a mode loses or gains stability.

    Attributes
    ----------
    kind : str
        "fold", where the branch turns back and two fixed points meet; "hopf", where a pair of modes begins to grow and a
        limit cycle is born; "branch", where another branch of fixed points crosses.
    value : float
        Of the parameter.
    state : dict of ndarray
        Each state by its full name, (units,).
    frequency : float
        Of the mode in Hz; 0 but for "hopf".
    """

    kind: str
    value: float
    state: dict[str, np.ndarray]
    frequency: float


@dataclass(frozen=True)
class Branch:
    """Fixed points along a parameter, in the order in which they follow each other.

    Attributes
    ----------
    value : ndarray, shape (points,)
        Of the parameter; it goes back where the branch folds.
    state : dict of ndarray
        Each state by its full name, (points, units).
    leading : ndarray of complex, shape (points,)
        The leading eigenvalue, in 1/s.
    unstable_modes : ndarray of int, shape (points,)
        Number of eigenvalues with a positive real part.
    bifurcations : tuple of Bifurcation
    """

    value: np.ndarray
    state: dict[str, np.ndarray]
    leading: np.ndarray
    unstable_modes: np.ndarray
    bifurcations: tuple[Bifurcation, ...]

    @property
    def stable(self) -> np.ndarray:
        """Which points are stable, (points,)."""
        return self.unstable_modes == 0

    def __len__(self) -> int:
        return len(self.value)


class _Point(NamedTuple):
    """A point (states, position along the parameter between 0 and 1), the direction of the branch, and its eigenvalues."""

    u: np.ndarray
    tangent: np.ndarray
    values: np.ndarray
    scale: float

    @property
    def growing(self) -> int:
        return int((self.values.real > _NEUTRAL * np.abs(self.values).max()).sum())


def bifurcation(
    circuit: AnyCircuit,
    z: Values,
    along: Along,
    start: float,
    end: float,
    guess: Mapping[str, ArrayLike] | None = None,
    *,
    step: float = 0.02,
    points: int = 5000,
) -> Branch:
    """Follow a fixed point along a parameter, and find the bifurcations on the way.

    The branch is continued in both the state and the parameter, so that it goes around folds; it ends where the parameter
    leaves the range between ``start`` and ``end``. Folds, Hopf bifurcations and crossings of branches are located to
    rounding error between the points.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        Of up to 1000 states.
    z : array_like or dict, optional
        Input of shape (units,).
    along : str or callable
        A parameter or an input by its full name, whose value all units share; or a function of the value that returns
        the input, ``lambda contrast: contrast*pattern``, or a circuit with other weights or parameters.
    start, end : float
        Of the parameter, in SI units.
    guess : dict, optional
        States from which the first fixed point is looked for, as for `fixed_point`.
    step : float
        Longest step, relative to the range of the parameter and the size of the state; steps shorten where the branch bends.
    points : int
        Where to stop at the latest.

    Returns
    -------
    Branch

    Raises
    ------
    ValueError
        For arguments that do not fit, or if there is no fixed point at the start.

    Warns
    -----
    ConvergenceWarning
        If the branch was lost, or is longer than ``points``.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.Circuit("three_type", size=1, b=1/6, b0=1/6, tau_a=2e-3)
    >>> branch = on.theory.bifurcation(circuit, None, "z", 0.1, 1.0)
    >>> [(found.kind, round(found.value, 4), round(found.frequency, 2)) for found in branch.bifurcations]
    [('hopf', 0.4882, 40.72)]
    """
    family = _Family(circuit, z, along, *_ends(start, end))
    longest = number("step", step, "above 0 and at most 1", lambda h: 0 < h <= 1)
    count = positive_int("points", points)
    with np.errstate(
        all="ignore"
    ):  # a corrector that leaves the domain of the equations is tried again with a shorter step
        path, found = [family.first(guess)], []
        h, reason = longest / 10, "it is longer than so many points; give more points, or a longer step"
        while len(path) < count:
            new, easy = family.advance(path[-1], h)
            events = None if new is None else _events(family, path[-1], new, h)
            if new is None or events is None:
                h, reason = h / 2, "Newton's method does not follow it, or several bifurcations come together"
                if h < _SHORTEST:
                    break
                continue
            inside = 0 <= new.u[-1] <= 1
            if not inside:
                new = family.clipped(path[-1], h, new.u[-1] > 1)
            found += [event for event in events if 0 <= event.u[-1] <= 1]
            path.append(new)
            if not inside:
                reason = ""
                break
            h = min(longest, 1.5 * h if easy else h)
    if reason:
        text = (
            f"the branch was not followed to the end of the range, it ends at {family.value(path[-1].u):.6g}: {reason}"
        )
        warnings.warn(text, ConvergenceWarning, stacklevel=2)
    return family.branch(path, found)


def _ends(start: Any, end: Any) -> tuple[float, float]:
    ends = [number(name, value, "one number", lambda _: True) for name, value in (("start", start), ("end", end))]
    if ends[0] == ends[1]:
        raise ValueError(f"start and end must differ, got {shown(start)} twice")
    return ends[0], ends[1]


class _Event(NamedTuple):
    kind: str
    u: np.ndarray
    frequency: float


class _Family:
    """The equations of a circuit as functions of the states and of one parameter, which goes from 0 to 1."""

    def __init__(self, circuit: AnyCircuit, z: Values, along: Along, start: float, end: float):
        self._circuit, self._z, self._along, self._start, self._end = circuit, z, along, start, end
        problem = pose(circuit, z)
        self._dynamics = problem.dynamics
        if problem.shape:
            raise ValueError("a branch is that of one circuit at one input: give z of shape (units,)")
        if self._dynamics.size > LARGE:
            raise ValueError(f"a branch is followed in up to {LARGE} states, this circuit has {self._dynamics.size}")
        if not callable(along):
            known_name("parameter or input in along", along, (*self._dynamics.inputs, *self._dynamics.parameters))

    def value(self, u: np.ndarray) -> float:
        """The parameter at a point."""
        return float(self._start + u[-1] * (self._end - self._start))

    def _posed(self, p: float, guess: Mapping | None = None):
        """The problem where the parameter is at ``p`` of its range."""
        value, circuit, z = self._start + p * (self._end - self._start), self._circuit, self._z
        if callable(self._along):
            given = self._along(value)
            circuit, z = (given, z) if hasattr(given, "populations") else (circuit, given)
        else:
            z = {**self._dynamics.name_inputs(z), Name.parse(self._along): value}
        return pose(circuit, z, guess, "guess")

    def _system(self, p: float) -> System:
        return next(self._posed(p).parts())[1]

    def first(self, guess: Mapping | None) -> _Point:
        """The fixed point at the start."""
        point, _ = solve_problem(self._posed(0.0, guess), from_guess=guess is not None)
        if not point.converged:
            raise ValueError(
                f"no fixed point was found at the start, {self._start:g} (the residual is {point.residual:.3g}); start elsewhere, or "
                "give guess={state: values}"
            )
        x = self._dynamics.pack(point.state)
        ahead = np.zeros(len(x) + 1)
        ahead[-1] = 1.0
        return self._point(np.append(x, 0.0), ahead)

    def advance(self, point: _Point, h: float) -> tuple[_Point | None, bool]:
        """The point a step further, None if it was not found, and whether that was easy."""
        u, iterations = self._corrected(point, h)
        new = None if u is None else self._point(u, point.tangent)
        if new is None or new.tangent @ point.tangent < _STRAIGHT:
            return None, False
        return new, iterations <= _EASY

    def clipped(self, point: _Point, h: float, above: bool) -> _Point:
        """The point between two at which the parameter reaches the end of its range."""
        end = 1.0 if above else 0.0
        crossing = brentq(lambda part: self.at(point, part).u[-1] - end, 0.0, h, xtol=1e-12)
        return self.at(point, crossing)

    def at(self, point: _Point, h: float) -> _Point:
        """The point a step further, which is known to be there."""
        u, _ = self._corrected(point, h)
        return point if u is None else self._point(u, point.tangent)

    def _corrected(self, point: _Point, h: float) -> tuple[np.ndarray | None, int]:
        """Newton's method in the plane at the distance ``h`` along the tangent."""
        weight = np.append(np.full(len(point.u) - 1, 1 / point.scale), 1.0)
        u = point.u + h * point.tangent / weight
        for iteration in range(_ITERATIONS):
            residual, matrix = self._extended(u, point.tangent * weight)
            gap = np.append(residual, (point.tangent * weight) @ (u - point.u) - h)
            if not np.isfinite(matrix).all():
                return None, iteration
            try:
                change = np.linalg.solve(matrix, gap)
            except np.linalg.LinAlgError:
                return None, iteration
            u = u - change
            if np.abs(change * weight).max() < _PRECISION:
                return u, iteration
        return None, _ITERATIONS

    def _extended(self, u: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The residual, and its derivatives by states and parameter with one more row."""
        x, p = u[None, :-1], float(u[-1])
        system = self._system(p)
        ahead, behind = (self._system(p + d).residual(x)[0] for d in (_DIFFERENCE, -_DIFFERENCE))
        slope = (ahead - behind) / (2 * _DIFFERENCE)
        return system.residual(x)[0], np.vstack([np.column_stack([system.jacobian(x)[0], slope]), row])

    def _point(self, u: np.ndarray, before: np.ndarray) -> _Point:
        """What is known of a point, with the direction that continues ``before``; directions are in scaled units."""
        scale = max(float(np.abs(u[:-1]).max()), 1e-6)
        weight = np.append(np.full(len(u) - 1, 1 / scale), 1.0)
        _, matrix = self._extended(u, before * weight)
        target = np.zeros(len(u))
        target[-1] = 1.0
        try:
            tangent = np.linalg.solve(matrix, target) * weight
        except np.linalg.LinAlgError:
            tangent = before
        values = self._system(float(u[-1])).eigenvalues(u[None, :-1])[0]
        return _Point(u, tangent / np.linalg.norm(tangent), values, scale)

    def branch(self, path: list[_Point], events: list[_Event]) -> Branch:
        """The answer."""
        states = self._dynamics.unpack(np.array([point.u[:-1] for point in path]))
        found = [Bifurcation(e.kind, self.value(e.u), self._dynamics.unpack(e.u[:-1]), e.frequency) for e in events]
        return Branch(
            np.array([self.value(point.u) for point in path]),
            states,
            np.array([point.values[0] for point in path]),
            np.array([point.growing for point in path]),
            tuple(found),
        )


def _events(family: _Family, before: _Point, after: _Point, h: float) -> list[_Event] | None:
    """What happens between two points; None if it is more than one thing, so that the step is to be shorter."""
    folds = before.tangent[-1] * after.tangent[-1] < 0
    least, change = min(before.growing, after.growing), abs(before.growing - after.growing)
    if folds:
        where = brentq(lambda part: family.at(before, part).tangent[-1], 0.0, h, xtol=1e-13)
        return [_Event("fold", family.at(before, where).u, 0.0)] if change <= 1 else None
    if not change:
        return []
    rotates = abs(after.values[least].imag) > 0 and abs(before.values[least].imag) > 0
    if change != (2 if rotates else 1):
        return None
    crossing = brentq(lambda part: family.at(before, part).values[least].real, 0.0, h, xtol=1e-13)
    there = family.at(before, crossing)
    frequency = abs(float(there.values[least].imag)) / (2 * np.pi)
    return [_Event("hopf" if rotates else "branch", there.u, frequency)]
