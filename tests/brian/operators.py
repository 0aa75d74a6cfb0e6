"""A circuit whose units are coupled by every kind of operator at once."""

import numpy as np
from scipy.sparse import random_array

import organics_neuro as on

#: Units: a sheet of two channels of 4 x 6 units.
UNITS = 48

_EQUATIONS = """
dx/dt = (-x + z + 0.3*tanh(SUM))/tau_x : 1
z : 1
tau_x : second
"""


def operators(n=UNITS, seed=0):
    """One operator of each kind, all (n, n), by a name that tells what is special."""
    rng = np.random.default_rng(seed)
    small = rng.normal(size=(2, 2, 3, 3)) / 6
    separable = rng.normal(size=(2, 2, 3, 1)) * rng.normal(size=(2, 2, 1, 3)) / 4
    return {
        "dense": on.Dense(rng.normal(size=(n, n)) / n**0.5),
        "all_to_all": on.AllToAll(n, 1 / n),
        "few_taps": on.Circulant(np.append(rng.normal(size=3), np.zeros(n - 3))),
        "ring": on.Circulant(rng.normal(size=n) / n**0.5),
        "sheet": on.Convolution(small, (4, 6), "wrap"),
        "separable": on.Convolution(separable, (4, 6), "zero"),
        "sparse": on.Sparse(random_array((n, n), density=0.1, rng=rng)),
        "low_rank": on.LowRank(rng.normal(size=(n, 2)) / n, rng.normal(size=(n, 2))),
        "sum": 0.5 * on.Dense(rng.normal(size=(n, n)) / n**0.5) + on.AllToAll(n, -1 / n) + on.Circulant(np.eye(n)[1]),
    }


def make_every_operator():
    """One population with a coupling for each of `operators`; a random drive is left to the caller."""
    weights = operators()
    model = on.CircuitModel(
        "every_operator",
        _EQUATIONS.replace("SUM", " + ".join(f"c_{name}" for name in weights))
        + "\n".join(f"c_{name} : 1" for name in weights),
        couplings=[on.Coupling(f"c_{name}", f"W_{name}", f"x**2 + {k}*x") for k, name in enumerate(weights)],
        parameters={"tau_x": 5e-3},
    )
    return on.Circuit(model, {f"W_{name}": operator for name, operator in weights.items()}, size=UNITS)
