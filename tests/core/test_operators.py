"""Weight operators: each is its dense matrix, only cheaper."""

import ast
import pickle
from copy import copy, deepcopy
from operator import add, mul, sub, truediv
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sparse_matrices
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

import organics_neuro as on
from organics_neuro import core
from organics_neuro.core.operators import CLASSES, KINDS, Operator, as_operator, from_arrays, identity
from organics_neuro.core.operators.convolution import convolve

numbers = st.floats(-10, 10, allow_subnormal=False)


def dense(m, n):
    return arrays(float, (m, n), elements=numbers).map(on.Dense)


def uniform(m, n):
    return numbers.map(lambda value: on.AllToAll((m, n), value))


def circulant(n, _):
    return arrays(float, n, elements=numbers).map(on.Circulant)


def banded(n, _):
    """A circulant of three taps, which is applied tap by tap rather than by FFT."""
    return arrays(float, 3, elements=numbers).map(lambda taps: on.Circulant(np.append(taps, np.zeros(n - 3))))


def sparse(m, n):
    return arrays(float, (m, n), elements=st.one_of(st.just(0.0), numbers)).map(on.Sparse)


def low_rank(m, n):
    return st.integers(1, 3).flatmap(
        lambda rank: st.builds(
            on.LowRank, arrays(float, (m, rank), elements=numbers), arrays(float, (n, rank), elements=numbers)
        )
    )


@st.composite
def convolution(draw):
    odd, boundary = st.sampled_from([1, 3, 5, 13]), draw(st.sampled_from(["wrap", "zero"]))
    kernel = arrays(float, (draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(odd), draw(odd)), elements=numbers)
    kernel = draw(kernel)
    if draw(st.booleans()):  # separable
        kernel = kernel[..., :1] * kernel[..., :1, :]
    return on.Convolution(kernel, (draw(st.integers(1, 6)), draw(st.integers(1, 6))), boundary)


shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))
matrices = shapes.flatmap(lambda shape: st.one_of(*(make(*shape) for make in (dense, sparse, low_rank, uniform))))
operators = st.one_of(
    matrices,
    st.integers(1, 40).flatmap(lambda n: circulant(n, n)),
    st.integers(3, 40).flatmap(lambda n: banded(n, n)),
    convolution(),
    shapes.flatmap(lambda shape: st.builds(on.Sum, st.lists(st.one_of(dense(*shape), uniform(*shape)), min_size=1))),
    st.integers(3, 9).flatmap(lambda n: st.builds(lambda a, b: 2 * a + b, banded(n, n), low_rank(n, n))),
)


@given(operators, st.integers(0, 2**32 - 1))
def test_operator_equals_its_matrix(operator, seed):
    rng = np.random.default_rng(seed)
    matrix, (m, n) = operator.to_dense(), operator.shape
    assert matrix.shape == (m, n)
    x = rng.normal(size=(2, 3, n))
    np.testing.assert_allclose(operator.apply(x), x @ matrix.T, atol=1e-9)
    np.testing.assert_allclose(operator @ x[0, 0], matrix @ x[0, 0], atol=1e-9)
    np.testing.assert_allclose(operator @ x[0].T, matrix @ x[0].T, atol=1e-9)
    assert operator.minimum == pytest.approx(matrix.min(), abs=1e-9)
    assert operator.is_nonnegative == (operator.minimum >= 0)
    assert operator.is_identity == np.array_equal(matrix, np.eye(m, n)) or m != n


@given(operators)
def test_arrays_define_the_operator(operator):
    copy = from_arrays(operator.kind, operator.arrays())
    assert copy == operator
    assert type(copy) is type(operator)
    np.testing.assert_array_equal(copy.to_dense(), operator.to_dense())


@given(operators, numbers)
def test_scaled_operators_keep_their_kind(operator, factor):
    for scaled in (factor * operator, operator * factor):
        assert scaled.kind == operator.kind
        np.testing.assert_allclose(scaled.to_dense(), factor * operator.to_dense(), rtol=1e-9, atol=1e-9)
    assert operator / 4 == 0.25 * operator
    assert -operator == -1 * operator


