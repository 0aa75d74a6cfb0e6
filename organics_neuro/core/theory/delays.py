"""Eigenvalues of a circuit with delays: the roots of det(λ - Σ_d J_d e^(-λd)), of which there are infinitely many.

The states at all times between t and t - D, D being the longest delay, are a function; how it changes is a linear operator
whose eigenvalues are the roots. On Chebyshev points it becomes a matrix (Breda, Maset & Vermiglio 2005), whose leading
eigenvalues are the leading roots but for an error that falls faster than any power of the number of points. Newton's
method on the equation itself then takes them to rounding error.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

#: Chebyshev intervals: at least, at most, and so that the matrix stays below a size that takes a second.
_FEWEST, _MOST, _LARGEST = 16, 64, 1200
_NEWTON_ITERATIONS = 20


def characteristic_roots(parts: Mapping[float, np.ndarray]) -> np.ndarray:
    """The leading roots, as many as there are states.

    Parameters
    ----------
    parts : dict of float to ndarray
        The Jacobian in parts by delay in seconds, each (size, size); 0 is the part without delay.

    Returns
    -------
    ndarray of complex, shape (size,), in 1/s
        Sorted by real part, the leading one first.
    """
    size = len(next(iter(parts.values())))
    values = np.linalg.eigvals(generator(parts))
    values = values[np.argsort(-np.real(values), kind="stable")]
    if len(values) == size:  # nothing comes late
        return values
    upper = values[np.imag(values) >= 0][:size]
    upper = np.array([_polish(value, parts) for value in upper])
    values = np.concatenate([upper, upper[np.imag(upper) != 0].conj()])
    return values[np.argsort(-np.real(values), kind="stable")][:size]


def generator(parts: Mapping[float, np.ndarray]) -> np.ndarray:
    """The linear system of the present states, and of the past of those that others see with a delay.

    Returns
    -------
    ndarray, shape (size + intervals · delayed states, same)
        The present states come first.
    """
    present = next(iter(parts.values()))
    size, longest = len(present), max(parts)
    delayed = {delay: part for delay, part in parts.items() if delay > 0}
    seen = np.flatnonzero(sum(np.abs(part).sum(axis=0) for part in delayed.values()) if delayed else np.zeros(size))
    now = parts.get(0.0, np.zeros((size, size)))
    if not seen.size:
        return now
    intervals = _count_intervals(parts, longest, size, seen.size)
    points, slopes = _chebyshev(intervals)
    past = np.kron(slopes[1:] * 2 / longest, np.eye(seen.size))  # d/dθ of the history, at all points but the present
    matrix = np.zeros((size + intervals * seen.size,) * 2)
    matrix[:size, :size] = now
    for delay, part in delayed.items():
        weights = _interpolation(points, 1 - 2 * delay / longest)
        matrix[:size, seen] += weights[0] * part[:, seen]
        matrix[:size, size:] += np.kron(weights[None, 1:], part[:, seen])
    matrix[size:, seen] += past[:, : seen.size]
    matrix[size:, size:] = past[:, seen.size :]
    return matrix


def _count_intervals(parts: Mapping[float, np.ndarray], longest: float, size: int, seen: int) -> int:
    """Enough for a mode as fast as the circuit is to be resolved over the longest delay."""
    fastest = sum(np.abs(part).sum(axis=1).max() for part in parts.values())
    wanted = int(np.clip(np.ceil(longest * fastest), _FEWEST, _MOST))
    return max(min(wanted, (_LARGEST - size) // seen), _FEWEST)


def _chebyshev(intervals: int) -> tuple[np.ndarray, np.ndarray]:
    """Chebyshev points from 1 to -1 and the matrix that differentiates there (Trefethen 2000, Spectral Methods, ch. 6)."""
    points = np.cos(np.pi * np.arange(intervals + 1) / intervals)
    scale = np.ones(intervals + 1)
    scale[[0, -1]] = 2
    scale *= (-1.0) ** np.arange(intervals + 1)
    slopes = np.outer(scale, 1 / scale) / (points[:, None] - points + np.eye(intervals + 1))
    return points, slopes - np.diag(slopes.sum(axis=1))


def _interpolation(points: np.ndarray, at: float) -> np.ndarray:
    """Weights of the values at Chebyshev points in the polynomial through them, evaluated at a place (Berrut & Trefethen 2004)."""
    distance = at - points
    if (exact := np.abs(distance) < 1e-14).any():
        return exact.astype(float)
    weights = (-1.0) ** np.arange(len(points)) / distance
    weights[[0, -1]] /= 2
    return weights / weights.sum()


def _polish(value: complex, parts: Mapping[float, np.ndarray]) -> complex:
    """Newton's method on the smallest singular value, from a root of the matrix; that root itself if it leads elsewhere."""
    start, scale = value, 1 / max(parts)
    identity = np.eye(len(next(iter(parts.values()))))
    for _ in range(_NEWTON_ITERATIONS):
        turned = {delay: np.exp(-value * delay) * part for delay, part in parts.items()}
        left, singular, right = np.linalg.svd(value * identity - sum(turned.values()))
        slope = identity + sum(delay * part for delay, part in turned.items())
        step = singular[-1] / (left[:, -1].conj() @ slope @ right[-1].conj())
        value = value - step
        if not np.isfinite(value) or abs(value - start) > 0.1 * (scale + abs(start)):
            return start
        if abs(step) < 1e-14 * abs(value):
            break
    return value
