"""What the benchmarks share: the circuit, its engines, clocks, the machine's limits, and tables."""

import csv
import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import brian2 as b2
import numpy as np

import organics_neuro as on
from organics_neuro.brian.device import device

RESULTS = Path(__file__).parent / "results"
REPEATS = 7
#: Seconds that one repeat should take.
_DURATION = 0.3
_EQUATIONS = """
dy/dt = (-y + 0.5*z + (1 - sqrt(clip(a, 0, inf)))*recurrent)/(2*ms) : 1
da/dt = (-a + 0.01 + pool)/(2*ms) : 1
z : 1 (constant)
recurrent : 1
pool : 1
"""


#: Seconds per step, seconds to the first result (building, compiling and the first repeat), peak bytes of a C++ program.
Timing = namedtuple("Timing", "step first memory")


def pin():
    """Keep this process, and what it starts, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def best(function, repeats=REPEATS):
    """Shortest time of a call, in seconds of the processor, as Brian2's C++ programs count them: others may be at work."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def matrices(n, seed=0):
    """Recurrent weights and pool of a dense circuit, (n, n) each."""
    rng = np.random.default_rng(seed)
    return np.eye(n) + rng.normal(0, 0.1 / np.sqrt(n), (n, n)), np.full((n, n), 1 / n)


def projections(group, weights):
    """The two couplings as `Projection` objects."""
    return [
        on.Projection(group, group, operator, source=source, target=target)
        for operator, source, target in zip(weights, ("y", "y**2"), ("recurrent", "pool"), strict=True)
    ]


def synapses(group, weights, order, trials=1):
    """The two couplings as `Synapses`, connected all to all (``order="connect"``) or built from index arrays."""
    made, n = [], len(group) // trials
    for matrix, source, target in zip(weights, ("y_pre", "y_pre**2"), ("recurrent", "pool"), strict=True):
        s = b2.Synapses(group, group, f"w : 1\n{target}_post = w*{source} : 1 (summed)")
        if order == "connect":
            s.connect(j=f"k for k in range(i//{n}*{n}, i//{n}*{n} + {n})")
            s.w = np.tile(matrix.T.ravel(), trials)
        else:
            post, pre = np.indices((n, n)).reshape(2, -1)
            first = np.repeat(np.arange(trials) * n, n * n)
            s.connect(i=np.tile(pre, trials) + first, j=np.tile(post, trials) + first)
            s.w = np.tile(matrix.ravel(), trials)
        made.append(s)
    return made


def time_brian(target, units, couple, guess, dtype=np.float64, threads=0):
    """Time one step of a Brian2 network.

    Parameters
    ----------
    target : {"numpy", "cython", "cpp"}
    units : int
        Neurons, over all trials.
    couple : callable
        From the group to the objects that couple it.
    guess : float
        Expected seconds of one step, from which the number of steps follows.
    dtype : numpy type
    threads : int
        OpenMP threads of the C++ program.

    Returns
    -------
    Timing
    """
    b2.prefs.core.default_float_dtype = np.dtype(dtype).type
    b2.prefs.devices.cpp_standalone.openmp_threads = threads
    b2.prefs.codegen.target = "numpy" if target == "cpp" else target
    steps = int(np.clip(_DURATION / guess, 5, 300_000))
    with device("cpp" if target == "cpp" else "runtime"):
        start = time.perf_counter()
        group = b2.NeuronGroup(units, _EQUATIONS, method="euler", dtype=np.dtype(dtype).type)
        group.z = np.random.default_rng(1).random(units)
        network = b2.Network(group, *couple(group))
        duration = steps * b2.defaultclock.dt
        network.run(duration)
        first = time.perf_counter() - start
        if target != "cpp":
            return Timing(best(lambda: network.run(duration)) / steps, first, None)
        times = [b2.device._last_run_time]
        for _ in range(REPEATS - 1):
            b2.device.run(with_output=False)
            times.append(b2.device._last_run_time)
        return Timing(min(times) / steps, first, _memory(b2.device.project_dir))


def _memory(directory):
    """Peak memory of the C++ program in bytes, seen from a small parent: a child's peak begins with its parent's."""
    code = (
        "import resource, subprocess\n"
        "subprocess.run('./main', stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss*1024)"
    )
    return int(subprocess.check_output([sys.executable, "-c", code], cwd=directory))


def time_jax(n, trials, guess, dtype=np.float64):
    """The `Timing` of the same step as a jitted JAX scan; None where JAX is not installed."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    steps, start = int(np.clip(_DURATION / guess, 5, 300_000)), time.perf_counter()
    recurrent, pool = (jnp.asarray(w, dtype) for w in matrices(n))
    z = jnp.asarray(np.random.default_rng(1).random((trials, n) if trials > 1 else n), dtype)
    h, half, one, offset = (np.dtype(dtype).type(value) for value in (0.05, 0.5, 1, 0.01))

    def times(w, x):
        return x @ w.T if trials > 1 else w @ x

    def step(state, _):
        y, a = state
        gain = one - jnp.sqrt(jnp.maximum(a, 0))
        dy = -y + half * z + gain * times(recurrent, y)
        da = -a + offset + times(pool, y * y)
        return (y + h * dy, a + h * da), None

    scan = jax.jit(lambda state: jax.lax.scan(step, state, None, length=steps)[0])
    state = (jnp.zeros_like(z), jnp.zeros_like(z))
    jax.block_until_ready(scan(state))
    first = time.perf_counter() - start
    return Timing(best(lambda: jax.block_until_ready(scan(state))) / steps, first, None)


def read_bandwidth(size):
    """Bytes per second at which one core reads ``size`` bytes over and over."""
    x, y = np.ones((2, max(64, int(size) // 16)))
    calls = max(1, int(2e8 / size))
    return calls * 2 * x.nbytes / best(lambda: [np.dot(x, y) for _ in range(calls)])


def gemm_peak(dtype=np.float64):
    """Floating-point operations per second of NumPy's matrix product, at its best size."""
    rates = []
    for n in (256, 512, 1024, 2048):
        a, b = np.ones((n, n), dtype), np.ones((n, n), dtype)
        calls, out = max(1, int(5e8 / n**3)), np.empty((n, n), dtype)
        rates.append(
            2
            * n**3
            * calls
            / best(lambda a=a, b=b, out=out, calls=calls: [np.dot(a, b, out=out) for _ in range(calls)])
        )
    return max(rates)


class Table:
    """Rows that are printed as they come and kept as CSV in ``benchmarks/results``."""

    def __init__(self, name, columns):
        self.path, self.columns, self.rows = RESULTS / f"{name}.csv", columns, []
        print("  ".join(f"{column:>14}" for column in columns), flush=True)

    def add(self, *row):
        self.rows.append(row)
        print("  ".join(f"{_text(value):>14}" for value in row), flush=True)
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("w", newline="") as file:
            csv.writer(file).writerows([self.columns, *self.rows])


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
