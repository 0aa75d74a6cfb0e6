"""Two threads against one for many trials of a dense circuit, in C++ standalone. ``python -m benchmarks.threads``

By the clock on the wall. Rates count the products only, times whole steps.
"""

import numpy as np

from benchmarks import harness as h

#: Units and trials.
CASES = [(1024, 256), (1024, 64), (256, 256)]


def measure(table, n, trials):
    """A row for each number of threads."""
    weights, guess = h.matrices(n), 4 * n * n * trials / 4e10
    ready = [
        h.dense(f"{count} threads", "cpp", n * trials, lambda g: h.projections(g, weights), guess, threads=count)
        for count in (1, 2)
    ]
    times = h.race(ready)
    for k, (engine, ratio) in enumerate(zip(ready, h.ratios(times), strict=True)):
        step = np.median(times[:, k])
        table.add(n, trials, k + 1, step / trials * 1e6, ratio, 4 * n * n * trials / step * 1e-9, engine.first)


def main():
    table = h.Table("threads", ["N", "trials", "threads", "us/trial-step", "times one", "GFLOP/s", "first [s]"])
    for n, trials in CASES:
        measure(table, n, trials)


if __name__ == "__main__":
    main()
