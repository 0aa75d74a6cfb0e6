"""Many trials of a dense circuit, against JAX, separate runs and the GEMM peak. ``python -m benchmarks.trials [NxB ...]``"""

import sys

import numpy as np

from benchmarks import harness as h

#: Replicated `Synapses` are measured up to this number of connections.
_SYNAPSES = 10_000_000


def engines(n, trials):
    """All engines; the first one is what the others are compared with."""
    weights, guess = h.matrices(n), 4 * n * n * trials / 4e10

    def projections(name, target, trials, guess, dtype="float64", threads=0):
        return h.dense(name, target, n * trials, lambda g: h.projections(g, weights), guess, dtype, threads)

    yield projections("Projection", "cpp", trials, guess)
    yield projections("Projection", "cpp", trials, guess / 2, "float32")
    yield h.jax(n, trials, guess)
    yield h.jax(n, trials, guess / 2, "float32")
    yield projections("Projection", "cython", trials, guess)
    yield projections("Projection", "numpy", trials, guess)
    yield projections("single runs", "cpp", 1, 1e-6 + n * n * 6e-10)
    if 2 * n * n * trials <= _SYNAPSES:
        couple = lambda g: h.synapses(g, weights, "connect", trials)  # noqa: E731
        yield h.dense("Synapses", "cpp", n * trials, couple, guess * 40)


def measure(table, n, trials):
    """A row for each engine; the rate counts the products only, the time whole steps."""
    ready = [engine for engine in engines(n, trials) if engine is not None]
    peaks = [h.gemm("float64"), h.gemm("float32")]
    times = h.race(ready + peaks)
    times[:, [engine.name == "single runs" for engine in ready + peaks]] *= trials
    rates = 4 * n * n * trials / times
    peak = {engine.dtype: 2 * 1024**3 / times[:, len(ready) + k] for k, engine in enumerate(peaks)}
    for k, (engine, ratio) in enumerate(zip(ready, h.ratios(times), strict=False)):
        share = np.median(rates[:, k] / peak[engine.dtype])
        step, rate = np.median(times[:, k]) / trials * 1e6, np.median(rates[:, k]) * 1e-9
        table.add(n, trials, engine.name, engine.target, engine.dtype, step, ratio, rate, share, engine.first)


def main():
    columns = [
        "N",
        "trials",
        "engine",
        "target",
        "dtype",
        "us/trial-step",
        "times C++",
        "GFLOP/s",
        "of peak",
        "first [s]",
    ]
    table = h.Table("trials", columns)
    cases = [tuple(map(int, text.split("x"))) for text in sys.argv[1:]]
    h.pin()
    for n, trials in cases or [(n, b) for n in (256, 1024) for b in (16, 64, 256)]:
        measure(table, n, trials)


if __name__ == "__main__":
    main()
