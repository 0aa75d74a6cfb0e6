"""Every operator with a kernel against `Operator.apply`, on every target, for one trial and for several."""

import brian2 as b2
import numpy as np
import pytest
from scipy.sparse import random_array

import organics_neuro as on
from organics_neuro.brian.device import device
from organics_neuro.brian.kernels import KERNELS

RNG = np.random.default_rng(3)


def normal(*shape):
    return RNG.normal(size=shape)


#: Sizes around the widths of registers, tiles and panels; a circulant of few taps and full ones.
OPERATORS = {
    "dense 5x4": on.Dense(normal(5, 4)),
    "dense 131x300": on.Dense(normal(131, 300)),
    "dense 64x515": on.Dense(normal(64, 515)),
    "uniform": on.Uniform((3, 5), 0.5),
    "circulant few taps": on.Circulant(np.append(normal(3), np.zeros(57))),
    "circulant 64": on.Circulant(normal(64)),
    "circulant 51": on.Circulant(normal(51)),
    "circulant zero": on.Circulant(np.zeros(4)),
    "sparse": on.Sparse(random_array((30, 21), density=0.2, rng=RNG)),
    "sparse zero": on.Sparse(np.zeros((3, 4))),
    "low rank": on.LowRank(normal(10, 3), normal(14, 3)),
    "convolution": on.Convolution(normal(2, 3, 3, 5), (7, 70), "wrap"),
    "convolution zero": on.Convolution(normal(1, 2, 5, 5), (6, 9), "zero"),
    "separable": on.Convolution(normal(2, 2, 5, 1) * normal(2, 2, 1, 7), (6, 4), "wrap"),
    "separable zero": on.Convolution(normal(5, 1) * normal(1, 7), (6, 4), "zero"),
    "sum": 2 * on.Dense(normal(6, 6)) + on.Circulant(normal(6)) + on.Dense(normal(6, 6)) + on.Uniform(6),
}


def _trials(operator):
    """Numbers of trials: 200 leave a remainder in every blocking."""
    return (1, 200) if operator.kind in ("dense", "circulant") else (1, 3)


def test_every_kernel_is_tested():
    kinds = {term.kind for operator in OPERATORS.values() for term in getattr(operator, "terms", (operator,))}
    assert kinds == set(KERNELS)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("target", ["numpy", "cython", "cpp"])
def test_projection_applies_the_operator(target, dtype, monkeypatch):
    """All in one network, which is compiled once."""
    monkeypatch.setitem(b2.prefs, "core.default_float_dtype", dtype)
    if target != "cpp":
        monkeypatch.setitem(b2.prefs, "codegen.target", target)
    with device("cpp" if target == "cpp" else "runtime"):
        objects, pairs = [], []
        for operator in OPERATORS.values():
            for trials in _trials(operator):
                m, n = operator.shape
                # a model may use the names that kernels like
                source = b2.NeuronGroup(
                    n * trials, "x : 1\nn : 1\nm : 1 (shared)\nreal : 1\ntrials : 1\nstart : 1", dtype=dtype
                )
                output = b2.NeuronGroup(m * trials, "r : 1", dtype=dtype)
                values = normal(trials, n).astype(dtype)
                source.x, source.n, source.m = values.ravel(), 2, 3
                objects += [
                    source,
                    output,
                    on.Projection(source, output, operator, source="x**2*n + m + real*trials*start", target="r"),
                ]
                pairs.append((output, operator, values.astype(float) ** 2 * 2 + 3))
        b2.Network(*objects).run(b2.defaultclock.dt)
        for output, operator, expected in pairs:
            expected = operator.apply(expected)
            found = np.asarray(output.r[:]).reshape(expected.shape)
            scale = max(1.0, np.abs(expected).max())
            error = np.abs(found - expected).max() / scale
            assert error < (1e-12 if dtype == np.float64 else 1e-5), operator
