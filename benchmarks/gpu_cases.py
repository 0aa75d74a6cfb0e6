"""Circuits that `benchmarks.gpu` measures, with what a step of each must read and multiply."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import random_array

import organics_neuro as on
from benchmarks import harness as h

#: That of the other benchmarks, and one whose units are coupled in five ways.
EQUATIONS = """
dy/dt = (-y + 0.5*z + (1 - sqrt(relu(a)))*recurrent)/tau : 1
da/dt = (-a + 0.01 + pool)/tau : 1
z : 1
recurrent : 1
pool : 1
tau : second
"""
_MIXED = """
dx/dt = (-x + z + 0.3*tanh(c_dense + c_sparse + c_low_rank + c_uniform + c_taps))/tau : 1
z : 1
c_dense : 1
c_sparse : 1
c_low_rank : 1
c_uniform : 1
c_taps : 1
tau : second
"""
COUPLINGS = {"recurrent": "y", "pool": "y**2"}


@dataclass(frozen=True)
class Case:
    """A circuit with what is measured of it."""

    name: str
    circuit: on.Circuit
    trials: int
    method: str
    dtype: str

    @property
    def label(self):
        return f"{self.name}_{self.circuit.size}_{self.trials}_{self.method}_{self.dtype}"

    @property
    def products(self):
        """Evaluations of the couplings in one step."""
        return 4 if self.method == "rk4" else 1

    def operators(self):
        return [c.weights for c in self.circuit.dynamics.connections]

    def bytes(self):
        """That a step must read and write at least: every weight, source and target once for each product."""
        size, states = np.dtype(self.dtype).itemsize, len(self.circuit.states)
        numbers = sum(w.cost.weights + self.trials * sum(w.shape) for w in self.operators())
        return self.products * size * (numbers + 2 * states * self.circuit.size * self.trials)

    def operations(self):
        """Additions and multiplications of a step."""
        return self.products * sum(2 * w.cost.multiplications * self.trials for w in self.operators())


def dense(n):
    model = on.CircuitModel(
        "benchmark",
        EQUATIONS,
        couplings=[on.Coupling(target, f"W_{target}", source) for target, source in COUPLINGS.items()],
        parameters={"tau": 2e-3},
    )
    return on.Circuit(model, dict(zip(("W_recurrent", "W_pool"), map(on.Dense, h.matrices(n)), strict=True)))


def mixed(n):
    """Couplings of five kinds into one population."""
    rng = np.random.default_rng(0)
    few = np.zeros(n)
    few[[0, 1, -1]] = 0.2, 0.1, 0.1
    weights = {
        "W_dense": on.Dense(rng.normal(size=(n, n)) / n),
        "W_sparse": on.Sparse(random_array((n, n), density=min(1, 50 / n), rng=rng) / 50),
        "W_low_rank": on.LowRank(rng.normal(size=(n, 3)) / n, rng.normal(size=(n, 3))),
        "W_uniform": on.AllToAll(n, 1 / n),
        "W_taps": on.Circulant(few),
    }
    couplings = [on.Coupling(f"c_{key[2:]}", key, "x**2" if key == "W_uniform" else "x") for key in weights]
    model = on.CircuitModel("mixed", _MIXED, couplings=couplings, parameters={"tau": 5e-3})
    return on.Circuit(model, weights, size=n)


def cases(small: bool) -> list[Case]:
    """All cases; small ones to try the script out."""
    n, few, many, side, angles = (24, 1, 3, 5, 9) if small else (1024, 1, 256, 64, 9)
    made = [
        Case("dense", dense(n), trials, "euler", dtype) for dtype in ("float64", "float32") for trials in (few, many)
    ]
    made += [Case("dense", dense(n), few, "rk4", "float64")]
    made += [Case("ring", on.ring(n=n), trials, "rk4", "float64") for trials in (few, many)]
    made += [Case("sheet", on.sheet(side, side, angles), few, "rk4", "float64")]
    return [*made, Case("mixed", mixed(2 * n), few, "rk4", "float64")]
