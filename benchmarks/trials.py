"""Many trials of a dense circuit, against JAX and the GEMM peak. ``python -m benchmarks.trials [NxB ...]``"""

import sys

import numpy as np

from benchmarks import harness as h

#: Replicated `Synapses` are measured up to this number of connections.
_SYNAPSES = 5_000_000


def measure(table, n, trials, peaks):
    """All engines; the rate counts the products only, the time whole steps."""
    weights, work = h.matrices(n), 4 * n * n * trials
    reference = {}

    def add(engine, target, dtype, timing):
        if timing is None:
            return
        step, name = timing.step, np.dtype(dtype).name
        ratio = step / reference.setdefault(name, step)
        rate = work / step
        table.add(
            n, trials, engine, target, name, step / trials * 1e6, ratio, rate * 1e-9, rate / peaks[name], timing.first
        )

    def projections(group):
        return h.projections(group, weights)

    guess = work / 4e10
    for dtype in (np.float64, np.float32):
        add("Projection", "cpp", dtype, h.time_brian("cpp", n * trials, projections, guess, dtype))
        add("JAX", "jit", dtype, h.time_jax(n, trials, guess, dtype))
    for target in ("cython", "numpy"):
        add("Projection", target, np.float64, h.time_brian(target, n * trials, projections, guess))
    if 2 * n * n * trials <= _SYNAPSES:
        timing = h.time_brian("cpp", n * trials, lambda g: h.synapses(g, weights, "connect", trials), work * 1e-9)
        add("Synapses", "cpp", np.float64, timing)


def main():
    h.pin()
    peaks = {name: h.gemm_peak(name) for name in ("float64", "float32")}
    print("GEMM peak:", ", ".join(f"{rate * 1e-9:.1f} GFLOP/s in {name}" for name, rate in peaks.items()))
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
    for n, trials in cases or [(n, b) for n in (256, 1024) for b in (16, 64, 256)]:
        measure(table, n, trials, peaks)


if __name__ == "__main__":
    main()
