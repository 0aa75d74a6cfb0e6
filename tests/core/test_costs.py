"""What a product takes, by the structure of the weights: in closed form, and as a law that holds for all."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import organics_neuro as on
from organics_neuro.core.operators import CLASSES, Cost, Operator
from tests.core.operators import CASES

N = 4096


def taps(count, n):
    return on.Circulant(np.append(np.ones(count), np.zeros(n - count)))


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (on.Dense(np.ones((5, 7))), Cost(35, 35)),
        (on.AllToAll((5, 7), 2.0), Cost(1, 7)),
        (taps(3, 100), Cost(3, 300)),
        (taps(N, N), Cost(2 * N, 4 * N * 12)),  # two complex transforms: 2 * N/2 log2 N products of four
        (taps(N - 1, N - 1), Cost(2 * N, 4 * N * 12)),  # in a power of two
        (on.Convolution(np.random.default_rng(0).normal(size=(2, 3, 5, 7)), (8, 9)), Cost(210, 210 * 72)),
        (on.Convolution(np.outer(np.ones(5), np.ones(7)), (8, 9)), Cost(12, 12 * 72)),  # two passes
        (on.Sparse(csr_array(np.diag([1.0, 0.0, 3.0, 4.0]))), Cost(3, 3, 3 + 5)),
        (on.LowRank(np.ones((5, 2)), np.ones((7, 2))), Cost(24, 24)),
        (on.Dense(np.ones((5, 7))) + on.AllToAll((5, 7), 1.0), Cost(36, 42)),
    ],
    ids=lambda value: value.kind if isinstance(value, Operator) else "",
)
def test_cost_in_closed_form(operator, expected):
    assert operator.cost == expected


def test_bytes_are_those_of_the_type_and_of_indices_of_32_bits():
    cost = Cost(weights=10, multiplications=99, indices=7)
    assert cost.bytes() == cost.bytes(np.float64) == 10 * 8 + 7 * 4
    assert cost.bytes("float32") == 10 * 4 + 7 * 4


@pytest.mark.parametrize(("name", "operator"), CASES, ids=[name for name, _ in CASES])
def test_a_factor_costs_nothing(name, operator):
    assert operator.cost == operator.scaled(2.0).cost


def test_every_class_says_what_it_takes():
    silent = {name for name, cls in CLASSES.items() if "cost" not in vars(cls)}
    assert silent == {"Dense"}  # which is any matrix
