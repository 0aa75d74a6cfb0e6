"""Theory of many circuits together against one by one. ``python -m benchmarks.theory``

The circuits are random: Gaussian recurrence of largest singular value .5 to 2, uniform pools and gains. The time is that of one
circuit; the ratio is that of a call for each circuit to one call for all.
"""

import warnings

import numpy as np

import organics_neuro as on
from benchmarks import harness as h
from organics_neuro.core.errors import ConvergenceWarning

#: Circuits, and how many of them are solved one by one.
COUNT, SINGLE, SIZES, ROUNDS = 1000, 20, (5, 12, 20), 3


def ensemble(n, count=COUNT, seed=0):
    """Random circuits of ``n`` units, and an input of norm 1 for each."""
    rng = np.random.default_rng(seed)
    recurrence = rng.standard_normal((count, n, n))
    largest = np.linalg.norm(recurrence, 2, axis=(1, 2))
    recurrence *= (np.array([0.5, 1, 1.5, 2])[np.arange(count) % 4] / largest)[:, None, None]
    z = rng.standard_normal((count, n))
    circuits = [
        on.Circuit(
            "two_type",
            {"W_r": w, "W": rng.uniform(size=(n, n))},
            b=rng.uniform(0.2, 0.9, n),
            b0=rng.uniform(0.2, 0.9, n),
            sigma=rng.uniform(0.1, 0.9),
        )
        for w in recurrence
    ]
    return circuits, z / np.linalg.norm(z, axis=1, keepdims=True)


def many(table, what, function, n):
    """A row for a function of circuits and inputs."""
    circuits, z = ensemble(n)

    def one_by_one():
        for k in range(SINGLE):
            function(circuits[k], z[k])

    engines = [
        h.Engine("together", "", "", lambda: h.seconds(function, circuits, z) / COUNT),
        h.Engine("one by one", "", "", lambda: h.seconds(one_by_one) / SINGLE),
    ]
    times = h.race(engines, ROUNDS)
    for engine, seconds, ratio in zip(engines, times.T, h.ratios(times), strict=True):
        table.add(what, n, engine.name, 1e3 * np.median(seconds), ratio)


def main():
    h.pin()
    warnings.simplefilter("ignore", ConvergenceWarning)
    table = h.Table("theory", ["what", "units", "how", "ms/circuit", "times together"])
    for n in SIZES:
        many(table, "fixed point", on.theory.fixed_point, n)
    many(table, "fixed point and stability", on.theory.is_stable, SIZES[1])


if __name__ == "__main__":
    main()
