"""Every class of operators against its dense matrix, on every target, for one trial and for several."""

import re
from contextlib import nullcontext
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest
from scipy.sparse import random_array

import organics_neuro as on
from organics_neuro.brian import kernels
from organics_neuro.brian.device import device
from organics_neuro.brian.kernels import choices
from organics_neuro.core import tiles
from organics_neuro.core.operators import CLASSES, circulant, convolution
from tests.brian.conftest import optimized, run_on

RNG = np.random.default_rng(3)


def normal(*shape):
    return RNG.normal(size=shape)


#: Operators and numbers of trials. Sizes lie around the widths of registers, tiles and panels; the largest numbers of
#: trials and of source units leave a remainder in every blocking. Each case costs a compilation, so most variants run
#: with one number of trials.
CASES = {
    "dense 131x300": (on.Dense(normal(131, 300)), (1, 200)),
    "dense 275x1101, more than a core's cache": (on.Dense(normal(275, 1101)), (5, 301)),
    "dense 64x515": (on.Dense(normal(64, 515)), (1,)),
    "dense 1031x2035, in double beyond the cache": (on.Dense(normal(1031, 2035)), (1,)),
    "dense 2050x2049, in C++ by BLAS": (on.Dense(normal(2050, 2049)), (257,)),
    "dense 140x70, in single precision on AMX tiles": (on.Dense(normal(140, 70)), (16, 300)),
    "dense 5x4": (on.Dense(normal(5, 4)), (3,)),
    "uniform": (on.AllToAll((3, 5), 0.5), (1, 3)),
    "circulant few taps": (on.Circulant(np.append(normal(3), np.zeros(57))), (1, 3)),
    "circulant 64": (on.Circulant(normal(64)), (1, 200)),
    "circulant 54": (on.Circulant(normal(54)), (1,)),
    "circulant 51": (on.Circulant(normal(51)), (1,)),
    "circulant 2048, by Fourier transform": (on.Circulant(normal(2048)), (1,)),
    "circulant 2500, by Fourier transform": (on.Circulant(normal(2500)), (3,)),
    "circulant zero": (on.Circulant(np.zeros(4)), (1,)),
    "sparse": (on.Sparse(random_array((30, 21), density=0.2, rng=RNG)), (1, 3)),
    "sparse zero": (on.Sparse(np.zeros((3, 4))), (1,)),
    "low rank": (on.LowRank(normal(10, 3), normal(14, 3)), (1, 3)),
    "convolution": (on.Convolution(normal(2, 3, 3, 5), (7, 70), "wrap"), (1, 3)),
    "convolution zero": (on.Convolution(normal(1, 2, 5, 5), (6, 9), "zero"), (1,)),
    "separable": (on.Convolution(normal(2, 2, 5, 1) * normal(2, 2, 1, 7), (6, 4), "wrap"), (3,)),
    "separable zero": (on.Convolution(normal(5, 1) * normal(1, 7), (6, 4), "zero"), (1,)),
    "sum": (2 * on.Dense(normal(6, 6)) + on.Circulant(normal(6)) + on.Dense(normal(6, 6)) + on.AllToAll(6), (1, 3)),
}


def test_every_class_is_tested():
    terms = [term for operator, _ in CASES.values() for term in (operator, *getattr(operator, "terms", ()))]
    assert {type(term) for term in terms} == set(CLASSES.values())


#: With enough work for threads, and sizes that two threads cannot share evenly.
LARGE = {
    "dense": (on.Dense(normal(131, 300)), (1, 200)),
    "dense, one panel": (on.Dense(normal(30, 300)), (200,)),
    "dense 1001": (on.Dense(normal(1001, 300)), (1,)),
    "circulant": (on.Circulant(normal(54)), (201,)),
    "sparse": (on.Sparse(random_array((301, 2100), density=0.5, rng=RNG)), (3,)),
    "low rank": (on.LowRank(normal(1001, 61), normal(1500, 61)), (3,)),
    "convolution": (on.Convolution(normal(1, 3, 5, 7), (101, 80), "wrap"), (1,)),
}


def products(cases):
    return [(operator, trials) for operator, numbers in cases.values() for trials in numbers]


def check_products(pairs, dtype):
    """Projections of all operators in one network, which is compiled once, against the operators themselves."""
    objects, results = [], []
    for k, (operator, trials) in enumerate(pairs):
        m, n = operator.shape
        # a model may use the names that kernels like
        source = b2.NeuronGroup(
            n * trials,
            "x : 1\nn : 1\nm : 1 (shared)\nreal : 1\ntrials : 1\nstart : 1",
            dtype=dtype,
            name=f"source_{k}",
        )
        output = b2.NeuronGroup(m * trials, "r : 1", dtype=dtype, name=f"output_{k}")
        values = normal(trials, n).astype(dtype)
        source.x, source.n, source.m = values.ravel(), 2, 3
        expression = "x**2*n + m + real*trials*start"
        projection = on.Projection(
            source, output, operator, source=expression, target="r", trials=trials, name=f"product_{k}"
        )
        objects += [source, output, projection]
        results.append((output, operator, values.astype(float) ** 2 * 2 + 3))
    b2.Network(*objects).run(b2.defaultclock.dt)
    for output, operator, expected in results:
        expected = expected @ operator.to_dense().T
        found = np.asarray(output.r[:]).reshape(expected.shape)
        scale = max(1.0, np.abs(expected).max())
        error = np.abs(found - expected).max() / scale
        assert error < (1e-12 if dtype == np.float64 else 1e-5), operator


