"""What the benchmarks share: the circuit, its engines, clocks, the machine's limits, and arguments."""

import argparse
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import brian2 as b2
import numpy as np

import organics_neuro as on
from organics_neuro.brian.device import device
from organics_neuro.core.machine import Multiplying, Reading

#: How often everything is measured, in turn: a machine that gets slower for a while slows all down.
ROUNDS = 7
#: Seconds that one repeat should take.
_DURATION = 0.6
_EQUATIONS = """
dy/dt = (-y + 0.5*z + (1 - sqrt(clip(a, 0, inf)))*recurrent)/(2*ms) : 1
da/dt = (-a + 0.01 + pool)/(2*ms) : 1
z : 1 (constant)
recurrent : 1
pool : 1
"""


@dataclass
class Engine:
    """Something that is ready to be measured.

    Parameters
    ----------
    name, target, dtype : str
    run : callable
        Runs once, and returns the seconds of one step.
    first : float
        Seconds to the first result: building, compiling and one run.
    program : path, optional
        Where its C++ program is.
    memory : int or None
        Peak bytes, where they were measured.
    """

    name: str
    target: str
    dtype: str
    run: Callable
    first: float = 0.0
    program: str | None = None
    memory: int | None = None


def race(engines, rounds=ROUNDS):
    """Measure engines in turn, several times.

    Returns
    -------
    ndarray, shape (rounds, engines)
        Seconds per step.
    """
    return np.array([[engine.run() for engine in engines] for _ in range(rounds)])


def ratios(times, k=0):
    """How many times longer than engine ``k`` each one took: the median over rounds."""
    return np.median(times / times[:, [k]], axis=0)


def pin():
    """Keep this process, and what it starts, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def matrices(n, seed=0):
    """Recurrent weights and pool of a dense circuit, (n, n) each."""
    rng = np.random.default_rng(seed)
    return np.eye(n) + rng.normal(0, 0.1 / np.sqrt(n), (n, n)), np.full((n, n), 1 / n)


def projections(group, weights):
    """The two couplings as `Projection` objects."""
    return [
        on.Projection(group, group, operator, source=source, target=target, trials=len(group) // operator.shape[1])
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


def brian(name, target, make, guess, dtype="float64", threads=0):
    """A Brian2 network as an `Engine`.

    Parameters
    ----------
    name : str
    target : {"numpy", "cython", "cpp"}
    make : callable
        Returns the objects of the network.
    guess : float
        Expected seconds of one step, from which the number of steps follows.
    dtype : str
    threads : int
        OpenMP threads of the C++ program.
    """
    b2.prefs.core.default_float_dtype = np.dtype(dtype).type
    b2.prefs.devices.cpp_standalone.openmp_threads = threads
    b2.prefs.codegen.target = "numpy" if target == "cpp" else target
    steps = _count(guess)
    with device("cpp" if target == "cpp" else "runtime"):
        start = time.perf_counter()
        network = b2.Network(*make())
        network.run(steps * b2.defaultclock.dt)
        first = time.perf_counter() - start
        if target == "cpp":
            program = _keep(b2.device.project_dir)
            return Engine(name, target, dtype, lambda: _run(program) / steps, first, program)

    def run():
        b2.prefs.codegen.target = target
        return (seconds(network.run, steps * b2.defaultclock.dt) - seconds(network.run, 0 * b2.ms)) / steps

    return Engine(name, target, dtype, run, first)


def dense(name, target, units, couple, guess, dtype="float64", threads=0):
    """The circuit of `matrices` as an `Engine`: ``couple`` makes the couplings of a group, of ``units`` over all trials."""

    def make():
        group = b2.NeuronGroup(units, _EQUATIONS, method="euler", dtype=np.dtype(dtype).type)
        group.z = np.random.default_rng(1).random(units)
        return group, *couple(group)

    return brian(name, target, make, guess, dtype, threads)


def circuit(n, target="cpp", dtype="float64", trials=1, name="Projection", threads=0):
    """A dense circuit of ``n`` units in so many trials, coupled by `Projection` objects, as an `Engine`."""
    weights = matrices(n)
    return dense(name, target, n * trials, lambda g: projections(g, weights), guess(n, dtype, trials), dtype, threads)


def guess(n, dtype="float64", trials=1):
    """Expected seconds of one step of a dense circuit: so many multiplications, faster where trials share the weights."""
    return 1e-6 + 2 * n * n * trials * (3e-10 if trials == 1 else 5e-11) * (0.4 if dtype == "float32" else 1)


def jax(n, trials=1, dtype="float64", clock=time.process_time):
    """The same step as a jitted JAX scan; None where JAX is not installed.

    The weights are arguments: as constants in a closure they make XLA pick a product that is several times slower.
    """
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    steps, start = _count(guess(n, dtype, trials)), time.perf_counter()
    weights = [jnp.asarray(w, dtype) for w in matrices(n)]
    z = jnp.asarray(np.random.default_rng(1).random((trials, n) if trials > 1 else n), dtype)
    h, half, one, offset = (np.dtype(dtype).type(value) for value in (0.05, 0.5, 1, 0.01))

    @jax.jit
    def scan(weights, z, state):
        def times(w, x):
            return x @ w.T if trials > 1 else w @ x

        def step(state, _):
            y, a = state
            gain = one - jnp.sqrt(jnp.maximum(a, 0))
            dy = -y + half * z + gain * times(weights[0], y)
            da = -a + offset + times(weights[1], y * y)
            return (y + h * dy, a + h * da), None

        return jax.lax.scan(step, state, None, length=steps)[0]

    def run():
        return seconds(lambda: jax.block_until_ready(scan(weights, z, (z * 0, z * 0))), clock=clock) / steps

    run()
    return Engine("JAX", "jit", dtype, run, time.perf_counter() - start)


def nest(n, guess):
    """Two dense couplings among ``n`` linear rate neurons of NEST, with a delay of one step; None where it is not installed.

    NEST has no normalization circuit: this is what its rate neurons cost with as many weights.
    """
    try:
        import nest
    except ImportError:
        return None
    steps, start = _count(guess), time.perf_counter()
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.SetKernelStatus({"resolution": 0.1, "use_wfr": False, "local_num_threads": 1})
    neurons = nest.Create("lin_rate_ipn", n, params={"tau": 2.0, "sigma": 0.0})
    for matrix in matrices(n):
        synapse = {"synapse_model": "rate_connection_delayed", "delay": 0.1, "weight": 0.1 * matrix}
        nest.Connect(neurons, neurons, "all_to_all", synapse)
    nest.Simulate(0.1 * steps)
    return Engine(
        "NEST",
        "rate neurons",
        "float64",
        lambda: seconds(nest.Simulate, 0.1 * steps) / steps,
        time.perf_counter() - start,
    )


def read_bandwidth(size):
    """Reading ``size`` bytes over and over, in the way that is the fastest here, as an `Engine`."""
    reading = Reading(size)
    return Engine("reading", reading.way, "", lambda: np.mean([reading.seconds() for _ in range(20)]))


def gemm(dtype="float64"):
    """NumPy's product of two matrices as an `Engine`, at a size where its rate is highest; seconds of one multiplication."""
    product = Multiplying(dtype)
    return Engine("GEMM", "numpy", dtype, lambda: min(product.seconds() for _ in range(2)) / product.count)


