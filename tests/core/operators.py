"""Small operators of every class, for the tests of what multiplies with them."""

import numpy as np
from scipy.sparse import random_array

import organics_neuro as on

_RNG = np.random.default_rng(7)


def _normal(*shape):
    return _RNG.normal(size=shape)


#: By the name of the class; each pair of brackets is another way through the code of some engine.
EXAMPLES = {
    "Dense": [on.Dense(_normal(5, 7)), on.Dense(np.eye(4)), on.Dense(_normal(3, 70))],
    "AllToAll": [
        on.AllToAll((3, 5), 0.5),
        on.AllToAll(4, -2.0),
        on.AllToAll((300, 520), 0.1),
        on.AllToAll((3, 9000), 0.1),
    ],
    "Circulant": [
        on.Circulant(np.append(_normal(3), np.zeros(7))),
        on.Circulant(np.append(_normal(3), np.zeros(29))),
        on.Circulant(_normal(20)),
        on.Circulant(_normal(21)),
        on.Circulant(np.zeros(4)),
        on.Circulant(np.eye(1, 5)[0]),
    ],
    "Convolution": [
        on.Convolution(_normal(2, 3, 3, 5), (4, 6), "wrap"),
        on.Convolution(_normal(1, 2, 3, 3), (4, 6), "zero"),
        on.Convolution(_normal(3, 2, 5, 1) * _normal(3, 2, 1, 3), (4, 6), "wrap"),
        on.Convolution(_normal(2, 3, 3, 1) * _normal(2, 3, 1, 5), (4, 6), "zero"),
        on.Convolution(_normal(13, 13), (3, 2), "wrap"),
        on.Convolution(_normal(13, 13), (3, 2), "zero"),
    ],
    "Sparse": [
        on.Sparse(random_array((6, 9), density=0.3, rng=_RNG)),
        on.Sparse(np.zeros((3, 2))),
        on.Sparse(_normal(6, 70)),
    ],
    "LowRank": [
        on.LowRank(_normal(6, 2), _normal(4, 2)),
        on.LowRank(_normal(3), _normal(3)),
        on.LowRank(_normal(300, 2), _normal(520, 2)),
        on.LowRank(_normal(5, 2), _normal(5000, 2)),
    ],
    "Sum": [
        2 * on.Dense(_normal(6, 6)) + on.Circulant(_normal(6)) + on.Dense(_normal(6, 6)) + on.AllToAll(6),
        on.Sparse(np.eye(4)) + on.LowRank(_normal(4), _normal(4)),
    ],
}
CASES = [(f"{name} {k}", operator) for name, operators in EXAMPLES.items() for k, operator in enumerate(operators)]