def test_sums():
    dense, ring = on.Dense(np.arange(9.0).reshape(3, 3)), on.Circulant([1.0, 2.0, 0.0])
    total = dense + ring + on.AllToAll(3, 0.5)
    assert isinstance(total, on.Sum)
    assert [term.kind for term in total.terms] == ["dense", "circulant", "all_to_all"]
    np.testing.assert_array_equal(total.to_dense(), dense.to_dense() + ring.to_dense() + 0.5)
    assert total == dense + (ring + on.AllToAll(3, 0.5))
    assert total != dense + ring
    with pytest.raises(ValueError, match="different shapes cannot be added"):
        dense + on.AllToAll(4)
    np.testing.assert_array_equal((dense - ring).to_dense(), dense.to_dense() - ring.to_dense())
    assert sum([dense, ring]) == dense + ring
    for mix in (add, sub):
        for pair in ((dense, np.eye(3)), (np.eye(3), dense), (dense, 1.0), (1.0, dense)):
            with pytest.raises(TypeError, match=r"make arrays operators with Dense\(array\)"):
                mix(*pair)
    for scale in (mul, truediv):
        with pytest.raises(TypeError):
            scale(dense, np.eye(3))


@pytest.mark.parametrize("boundary", ["wrap", "zero"])
@pytest.mark.parametrize(("kernel", "sheet"), [((3, 2, 3, 5), (6, 4)), ((2, 3, 7, 9), (5, 8)), ((5, 5, 1, 3), (1, 9))])
def test_all_channels_of_a_convolution_at_once(kernel, sheet, boundary):
    """By FFT, and pair after pair: kernels that are larger than the sheet, too."""
    rng = np.random.default_rng(0)
    operator = on.Convolution(rng.normal(size=kernel), sheet, boundary)
    x = rng.normal(size=(2, 3, operator.shape[1]))
    np.testing.assert_allclose(operator.apply(x), x @ operator.to_dense().T, atol=1e-13)
    np.testing.assert_allclose(operator.apply(x), convolve(x, sheet, operator.passes, boundary), atol=1e-13)


@pytest.mark.parametrize("boundary", ["wrap", "zero"])
@pytest.mark.parametrize("size", [(3, 5), (13, 13)])
def test_convolution_is_its_definition(boundary, size):
    rng, (h, w) = np.random.default_rng(0), (4, 6)
    kernel, x = rng.normal(size=(2, 3, *size)), rng.normal(size=(3, h, w))
    expected = np.zeros((2, h, w))
    for y, z, k, m in np.ndindex(h, w, *size):
        row, col = y + k - size[0] // 2, z + m - size[1] // 2
        if boundary == "wrap" or (0 <= row < h and 0 <= col < w):
            expected[:, y, z] += kernel[:, :, k, m] @ x[:, row % h, col % w]
    operator = on.Convolution(kernel, (h, w), boundary)
    np.testing.assert_allclose(operator @ x.ravel(), expected.ravel(), atol=1e-11)


def test_separable_kernels_are_recognised():
    profile = np.exp(-(np.arange(-4, 5) ** 2) / 8)
    assert len(on.Convolution(np.outer(profile, profile), (10, 10)).passes) == 2
    assert len(on.Convolution(np.ones((2, 3, 5, 5)), (10, 10)).passes) == 2
    assert len(on.Convolution(np.random.default_rng(0).normal(size=(5, 5)), (10, 10)).passes) == 1
    assert len(on.Convolution(np.ones((1, 5)), (10, 10)).passes) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: on.Sparse(np.ones(3)), "must have two axes"),
        (lambda: on.Sparse([[np.nan]]), "must be finite"),
        (lambda: on.LowRank(np.ones((3, 2)), np.ones((3, 1))), r"same rank, got shapes \(3, 2\) and \(3, 1\)"),
        (lambda: on.LowRank(np.ones((3, 2, 1)), np.ones(3)), r"left must have shape \(units, rank\)"),
        (lambda: on.Convolution(np.ones((2, 3)), (4, 4)), r"odd kh and kw, got shape \(1, 1, 2, 3\)"),
        (lambda: on.Convolution(np.ones((3, 3)), 16), r"sheet must be \(height, width\) in units, got 16"),
        (lambda: on.Convolution(np.ones((3, 3)), (4, 4), "mirror"), "boundary must be 'wrap' or 'zero', got 'mirror'"),
        (lambda: on.AllToAll(3) * np.inf, "the factor of an operator must be finite"),
        (lambda: on.AllToAll(3) / np.nan, "the divisor of an operator must be finite"),
    ],
)
def test_bad_operators_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("divisor", "error"), [(0, ZeroDivisionError), ("a", TypeError)])
def test_what_does_not_divide_is_named(divisor, error):
    with pytest.raises(error, match="the divisor of an operator must"):
        on.AllToAll(3) / divisor