def arguments(about, kind, *default):
    """What the command says: the cases to measure, and whether slow engines take part, where there are any.

    Parameters
    ----------
    about : str
        The first lines of the help.
    kind : callable
        From a text to a case.
    *default
        All cases.

    Returns
    -------
    cases : list
    everything : bool
    """
    parser = argparse.ArgumentParser(description=about.partition("``python")[0])
    parser.add_argument("cases", nargs="*", type=kind, default=list(default), help="what to measure, all by default")
    parser.add_argument("--all", action="store_true", help="with the slow engines, where there are any")
    parsed = parser.parse_args()
    return parsed.cases, parsed.all


def program_memory(engine):
    """Peak memory of the C++ program of an engine in bytes, seen from a small parent: a child's peak begins with its parent's."""
    code = (
        "import resource, subprocess\n"
        "subprocess.run('./main', stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss*1024)"
    )
    return int(subprocess.check_output([sys.executable, "-c", code], cwd=engine.program))


def _count(guess):
    """Steps of one repeat."""
    return int(np.clip(_DURATION / guess, 5, 200_000))


def seconds(function, *arguments, clock=time.process_time):
    """How long a call takes: of the processor, as Brian2's C++ programs count, because others may be at work."""
    start = clock()
    function(*arguments)
    return clock() - start


def _keep(directory):
    """A copy of a compiled program that lasts until this process ends."""
    copy = tempfile.mkdtemp(prefix="organics_benchmark_")
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    return shutil.copytree(directory, copy, dirs_exist_ok=True)


def _run(program):
    """Seconds that a C++ program says it took, without start and files."""
    subprocess.run("./main", cwd=program, stdout=subprocess.DEVNULL, check=True)
    return float((Path(program) / "results" / "last_run_info.txt").read_text().split()[0])
