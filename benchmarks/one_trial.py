"""One trial of a dense circuit: `Projection` against `Synapses`, a jitted JAX scan and NEST. ``python -m benchmarks.one_trial [N ...]``

The C++ programs of Brian2 2.9 ask the system for the processor's time at every step, which shows where N is small.
"""

import sys

import brian2 as b2
import numpy as np

from benchmarks import harness as h

#: Largest numbers of units at which `Synapses` and NEST are measured: above, they take minutes and gigabytes.
_SYNAPSES, _NEST = 1024, 256


def engines(n):
    """All engines for ``n`` units; the first one is what the others are compared with."""
    weights, pairs = h.matrices(n), 2 * n * n

    def projections(target, guess, dtype="float64"):
        return h.dense("Projection", target, n, lambda g: h.projections(g, weights), 1e-6 + pairs * guess, dtype)

    yield projections("cpp", 3e-10)
    yield projections("cpp", 1e-10, "float32")
    yield projections("cython", 4e-10)
    yield projections("numpy", 4e-10)
    yield h.jax(n, 1, 1e-6 + pairs * 2e-10)
    yield h.jax(n, 1, 1e-6 + pairs * 1e-10, "float32")
    if n <= _NEST:
        yield h.nest(n, pairs * 2e-8)
    if n <= _SYNAPSES:
        for order in ("connect", "arrays"):
            for target, guess in (("cpp", 2e-9), ("cython", 2e-9), ("numpy", 1.2e-8)):
                yield h.dense(
                    f"Syn. {order}",
                    target,
                    n,
                    lambda g, order=order: h.synapses(g, weights, order),
                    1e-5 + pairs * guess,
                )


def measure(table, n):
    """A row for each engine; "of bandwidth" is the rate at which it reads weights, against reading as many bytes and nothing else."""
    ready = [engine for engine in engines(n) if engine is not None]
    limits = [h.read_bandwidth(2 * n * n * np.dtype(dtype).itemsize) for dtype in ("float64", "float32")]
    times = h.race(ready + limits)
    single = h.ratios(times, len(ready) + 1)
    double = h.ratios(times, len(ready))
    for k, (engine, ratio) in enumerate(zip(ready, h.ratios(times), strict=False)):
        share = 1 / (double if engine.dtype == "float64" else single)[k]
        step = np.median(times[:, k])
        table.add(n, engine.name, engine.target, engine.dtype, step * 1e6, ratio, share, engine.first, b2.__version__)


def main():
    h.pin()
    columns = ["N", "engine", "target", "dtype", "us/step", "times C++", "of bandwidth", "first [s]", "Brian2"]
    table = h.Table("one_trial", columns)
    for n in [int(text) for text in sys.argv[1:]] or [64, 256, 1024, 2048]:
        measure(table, n)


if __name__ == "__main__":
    main()
