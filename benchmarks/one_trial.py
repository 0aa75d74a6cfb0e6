"""One trial of a dense circuit: `Projection` against `Synapses` and a jitted JAX scan. ``python -m benchmarks.one_trial [N ...]``"""

import sys

import numpy as np

from benchmarks import harness as h


def measure(table, n, bandwidth):
    """All engines for ``n`` units; the ratio says how many times slower each is than C++ standalone."""
    weights, pairs = h.matrices(n), 2 * n * n
    reference = None

    def add(engine, target, dtype, timing):
        nonlocal reference
        if timing is None:
            return
        step = timing.step
        reference = step if reference is None else reference
        read = pairs * np.dtype(dtype).itemsize / step / bandwidth
        table.add(n, engine, target, np.dtype(dtype).name, step * 1e6, step / reference, read, timing.first)

    for target, guess in (("cpp", 3e-10), ("cython", 4e-10), ("numpy", 4e-10)):
        timing = h.time_brian(target, n, lambda g: h.projections(g, weights), 1e-6 + pairs * guess)
        add("Projection", target, np.float64, timing)
    timing = h.time_brian("cpp", n, lambda g: h.projections(g, weights), 1e-6 + pairs * 1e-10, np.float32)
    add("Projection", "cpp", np.float32, timing)
    for dtype in (np.float64, np.float32):
        add("JAX", "jit", dtype, h.time_jax(n, 1, 1e-6 + pairs * 2e-10, dtype))
    if n > 1024:
        return  # minutes, and gigabytes
    for order in ("connect", "arrays"):
        for target, guess in (("cpp", 2e-9), ("cython", 2e-9), ("numpy", 1.2e-8)):
            timing = h.time_brian(target, n, lambda g, order=order: h.synapses(g, weights, order), 1e-5 + pairs * guess)
            add(f"Syn. {order}", target, np.float64, timing)


def main():
    h.pin()
    columns = ["N", "engine", "target", "dtype", "us/step", "times C++", "of bandwidth", "first [s]"]
    table = h.Table("one_trial", columns)
    for n in [int(text) for text in sys.argv[1:]] or [64, 256, 1024, 2048]:
        bandwidth = h.read_bandwidth(2 * n * n * 8)
        print(f"read bandwidth at the size of the weights: {bandwidth * 1e-9:.1f} GB/s")
        measure(table, n, bandwidth)


if __name__ == "__main__":
    main()
