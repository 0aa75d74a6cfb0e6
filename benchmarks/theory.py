"""Theory of many circuits together against one by one, and of large ones without matrices. ``python -m benchmarks.theory``

Many: random circuits, Gaussian recurrence of largest singular value .5 to 2, uniform pools and gains; one call for all against a
call for each. Large: sheets of two-type units with near recurrence and a broad pool; without matrices against with them, as far
as there is room. Spectra are the cross-spectra of three units at 100 frequencies.
"""

import resource
import warnings
from contextlib import contextmanager

import numpy as np

import organics_neuro as on
from benchmarks import harness as h
from benchmarks.tables import Table
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.theory import problems, responses

#: Circuits, and how many of them are solved one by one.
COUNT, SINGLE, SIZES, ROUNDS = 1000, 20, (5, 12, 20), 3


def ensemble(n, count=COUNT, seed=0):
    """Random circuits of ``n`` units, and an input of norm 1 for each."""
    rng = np.random.default_rng(seed)
    recurrence = rng.standard_normal((count, n, n))
    largest = np.linalg.norm(recurrence, 2, axis=(1, 2))
    recurrence *= (np.array([0.5, 1, 1.5, 2])[np.arange(count) % 4] / largest)[:, None, None]
    z = rng.standard_normal((count, n))
    circuits = [
        on.Circuit(
            "two_type",
            {"W_r": w, "W": rng.uniform(size=(n, n))},
            b=rng.uniform(0.2, 0.9, n),
            b0=rng.uniform(0.2, 0.9, n),
            sigma=rng.uniform(0.1, 0.9),
        )
        for w in recurrence
    ]
    return circuits, z / np.linalg.norm(z, axis=1, keepdims=True)


def many(table, what, function, n):
    """Rows for a function of circuits and inputs."""
    circuits, z = ensemble(n)

    def one_by_one():
        for k in range(SINGLE):
            function(circuits[k], z[k])

    engines = [
        h.Engine("together", "", "", lambda: h.seconds(function, circuits, z) / COUNT),
        h.Engine("one by one", "", "", lambda: h.seconds(one_by_one) / SINGLE),
    ]
    times = h.race(engines, ROUNDS)
    for engine, seconds, ratio in zip(engines, times.T, h.ratios(times), strict=True):
        table.add(f"{what}, {COUNT} circuits", 2 * n, engine.name, 1e3 * np.median(seconds), ratio, "")


def sheet(n):
    """A sheet of n x n units, and an input for each."""

    def kernel(width, reach):
        bell = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * width**2))
        return np.outer(bell, bell) / bell.sum() ** 2

    weights = {
        "W_r": on.Convolution(0.9 * kernel(1.0, 3), (n, n)),
        "W": on.Convolution(kernel(6.0, 15), (n, n)),
    }
    return on.Circuit("two_type", weights, tau_y=2e-3, tau_a=1e-3), np.random.default_rng(0).uniform(size=n * n)


@contextmanager
def with_matrices():
    """Every circuit is taken for a small one."""
    limits = problems.LARGE, responses._STATES
    problems.LARGE = responses._STATES = 10**9
    try:
        yield
    finally:
        problems.LARGE, responses._STATES = limits


def large(table, n, rounds=ROUNDS, matrices=False):
    """Rows for one sheet: its right-hand side, fixed point, leading eigenvalues and spectra."""
    circuit, z = sheet(n)
    dynamics, point = circuit.dynamics, on.theory.fixed_point(circuit, z)
    inputs, x = dynamics.resolve_inputs(z), dynamics.pack(point.state)
    frequencies, pairs = np.linspace(1, 200, 100), [(("y", 0), ("y", 1)), (("y", 0), ("y", n))]

    def spectra():
        on.theory.power_spectrum(circuit, z, frequencies, {"y": 1e-3}, point.state, pairs=pairs).cross()

    tasks = {
        "right-hand side": lambda: dynamics.flow(x, inputs),
        "fixed point": lambda: on.theory.fixed_point(circuit, z),
        "6 leading eigenvalues": lambda: on.theory.eigenvalues(circuit, z, point.state, k=6),
        "spectra of 3 units": spectra,
    }
    for what, task in tasks.items():
        without = min(h.seconds(task) for _ in range(rounds))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        table.add(what, dynamics.size, "without matrix", 1e3 * without, 1.0, memory)
        if matrices and what != "right-hand side":
            with with_matrices():
                dense = h.seconds(task)
            table.add(what, dynamics.size, "with matrix", 1e3 * dense, dense / without, "")


def main():
    h.pin()
    warnings.simplefilter("ignore", ConvergenceWarning)
    table = Table("theory", ["what", "states", "how", "ms", "times first", "peak MB so far"])
    large(table, 24, matrices=True)
    large(table, 100)
    for n in SIZES:
        many(table, "fixed point", on.theory.fixed_point, n)
    many(table, "fixed point and stability", on.theory.is_stable, SIZES[1])
    large(table, 316, rounds=1)


if __name__ == "__main__":
    main()
