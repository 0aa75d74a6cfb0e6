"""All fixed points of a circuit that a search from many places finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from organics_neuro.core.boundary import check_seed, number, positive_int
from organics_neuro.core.memory import check_memory
from organics_neuro.core.theory.large import LARGE
from organics_neuro.core.theory.problems import pose, rows_at_a_time
from organics_neuro.core.theory.search import Search
from organics_neuro.core.theory.solvers import newton
from organics_neuro.core.theory.systems import extent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from organics_neuro.core.boundary import Values
    from organics_neuro.core.circuits import AnyCircuit

#: Points closer to each other than this, relative to the largest state or 1, are the same.
_SAME = 1e-6
#: Places to start from lie around what the circuit visits, at up to so many times its distance from 0, and down to this
#: fraction of it.
_FARTHEST, _NEAREST = 3.0, 1e-3


@dataclass(frozen=True)
class FixedPoints:
    """Fixed points of one circuit at one input, the most stable first.

    Attributes
    ----------
    state : dict of ndarray
        Each state by its full name, shape (points, units).
    stable : ndarray of bool, shape (points,)
    leading : ndarray, shape (points,)
        Real part of the leading eigenvalue, in 1/s.
    unstable_modes : ndarray of int, shape (points,)
        Number of eigenvalues with a positive real part: 1 for a saddle between two basins, 2 for a focus that is unstable.
    residual : ndarray, shape (points,)
        Largest ``|tau dx/dt|``, see `FixedPoint`.
    """

    state: dict[str, np.ndarray]
    stable: np.ndarray
    leading: np.ndarray
    unstable_modes: np.ndarray
    residual: np.ndarray

    def __len__(self) -> int:
        return len(self.stable)


def fixed_points(
    circuit: AnyCircuit,
    z: Values = None,
    guesses: Mapping[str, ArrayLike] | None = None,
    *,
    starts: int = 1000,
    seed: int = 0,
    tol: float = 1e-10,
) -> FixedPoints:
    """All fixed points that are found, stable or not.

    Newton's method starts from many places at once: random ones, of all magnitudes around what the circuit visits on its
    way from its initial states, and the ``guesses``. There is no proof that none is missed; more ``starts``, and another
    ``seed``, tell how sure one can be.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        Of up to 1000 states; to find all points it should be small.
    z : array_like or dict, optional
        Input of shape (units,).
    guesses : dict, optional
        States from which to start as well, each (units,) or (guesses, units); those not named are where the circuit starts.
    starts : int
        Number of random places.
    seed : int
        Of the random places.
    tol : float
        Largest residual that counts as none, relative to the largest state or 1, whichever is larger.

    Returns
    -------
    FixedPoints
        Empty if none is found.

    Raises
    ------
    ValueError
        For an input with trials, a circuit that is too large, and as for `fixed_point`.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.Circuit("two_type", {"W_r": [[2.0]], "W": [[1.0]]}, tau_a=2e-3)
    >>> found = on.theory.fixed_points(circuit, [1.0])
    >>> found.state["y"][:, 0].round(4).tolist(), found.stable.tolist()
    ([0.9978, -0.9789, -0.5692], [True, False, False])
    """
    tol = number("tol", tol, "a number larger than 0", lambda t: t > 0)
    starts, seed = positive_int("starts", starts), check_seed(seed)
    problem = pose(circuit, z)
    if problem.shape:
        raise ValueError("fixed_points are those of one circuit at one input: give z of shape (units,)")
    if problem.dynamics.size > LARGE:
        raise ValueError(
            f"fixed_points takes circuits of up to {LARGE} states, this one has {problem.dynamics.size}; fixed_point finds the "
            "one that a large circuit reaches"
        )
    check_memory(f"a search from {starts:,} places", 8.0 * starts * problem.dynamics.size, "use fewer starts")
    with np.errstate(all="ignore"):  # a start may lie outside of the domain of the equations
        _, system, start = next(problem.parts())
        search = Search(system, start, tol).run()
        places = [search.x, start, _places(start[0], search.x[0], starts, np.random.default_rng(seed))]
        if guesses is not None:
            places += [x for _, _, x in pose(circuit, z, guesses, "guesses").parts()]
        places = np.concatenate(places)
        step = rows_at_a_time(places.shape[1])
        x = np.concatenate([newton(system, places[k : k + step]).x for k in range(0, len(places), step)])
        return _describe(system, _distinct(x[system.sizes(x) <= tol]))


def _places(start, reached, count, rng):
    """Random states (count, size), of magnitudes that the state itself visits, or that the largest state does."""
    visited = np.maximum(np.abs(start), np.abs(np.nan_to_num(reached, posinf=0, neginf=0)))
    largest = np.where(rng.uniform(size=(count, 1)) < 0.5, visited, max(1.0, visited.max()))
    size = _FARTHEST * largest * (_NEAREST / _FARTHEST) ** rng.uniform(size=(count, len(start)))
    signs = rng.choice([-1.0, 1.0], size.shape)
    signs[::2] = np.where(start > 0, 1.0, signs[::2])  # a state that starts above 0 may have to stay there
    return np.where(size > 0, size, _NEAREST) * signs


def _distinct(x):
    """Rows that differ from each other."""
    kept = np.empty((0, x.shape[1]))
    for row in x:
        if not len(kept) or (np.abs(kept - row).max(axis=1) > _SAME * extent(row[None])).all():
            kept = np.concatenate([kept, row[None]])
    return kept


def _describe(system, x):
    values = system.eigenvalues(x) if len(x) else np.zeros((0, x.shape[1]))
    order = np.argsort(values[:, 0].real, kind="stable")
    x, values = x[order], values[order]
    leading, growing = values[:, 0].real, (values.real > 0).sum(axis=1)
    residual = np.abs(system.residual(x)).max(axis=1) if len(x) else np.zeros(0)
    return FixedPoints(system.dynamics.unpack(x), leading < 0, leading, growing, residual)
