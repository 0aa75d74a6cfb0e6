"""Weight operators: each is its dense matrix, only cheaper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import organics_neuro as on
from organics_neuro.core.operators import Operator, as_operator, from_arrays, identity

numbers = st.floats(-10, 10, allow_subnormal=False)


def dense(m, n):
    return arrays(float, (m, n), elements=numbers).map(on.Dense)


def uniform(m, n):
    return numbers.map(lambda value: on.Uniform((m, n), value))


def circulant(n, _):
    return arrays(float, n, elements=numbers).map(on.Circulant)


def banded(n, _):
    """A circulant of three taps, which is applied tap by tap rather than by FFT."""
    return arrays(float, 3, elements=numbers).map(lambda taps: on.Circulant(np.append(taps, np.zeros(n - 3))))


operators = st.one_of(
    st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(lambda shape: st.one_of(dense(*shape), uniform(*shape))),
    st.integers(1, 40).flatmap(lambda n: circulant(n, n)),
    st.integers(3, 40).flatmap(lambda n: banded(n, n)),
)


@given(operators, st.integers(0, 2**32 - 1))
def test_operator_equals_its_matrix(operator, seed):
    rng = np.random.default_rng(seed)
    matrix, (m, n) = operator.to_dense(), operator.shape
    assert matrix.shape == (m, n)
    x = rng.normal(size=(2, 3, n))
    np.testing.assert_allclose(operator.apply(x), x @ matrix.T, atol=1e-11)
    np.testing.assert_allclose(operator @ x[0, 0], matrix @ x[0, 0], atol=1e-11)
    np.testing.assert_allclose(operator @ x[0].T, matrix @ x[0].T, atol=1e-11)
    assert operator.minimum == pytest.approx(matrix.min())
    assert operator.is_identity == np.array_equal(matrix, np.eye(m, n)) or m != n


@given(operators)
def test_arrays_define_the_operator(operator):
    copy = from_arrays(operator.kind, operator.arrays())
    assert copy == operator
    assert type(copy) is type(operator)
    np.testing.assert_array_equal(copy.to_dense(), operator.to_dense())


def test_circulant_is_that_of_scipy():
    from scipy.linalg import circulant

    column = np.random.default_rng(0).normal(size=7)
    np.testing.assert_array_equal(on.Circulant(column).to_dense(), circulant(column))


def test_identity():
    assert identity(5).is_identity
    assert on.Dense(np.eye(3)).is_identity
    assert on.Uniform(1).is_identity
    assert not on.Uniform(2).is_identity
    assert not on.Dense(np.eye(2, 3)).is_identity


def test_operators_of_different_values_differ():
    assert on.Uniform(3, 1.0) != on.Uniform(3, 2.0)
    assert on.Uniform(3) != on.Dense(np.ones((3, 3)))


def test_operators_do_not_follow_changes_of_the_arrays_they_were_made_of():
    matrix = np.eye(2)
    operator = on.Dense(matrix)
    matrix[0, 0] = 7
    assert operator.is_identity
    with pytest.raises(ValueError, match="read-only"):
        operator.matrix[0, 0] = 7


def test_array_on_the_left_is_refused():
    with pytest.raises(TypeError):
        np.eye(3) @ on.Uniform(3)


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
    circuit = on.Circuit("main", {"W_r": Negated(3)}, size=3)
    plain = circuit.replace(weights={"W_r": -np.eye(3)})
    z = [0.1, 0.2, 0.3]
    mine, theirs = (on.theory.fixed_point(c, z).state["y"] for c in (circuit, plain))
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    circuit.save(tmp_path / "circuit.safetensors")
    assert on.Circuit.load(tmp_path / "circuit.safetensors") == circuit


def test_numbers_and_sparse_matrices_become_operators():
    from scipy.sparse import csr_array

    assert as_operator(2.0, "W", (2, 3)) == on.Uniform((2, 3), 2.0)
    assert as_operator(csr_array(np.eye(2)), "W") == on.Dense(np.eye(2))
