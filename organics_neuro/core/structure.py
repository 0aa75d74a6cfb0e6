"""Structure that a dense matrix turns out to have: an operator that is equal to it and costs less."""

import numpy as np
from scipy.sparse import csr_array

from organics_neuro.core.operators import AllToAll, Circulant, Dense, LowRank, Operator, Sparse

#: Smaller matrices are not worth the search; ranks are looked for up to this number.
_UNITS, _RANK = 64, 16
#: Weights are equal if they differ by less than this, of the largest.
_EQUAL = 1e-12
#: Share of weights that are not zero up to which a matrix is sparse: each costs an index as well.
_SPARSE = 0.2


def structured(operator: Operator) -> Operator | None:
    """An operator with structure that equals dense weights up to rounding; None if there is none, or they are small."""
    if not isinstance(operator, Dense) or min(operator.shape) < _UNITS:
        return None
    found = (search(operator.matrix) for search in (_uniform, _sparse, _ring, _low_rank))
    return min((each for each in found if each is not None), key=lambda each: each.cost.multiplications, default=None)


def _uniform(matrix):
    equal = np.ptp(matrix) <= _EQUAL * np.abs(matrix).max()
    return AllToAll(matrix.shape, matrix.mean()) if equal else None


def _sparse(matrix):
    few = np.count_nonzero(matrix) <= _SPARSE * matrix.size
    return Sparse(csr_array(matrix)) if few else None


def _ring(matrix):
    """Every row is the one before it, turned by one."""
    tolerance = _EQUAL * np.abs(matrix).max()
    same = matrix.shape[0] == matrix.shape[1]
    same = same and np.abs(matrix[1:, 1:] - matrix[:-1, :-1]).max() <= tolerance
    same = same and np.abs(matrix[0, 1:] - matrix[:0:-1, 0]).max() <= tolerance
    return Circulant(matrix[:, 0]) if same else None


def _low_rank(matrix):
    """The matrix on the space that its products with a few random vectors span."""
    vectors = np.random.default_rng(0).standard_normal((matrix.shape[1], _RANK + 1))
    basis, _ = np.linalg.qr(matrix @ vectors)
    right = basis.T @ matrix
    if np.abs(matrix - basis @ right).max() > 1e3 * _EQUAL * np.abs(matrix).max():
        return None
    u, s, v = np.linalg.svd(right, full_matrices=False)
    rank = np.count_nonzero(s > 1e3 * _EQUAL * s[0])
    return LowRank(basis @ u[:, :rank] * s[:rank], v[:rank].T) if 0 < rank <= _RANK else None
