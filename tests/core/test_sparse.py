"""`Sparse` checks its indices before anything uses them; masked arrays are no weights."""

import numpy as np
import pytest
import scipy.sparse as sparse_matrices
from scipy.sparse import coo_array, csc_array, csr_array

import organics_neuro as on
from organics_neuro.core.operators import as_operator, from_arrays


def broken(make, **parts):
    """A SciPy matrix whose parts are replaced after SciPy has looked at them."""
    matrix = make(np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]]))
    for name, value in parts.items():
        setattr(matrix, name, np.asarray(value))
    return matrix


def broken_lists():
    matrix = sparse_matrices.lil_array(np.eye(3))
    matrix.rows[1] = [7]
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (broken(csr_array, indices=[1, 5, 0]), "'indices' must lie between 0 and 2, but holds 5 at index 1"),
        (broken(csr_array, indices=[1, -1, 0]), "'indices' must lie between 0 and 2, but holds -1 at index 1"),
        (broken(csr_array, indices=[1, 2]), "indptr must run from 0 to the number of entries, 2, but runs from 0 to 3"),
        (broken(csr_array, indices=[1, 2, 0, 0]), "one integer in 'indices' for each entry, got int64 of shape"),
        (broken(csr_array, indptr=[0, 3, 2]), "indptr must not fall, but goes from 3 to 2 at index 2"),
        (broken(csr_array, indptr=[0, 2, 9]), "indptr must run from 0 to the number of entries, 3, but .* from 0 to 9"),
        (broken(csr_array, indptr=[-1, 2, 3]), "indptr must run from 0 .* but runs from -1 to 3"),
        (broken(csr_array, indptr=[0, 3]), "indptr must hold 3 integers, got int64 of shape"),
        (broken(csc_array, indices=[1, 0, 2]), "'indices' must lie between 0 and 1, but holds 2 at index 2"),
        (broken(coo_array, coords=((0, 0, 1), (1, 9, 0))), "'column' must lie between 0 and 2, but holds 9 at index 1"),
        (broken(coo_array, coords=((0, 4, 1), (1, 2, 0))), "'row' must lie between 0 and 1, but holds 4 at index 1"),
        (broken_lists(), "'indices' must lie between 0 and 2, but holds 7"),
    ],
)
def test_broken_sparse_matrices_are_refused(matrix, message):
    """SciPy would read, and write, outside of its arrays."""
    with pytest.raises(ValueError, match=message) as caught:
        on.Sparse(matrix)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"indices": np.array([0, 99])}, "'indices' must lie between 0 and 1, but holds 99"),
        ({"indptr": np.array([0, 2, 1])}, "indptr must not fall|indptr must run"),
        ({"indptr": np.array([0.0, 1.0, 2.0])}, "indptr must hold 3 integers, got float64"),
        ({"indices": np.array([-1, 1])}, "'indices' must lie between 0 and 1, but holds -1"),
        ({"shape": np.array([2, -2])}, r"the shape must be two positive integers, got \[2, -2\]"),
        ({"shape": np.array([2, 1])}, "'indices' must lie between 0 and 0, but holds 1"),
        ({"shape": np.array([3, 2])}, "indptr must hold 4 integers"),
    ],
)
def test_broken_sparse_weights_in_a_file_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        from_arrays("sparse", {**on.Sparse(np.eye(2)).arrays(), **changed})


def test_every_format_of_scipy_is_taken():
    dense = np.array([[0.0, 1.0, 2.0, 0.0], [3.0, 0.0, 0.0, 4.0]])
    for name in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        assert on.Sparse(sparse_matrices.coo_array(dense).asformat(name)) == on.Sparse(dense), name


@pytest.mark.parametrize("make", [on.Dense, on.Sparse, on.Circulant, lambda x: as_operator([x, x], "W")])
def test_masked_arrays_are_refused(make):
    masked = np.ma.masked_less(np.ones((2, 2)), 0)
    with pytest.raises(TypeError, match=r"is a masked array, whose mask has no meaning here; give array.filled\(0\)"):
        make(masked)