def test_large_weights_tell_their_sign_from_their_parts(monkeypatch):
    """All columns of a pool on a large sheet would take hours, so a circuit must not ask for them."""
    sheet = (316, 316)
    near, far = (on.Convolution(np.full((size, size), 1 / size**2), sheet) for size in (3, 41))
    monkeypatch.setattr(Operator, "_columns", None)
    for pool in (near + far, near + on.LowRank(np.ones(near.shape[0]), np.ones((near.shape[0], 1)))):
        assert on.Circuit("two_type", {"W_r": identity(near.shape[0]), "W": pool}).weights["W"] == pool


def test_sign_of_weights_whose_parts_do_not_tell():
    minus = on.LowRank([-1.0, -2.0], [-1.0, -0.5])
    assert minus.is_nonnegative
    assert (on.Dense(2 * np.eye(2)) + -1 * on.Dense(np.eye(2))).is_nonnegative
    assert not (on.Dense(np.eye(2)) + -1 * minus).is_nonnegative


def test_numpy_sees_the_matrix():
    ring = on.Circulant([1.0, 2.0, 0.0])
    np.testing.assert_array_equal(np.asarray(ring), ring.to_dense())
    assert np.asarray(ring, np.float32).dtype == np.float32
    np.testing.assert_allclose(np.linalg.eigvals(ring).sum(), 3)
    assert (np.float64(2) * ring) == on.Circulant([2.0, 4.0, 0.0])  # still an operator


def test_circulant_is_that_of_scipy():
    from scipy.linalg import circulant

    column = np.random.default_rng(0).normal(size=7)
    np.testing.assert_array_equal(on.Circulant(column).to_dense(), circulant(column))


def test_identity():
    assert identity(5).is_identity
    assert on.Dense(np.eye(3)).is_identity
    assert on.AllToAll(1).is_identity
    assert not on.AllToAll(2).is_identity
    assert not on.Dense(np.eye(2, 3)).is_identity


def test_operators_of_different_values_differ():
    assert on.AllToAll(3, 1.0) != on.AllToAll(3, 2.0)
    assert on.AllToAll(3) != on.Dense(np.ones((3, 3)))


def test_operators_do_not_follow_changes_of_the_arrays_they_were_made_of():
    matrix = np.eye(2)
    operator = on.Dense(matrix)
    matrix[0, 0] = 7
    assert operator.is_identity
    with pytest.raises(ValueError, match="read-only"):
        operator.matrix[0, 0] = 7


def test_array_on_the_left_is_refused():
    with pytest.raises(TypeError):
        np.eye(3) @ on.AllToAll(3)


class Negated(Operator):
    """A user's operator: minus the identity."""

    kind = "negated"

    def __init__(self, size):
        self.size = np.array(size)
        self.shape = (int(size), int(size))

    def apply(self, x):
        return -np.asarray(x)

    def arrays(self):
        return {"size": self.size}


def test_a_users_operator_works_in_a_circuit_and_its_file(tmp_path):
    circuit = on.Circuit("two_type", {"W_r": Negated(3)}, size=3)
    plain = circuit.replace(weights={"W_r": -np.eye(3)})
    z = [0.1, 0.2, 0.3]
    mine, theirs = (on.theory.fixed_point(c, z).state["y"] for c in (circuit, plain))
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    circuit.save(tmp_path / "circuit.safetensors")
    assert on.load(tmp_path / "circuit.safetensors") == circuit


def test_numbers_and_sparse_matrices_become_operators():
    assert as_operator(2.0, "W", (2, 3)) == on.AllToAll((2, 3), 2.0)
    sparse = as_operator(csr_array(np.eye(2)), "W")
    assert sparse == on.Sparse(np.eye(2))
    assert sparse.is_identity


