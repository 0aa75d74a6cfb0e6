"""Cost and memory of each operator against the number of units, in C++ standalone. ``python -m benchmarks.operators [N ...]``

Each row is measured by itself, in a process of its own, so that its memory is its own: not in turns with the others.
"""

import resource
from multiprocessing import get_context

import numpy as np
from scipy.sparse import random_array

import organics_neuro as on
from benchmarks import harness as h
from benchmarks.tables import Table


def bump(width):
    """Gaussian profile of odd length, up to three standard deviations."""
    radius = int(np.ceil(3 * width))
    return np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * width**2))


def local(n):
    """Recurrence of 7 x 7 neighbours on a square sheet of about ``n`` units."""
    side = round(n**0.5)
    return on.Convolution(np.random.default_rng(0).normal(size=(7, 7)) / 100, (side, side))


def broad(n):
    """A separable Gaussian pool a quarter of the sheet wide."""
    side = round(n**0.5)
    profile = bump(side / 8)
    return on.Convolution(np.outer(profile, profile) / profile.sum() ** 2, (side, side))


#: Recurrence and pool by name, and the largest number of units at which they are measured.
CIRCUITS = {
    "dense": (lambda n: [on.Dense(w) for w in h.matrices(n)], 4096),
    "ring + uniform": (lambda n: [on.weights.ring_recurrence(n), on.AllToAll(n, 1 / n)], 10**6),
    "few taps + uniform": (
        lambda n: [on.Circulant(np.append(bump(1) / 5, np.zeros(n - 7))), on.AllToAll(n, 1 / n)],
        10**6,
    ),
    "sparse + uniform": (
        lambda n: [
            on.Sparse(random_array((n, n), density=50 / n, rng=np.random.default_rng(0)) / 50),
            on.AllToAll(n, 1 / n),
        ],
        10**6,
    ),
    "low rank + uniform": (lambda n: [on.LowRank(np.ones((n, 3)), np.ones((n, 3)) / n), on.AllToAll(n, 1 / n)], 10**6),
    "sheet: 7x7 + broad": (lambda n: [local(n), broad(n)], 10**6),
    "sheet: 7x7 + uniform": (lambda n: [local(n), on.AllToAll(local(n).shape[0], 1 / n)], 10**6),
}


def one(name, n):
    """The `harness.Engine` of a circuit, measured: seconds per step, to the first result, bytes of C++ and of Python."""
    h.pin()
    weights = CIRCUITS[name][0](n)
    engine = h.dense(name, "cpp", weights[0].shape[0], lambda g: h.projections(g, weights), 1e-6 + n * 1e-7)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kB on Linux
    return np.median(h.race([engine])), engine.first, h.program_memory(engine), memory


def main():
    sizes, _ = h.arguments(__doc__, int, 100, 1000, 10_000, 100_000)
    table = Table("operators", ["circuit", "N", "us/step", "first [s]", "Python [MB]", "C++ [MB]"])
    for name, (_, largest) in CIRCUITS.items():
        for n in sizes:
            if n <= largest:  # a process each, so that memory is its own
                with get_context("spawn").Pool(1) as pool:
                    step, first, program, memory = pool.apply(one, (name, n))
                table.add(name, n, step * 1e6, first, memory / 1e6, program / 1e6)


if __name__ == "__main__":
    main()
