"""Structure that is found in a matrix: an operator that is equal to it; none where there is none."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.structure import structured

RNG = np.random.default_rng(3)
N = 96


def bell(n, width):
    distance = np.minimum(np.arange(n), n - np.arange(n))
    return np.exp(-(distance**2) / (2 * width**2))


@pytest.mark.parametrize(
    "operator",
    [
        on.AllToAll((N, 80), 0.1),
        on.Circulant(bell(N, 10.0)),
        on.Circulant(RNG.normal(size=65)),
        on.Sparse(np.where(RNG.random((N, 70)) < 0.1, RNG.normal(size=(N, 70)), 0)),
        on.LowRank(RNG.normal(size=(N, 3)), RNG.normal(size=(70, 3))),
        on.LowRank(RNG.normal(size=(N, 16)), RNG.normal(size=(N, 16))),
    ],
    ids=lambda operator: repr(operator),
)
def test_what_made_the_matrix_is_found_in_it(operator):
    matrix = operator.to_dense()
    found = structured(on.Dense(matrix))
    assert type(found) is type(operator)
    assert found.cost == operator.cost
    np.testing.assert_allclose(found.to_dense(), matrix, atol=1e-9 * np.abs(matrix).max())


def test_the_cheapest_of_several_is_taken():
    assert isinstance(structured(on.Dense(np.eye(N))), on.Circulant | on.Sparse)
    assert structured(on.Dense(np.ones((N, N)))) == on.AllToAll(N, 1.0)  # a ring and of rank 1, too
    assert structured(on.Dense(np.zeros((N, N)))).cost.multiplications == 0


@pytest.mark.parametrize(
    "operator",
    [
        on.Dense(RNG.normal(size=(N, N))),
        on.Dense(np.ones((N, N)) + 1e-9 * RNG.normal(size=(N, N))),  # not equal, and not of low rank
        on.Dense(np.roll(on.Circulant(RNG.normal(size=N)).to_dense(), 1, axis=0)[::-1]),  # a ring backwards
        on.Dense(RNG.normal(size=(N, 17)) @ RNG.normal(size=(17, N))),  # of too high a rank
        on.Dense(np.ones((10, 10))),  # too small to matter
        on.AllToAll(N, 1.0),  # has its structure
    ],
    ids=["random", "nearly uniform", "backwards", "rank 17", "small", "all to all"],
)
def test_nothing_is_found_where_nothing_is(operator):
    assert structured(operator) is None
