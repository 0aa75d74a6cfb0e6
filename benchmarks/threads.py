"""Two threads against one for many trials of a dense circuit, in C++ standalone. ``python -m benchmarks.threads``

By the clock on the wall. Rates count the products only, times whole steps.
"""

import numpy as np

from benchmarks import harness as h
from benchmarks.tables import Table

#: Units and trials.
CASES = [(1024, 256), (1024, 64), (256, 256)]


def measure(table, n, trials):
    """A row for each number of threads."""
    ready = [h.circuit(n, trials=trials, name=f"{count} threads", threads=count) for count in (1, 2)]
    times = h.race(ready)
    for k, (engine, ratio) in enumerate(zip(ready, h.ratios(times), strict=True)):
        step = np.median(times[:, k])
        table.add(n, trials, k + 1, step / trials * 1e6, ratio, 4 * n * n * trials / step * 1e-9, engine.first)


def main():
    table = Table("threads", ["N", "trials", "threads", "us/trial-step", "times one", "GFLOP/s", "first [s]"])
    for n, trials in CASES:
        measure(table, n, trials)


if __name__ == "__main__":
    main()