@pytest.mark.parametrize(
    ("target", "dtype"),
    [("numpy", np.float64), ("numpy", np.float32), ("cython", np.float64), ("cpp", np.float64), ("cpp", np.float32)],
)
def test_projection_applies_the_operator(target, dtype, monkeypatch):
    monkeypatch.setitem(b2.prefs, "core.default_float_dtype", dtype)
    # C++ in double is optimized, as users run it: vectors that are wrong only then would show
    compiled = optimized() if (target, dtype) == ("cpp", np.float64) else nullcontext()
    with compiled, device(run_on(target)):
        if target == "cpp":  # one program
            check_products(products(CASES), dtype)
        else:  # networks with the same names: Cython then compiles a kernel once for all operators that it serves
            for pair in products(CASES):
                check_products([pair], dtype)


@pytest.mark.parametrize(
    ("cases", "dtype"),
    [(LARGE, np.float64), ({"dense": LARGE["dense"]}, np.float32)],  # other kernels do not ask for the precision
    ids=["float64", "float32"],
)
def test_threads_share_the_work(cases, dtype, monkeypatch):
    monkeypatch.setitem(b2.prefs, "devices.cpp_standalone.openmp_threads", 2)
    with optimized(), device("cpp"):
        check_products(products(cases), dtype)


def test_a_trial_that_diverges_shows_and_spoils_no_other(monkeypatch):
    monkeypatch.setitem(b2.prefs, "core.default_float_dtype", np.float32)
    with optimized(), device("cpp"):
        group = b2.NeuronGroup(64 * 16, "x : 1\nr : 1", dtype=np.float32)
        values = np.ones((16, 64))
        values[3, 5], values[7, 0] = np.nan, np.inf
        group.x = values.ravel()
        b2.Network(group, on.Projection(group, group, np.ones((64, 64)), source="x", target="r", trials=16)).run(
            0.1 * b2.ms
        )
        found = group.r[:].reshape(16, 64)
    bad = np.isin(np.arange(16), (3, 7))
    assert not np.isfinite(found[bad]).any()
    np.testing.assert_allclose(found[~bad], 64, rtol=1e-6)


def test_the_table_of_kernels_is_true():
    """docs/kernels.md names every kernel and the numbers that decide between their variants."""
    text = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text()
    rows = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            rows[line.split("`")[1]] = rows.get(line.split("`")[1], "") + line
    assert set(rows) == set(CLASSES)
    for name, number in (
        ("Circulant", f"more than {circulant.DIRECT_TAPS} weights"),
        ("Circulant", f"fewer than n/{kernels.circulant.SHIFTED_BELOW} weights"),
        ("Circulant", f"from {kernels.fourier.UNITS} units and {kernels.fourier.WEIGHTS} weights"),
        ("Convolution", f"above {convolution._DIRECT_TAPS} taps FFT"),
        ("Dense", f"{kernels.dense.TRIALS} trials by {kernels.dense.SOURCES} source units"),
        ("Dense", f"from {kernels.dense.AWAY >> 20} MB on they are fetched ahead"),
        ("Dense", f"in {choices.STREAMS[0]} to {choices.STREAMS[-1]} streams"),
    ):
        assert number in rows[name]
    units, trials = re.search(r"units >= (\d+) && rows >= (\d+)", tiles.HEADER.read_text()).groups()
    assert (
        f"in single precision, from {trials} trials (for each thread) of {units} units on, AMX tiles" in rows["Dense"]
    )
    assert f"from {kernels.blas.TRIALS} trials of {kernels.blas.UNITS} units" in rows["Dense"]
    assert f"{kernels.vectors.THREADS_FROM} multiplications" in text
    assert f"of {kernels.dense.PANEL} bytes for several trials" in " ".join(text.split())
    assert f"{choices.AHEAD} bytes ahead" in text
    assert f"at least {choices._WORTH:.0%} takes the place of {choices.USUAL.streams} streams" in " ".join(
        text.replace(" %", "%").split()
    )


def test_a_library_that_is_found_has_the_names_that_programs_use():
    library = kernels.blas.find_blas()
    assert library is None or kernels.blas._has_names(*library)
    assert not kernels.blas._has_names("/no/such/library.so", "")


def test_without_a_library_programs_use_their_own_loops(monkeypatch):
    monkeypatch.setattr(kernels.blas, "find_blas", lambda: None)
    assert "dlopen" not in kernels.blas.cpp()
    assert "return false" in kernels.blas.cpp()
