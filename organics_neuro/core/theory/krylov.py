"""Linear systems (s - A) x = b for many shifts s at once, without a matrix: they share one Krylov space (Frommer & Glässner 1998)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import schur, solve_triangular

from organics_neuro.core.errors import ConvergenceError

#: Residual of all solutions relative to b; vectors at most, and after how many it is looked at again.
_PRECISION, _MOST, _BLOCK = 1e-12, 600, 30


class ShiftedSystems:
    """Solutions of (s_k - A) x_k = b by the full orthogonalization method.

    Parameters
    ----------
    product : callable
        A times a real vector.
    b : ndarray, shape (size,)
    shifts : ndarray of complex, shape (k,)

    Raises
    ------
    ConvergenceError
        If the space would need too many vectors.
    """

    def __init__(self, product: Callable[[np.ndarray], np.ndarray], b: np.ndarray, shifts: np.ndarray):
        self._norm, self._product, self._shifts = float(np.linalg.norm(b)), product, shifts
        most = min(_MOST, b.size)
        self._vectors, self._projected = np.zeros((most + 1, b.size)), np.zeros((most + 1, most))
        self._coordinates = np.zeros((len(shifts), 1), dtype=complex)
        if not self._norm:
            return
        self._vectors[0] = b / self._norm
        for m in range(1, most + 1):
            self._extend(m)
            exhausted = m == most or self._projected[m, m - 1] < 1e-14 * np.abs(self._projected[:m, m - 1]).max()
            if exhausted or m % _BLOCK == 0:
                self._coordinates, residual = self._solve(m)
                if residual <= _PRECISION or (exhausted and m == b.size):
                    self._vectors = self._vectors[:m].copy()
                    return
        raise ConvergenceError(
            f"the response at some frequency did not converge within {most} products with the Jacobian (residual {residual:.2g}); "
            "the circuit is close to instability, or its time constants are too different"
        )

    def _extend(self, m):
        """Arnoldi's step, orthogonalized twice."""
        new, known = self._product(self._vectors[m - 1]), self._vectors[:m]
        for _ in range(2):
            overlap = known @ new
            new = new - overlap @ known
            self._projected[:m, m - 1] += overlap
        self._projected[m, m - 1] = length = np.linalg.norm(new)
        if length:
            self._vectors[m] = new / length

    def _solve(self, m):
        """Coordinates (shifts, m) of the solutions, and the largest residual relative to b."""
        triangle, turn = schur(self._projected[:m, :m], output="complex")
        start, identity = turn[0].conj(), np.eye(m)
        coordinates = np.array([turn @ solve_triangular(s * identity - triangle, start) for s in self._shifts])
        return coordinates, self._projected[m, m - 1] * np.abs(coordinates[:, -1]).max()

    def solution(self, k: int) -> np.ndarray:
        """x_k, (size,) of complex numbers."""
        coordinates = self._norm * self._coordinates[k]
        known = self._vectors[: len(coordinates)]
        return coordinates.real @ known + 1j * (coordinates.imag @ known)