# --- classes that are found by themselves ---------------------------------------------------------------------------


def test_a_new_file_is_a_new_operator():
    """The classes are those of the files, and the package has a public name for each."""
    folder = Path(core.operators.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert {cls.__module__.rpartition(".")[2] for cls in CLASSES.values()} == files
    for name, cls in CLASSES.items():
        assert getattr(on, name) is cls
        assert name in on.__all__
        assert KINDS[cls.kind] is cls


def test_operators_import_each_other_one_way():
    """No import inside a function, and none of `Sum` or `Dense` in base: see `KINDS`."""
    for path in Path(core.operators.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        inner = [node for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for node in ast.walk(f)]
        assert not any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in inner), path
        if path.stem == "base":
            assert not any(
                node.module.startswith("organics_neuro.core.operators")
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom)
            )


def test_kinds_of_the_package_are_taken():
    with pytest.raises(TypeError, match="the kind 'dense' is that of Dense; give Mine another kind"):

        class Mine(on.Dense):
            kind = "dense"

    class TwiceTheMatrix(on.Dense):
        """Multiplies in another way than its base, so it is of another kind."""

    assert TwiceTheMatrix.kind == "twice_the_matrix"
    assert KINDS["dense"] is on.Dense
    assert TwiceTheMatrix(np.eye(2)) != on.Dense(np.eye(2))


# --- transposed, copied ---------------------------------------------------------------------------------------------


@given(operators, st.integers(0, 2**32 - 1))
def test_transposed_operator_equals_the_transposed_matrix(operator, seed):
    matrix, (m, _) = operator.to_dense(), operator.shape
    assert operator.T.kind == operator.kind
    np.testing.assert_allclose(operator.T.to_dense(), matrix.T, atol=1e-11)
    x = np.random.default_rng(seed).normal(size=(2, 3, m))
    np.testing.assert_allclose(operator.apply_transposed(x), x @ matrix, atol=1e-9)


def test_an_operator_without_a_transpose_says_so():
    with pytest.raises(TypeError, match=r"class Negated have no transpose T; convert them with Dense\(weights.to_"):
        Negated(3).apply_transposed(np.ones(3))


@given(operators)
def test_copies_are_equal_and_cannot_be_changed(operator):
    for copied in (pickle.loads(pickle.dumps(operator)), deepcopy(operator), copy(operator)):
        assert type(copied) is type(operator)
        assert copied == operator
        np.testing.assert_array_equal(copied.to_dense(), operator.to_dense())
        for term in getattr(copied, "terms", (copied,)):
            stored = [value for value in vars(term).values() if isinstance(value, np.ndarray)]
            assert not any(value.flags.writeable for value in stored)


def test_sparse_matrices_are_frozen():
    matrix = pickle.loads(pickle.dumps(on.Sparse(np.eye(3)))).matrix
    for part in (matrix.data, matrix.indices, matrix.indptr):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 2


def test_a_users_operator_is_copied():
    total = on.Dense(np.eye(3)) + Negated(3)
    for copied in (pickle.loads(pickle.dumps(total)), deepcopy(total)):
        assert copied == total
        np.testing.assert_array_equal(copied.to_dense(), np.zeros((3, 3)))


# --- identity -------------------------------------------------------------------------------------------------------


def test_large_operators_tell_from_their_parts_whether_they_are_the_identity(monkeypatch):
    monkeypatch.setattr(Operator, "_columns", None)
    sheet, n = (100, 100), 10_000
    kernel = np.zeros((2, 2, 3, 3))
    kernel[0, 0, 1, 1] = kernel[1, 1, 1, 1] = 1
    assert on.Convolution(kernel, sheet).is_identity
    assert not on.Convolution(kernel[:1], sheet).is_identity
    assert not on.Convolution(kernel[::-1], sheet, "zero").is_identity
    assert on.Sparse(sparse_matrices.eye_array(n)).is_identity
    assert not on.Sparse(2 * sparse_matrices.eye_array(n)).is_identity
    assert not on.Sparse(sparse_matrices.eye_array(n, k=1)).is_identity
