"""Large circuits without matrices: products with the Jacobian from the operators, and Krylov methods.

Newton's steps come from GMRES (Saad & Schultz 1986), the leading eigenvalues from ARPACK's implicitly restarted Arnoldi
method (Lehoucq, Sorensen & Yang 1998). A circuit is one row: large ones are solved one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs, gmres

from organics_neuro.core.linearisation import Linearisation
from organics_neuro.core.theory.systems import System, leading_first

if TYPE_CHECKING:
    from organics_neuro.core.dynamics import Dynamics

#: Circuits with more states than this are computed without matrices.
LARGE = 1000
#: Matrices (size, size) are made up to this number of states: 512 MB.
_MATRIX = 8000
#: Relative precision of a Newton step and of eigenvalues.
_STEP, _VALUE = 1e-8, 1e-9
#: Vectors that GMRES keeps, and how often it starts again; vectors that ARPACK keeps, one after the other until it converges.
_VECTORS, _RESTARTS, _ARNOLDI, _SWEEPS = 60, 10, (60, 150, 300), 30


class LargeSystem(System):
    """`System` of one large circuit at one input."""

    small = False

    def _operator(self, x: np.ndarray, scale: np.ndarray | float = 1.0) -> LinearOperator:
        """The Jacobian at the states (1, size), each row times ``scale``."""
        linear, size = Linearisation(self.dynamics, x[0], self._inputs()), self.dynamics.size
        return LinearOperator((size, size), matvec=lambda v: scale * linear.product(np.ravel(v)), dtype=float)

    def _inputs(self):
        return {name: value if value.ndim == 1 else value[0] for name, value in self.inputs.items()}

    def newton_step(self, x: np.ndarray, residual: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Newton's step; the step for some states alone is not made here."""
        if free is not None:
            raise NotImplementedError("large circuits are solved for all of their states at once")
        if not np.isfinite(residual).all():
            return np.full_like(x, np.nan)
        operator = self._operator(x, np.ravel(self.tau))
        step, _ = gmres(operator, -residual[0], rtol=_STEP, atol=0.0, restart=_VECTORS, maxiter=_RESTARTS)
        return step[None]

    def eigenvalues(self, x: np.ndarray, k: int | None = None) -> np.ndarray:
        """As `System.eigenvalues`; a few of them without a matrix, and NaN for those that were not found."""
        size = self.dynamics.size
        if k is None or k > size // 4:
            check_room(self.dynamics, "the matrix with all eigenvalues")
            return super().eigenvalues(x, k)
        check_no_delays(self.dynamics, "the eigenvalues")
        operator, values = self._operator(x), np.full(k, np.nan, dtype=complex)
        if np.isfinite(operator.matvec(np.ones(size))).all():
            found = leading_first(_arnoldi(operator, k)[None])[0, :k]
            values[: len(found)] = found
        return values[None]


def _arnoldi(operator, k):
    """Leading eigenvalues, those that converged, in any order; one more than ``k``: a pair is not cut in half."""
    size = operator.shape[0]
    start, found = np.random.default_rng(0).standard_normal(size), np.empty(0, dtype=complex)
    for vectors in _ARNOLDI:
        ncv, options = min(max(vectors, 3 * k), size - 1), {"v0": start, "tol": _VALUE, "return_eigenvectors": False}
        try:
            return eigs(operator, k + 1, which="LR", ncv=ncv, maxiter=_SWEEPS, **options)
        except ArpackNoConvergence as stopped:
            found = stopped.eigenvalues
            if len(found) >= k:
                return found
    return found


def check_no_delays(dynamics: Dynamics, what: str) -> None:
    """Raise `ValueError` if couplings of a large circuit have delays."""
    if dynamics.has_delays:
        raise ValueError(
            f"{what} of a circuit with delays are known up to {LARGE} states, and this one has {dynamics.size}; use fewer units "
            "or no delays"
        )


def check_room(dynamics: Dynamics, what: str) -> None:
    """Raise `ValueError` if a matrix of all states is too large to be made."""
    if dynamics.size > _MATRIX:
        raise ValueError(
            f"{what} of {dynamics.size} states takes {8e-9 * dynamics.size**2:.1g} GB, and is made up to {_MATRIX} states; "
            "eigenvalues(k=...), is_stable and power_spectrum(pairs=...) need no matrix"
        )
