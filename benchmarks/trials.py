"""Many trials of a dense circuit, against JAX, separate runs and the GEMM peak. ``python -m benchmarks.trials [NxB ...] [--all]``

Without ``--all``, C++ and JAX alone. Rates count the products only, times whole steps; "of peak" compares with NumPy's
product of two matrices.
"""

import numpy as np

from benchmarks import harness as h
from benchmarks.tables import Table

#: Replicated `Synapses` are measured up to this number of connections.
_SYNAPSES = 10_000_000


def engines(n, trials, everything):
    """Engines; the first one is what the others are compared with."""
    yield h.circuit(n, trials=trials)
    yield h.circuit(n, dtype="float32", trials=trials)
    yield h.jax(n, trials)
    yield h.jax(n, trials, "float32")
    if not everything:
        return
    yield h.circuit(n, "cython", trials=trials)
    yield h.circuit(n, "numpy", trials=trials)
    yield h.circuit(n, name="single runs")
    if 2 * n * n * trials <= _SYNAPSES:
        weights, guess = h.matrices(n), 40 * h.guess(n, trials=trials)
        yield h.dense("Synapses", "cpp", n * trials, lambda g: h.synapses(g, weights, "connect", trials), guess)


def measure(table, n, trials, everything):
    """A row for each engine."""
    ready = [engine for engine in engines(n, trials, everything) if engine is not None]
    peaks = [h.gemm("float64"), h.gemm("float32")]
    times = h.race(ready + peaks)
    times[:, [engine.name == "single runs" for engine in ready + peaks]] *= trials
    rates = 2 * n * n * trials / times
    for k, (engine, ratio) in enumerate(zip(ready, h.ratios(times), strict=False)):
        peak = times[:, len(ready) + (engine.dtype == "float32")]
        step, rate = np.median(times[:, k]) / trials * 1e6, np.median(rates[:, k])
        share = np.median(rates[:, k] * peak)
        table.add(n, trials, engine.name, engine.target, engine.dtype, step, ratio, 2e-9 * rate, share, engine.first)


def _case(text):
    n, trials = text.split("x")
    return int(n), int(trials)


def main():
    cases, everything = h.arguments(__doc__, _case, *((n, b) for n in (256, 1024) for b in (16, 64, 256)))
    h.pin()
    columns = ["N", "trials", "engine", "target", "dtype", "us/trial-step", "times C++", "GFLOP/s", "of peak"]
    table = Table("trials", [*columns, "first [s]"])
    for n, trials in cases:
        measure(table, n, trials, everything)


if __name__ == "__main__":
    main()
