"""One trial of a dense circuit: `Projection` against `Synapses`, a jitted JAX scan and NEST. ``python -m benchmarks.one_trial [N ...] [--all]``

Without ``--all``, C++ and JAX alone: `Synapses` in Python take minutes. "of bandwidth" is the rate at which weights are read,
against reading as many bytes and nothing else.
"""

import numpy as np

from benchmarks import harness as h
from benchmarks.tables import Table

#: Largest numbers of units at which `Synapses` and NEST are measured: above, they take minutes and gigabytes.
_SYNAPSES, _NEST = 1024, 256


def engines(n, everything):
    """Engines for ``n`` units; the first one is what the others are compared with."""
    yield h.circuit(n)
    yield h.circuit(n, dtype="float32")
    yield h.jax(n)
    yield h.jax(n, dtype="float32")
    if n <= _SYNAPSES:
        yield synapses(n, "connect", "cpp")
    if not everything:
        return
    yield h.circuit(n, "cython")
    yield h.circuit(n, "numpy")
    if n <= _NEST:
        yield h.nest(n, 2 * n * n * 2e-8)
    if n <= _SYNAPSES:
        yield from (synapses(n, "connect", target) for target in ("cython", "numpy"))
        yield from (synapses(n, "arrays", target) for target in ("cpp", "cython", "numpy"))


def synapses(n, order, target):
    """The circuit with `Synapses` for its couplings."""
    weights, guess = h.matrices(n), 1e-5 + 2 * n * n * (1.2e-8 if target == "numpy" else 2e-9)
    return h.dense(f"Syn. {order}", target, n, lambda g: h.synapses(g, weights, order), guess)


def measure(table, n, everything):
    """A row for each engine."""
    ready = [engine for engine in engines(n, everything) if engine is not None]
    limits = [h.read_bandwidth(2 * n * n * np.dtype(dtype).itemsize) for dtype in ("float64", "float32")]
    times = h.race(ready + limits)
    double, single = (h.ratios(times, len(ready) + k) for k in range(2))
    for k, (engine, ratio) in enumerate(zip(ready, h.ratios(times), strict=False)):
        share = 1 / (double if engine.dtype == "float64" else single)[k]
        table.add(n, engine.name, engine.target, engine.dtype, np.median(times[:, k]) * 1e6, ratio, share, engine.first)


def main():
    sizes, everything = h.arguments(__doc__, int, 64, 256, 1024, 2048)
    h.pin()
    table = Table("one_trial", ["N", "engine", "target", "dtype", "us/step", "times C++", "of bandwidth", "first [s]"])
    for n in sizes:
        measure(table, n, everything)


if __name__ == "__main__":
    main()
