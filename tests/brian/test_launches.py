"""Which source expressions kernels of CUDA evaluate themselves, and which couplings share launches: no GPU is needed."""

from pathlib import Path

import brian2 as b2
import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.brian.kernels import Program, circulant, find_kernels, patterns, program
from organics_neuro.brian.kernels.launcher import is_cheap, with_products
from organics_neuro.brian.kernels.launches import Coupling, launch_text


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("y**2", "y * y"),
        ("clip(y, 0, inf)**3", "clip(y, 0, inf) * clip(y, 0, inf) * clip(y, 0, inf)"),
        ("(y + 1)**2*x", "(y + 1) * (y + 1) * x"),
        ("(-y)**2", "-y * -y"),
        ("y**2.5 + y**n + y**5 + y**-2", "y ** 2.5 + y ** n + y ** 5 + y ** (-2)"),
        ("randn()**2 + exp(y)**2", "randn() ** 2 + exp(y) ** 2"),
    ],
)
def test_small_powers_of_what_is_cheap_are_products(expression, expected):
    assert with_products(expression) == expected
    values = {"y": 0.7, "x": 2.0, "n": 1.5, "inf": np.inf, "clip": np.clip, "randn": lambda: 0.3, "exp": np.exp}
    assert eval(with_products(expression), values) == pytest.approx(eval(expression, values), rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "cheap"),
    [
        ("y", True),
        ("gain*y*y/(1 + abs(y))", True),
        ("clip(y, 0, inf)", True),
        ("tanh(y)", False),
        ("y**n", False),
        ("half", False),
        ("double", True),
        ("y % 2", False),
    ],
)
def test_what_is_evaluated_where_it_is_read(expression, cheap):
    group = b2.NeuronGroup(2, "y : 1\nhalf = exp(y)/2 : 1\ndouble = 2*y : 1")
    assert is_cheap(group, expression) is cheap


def coupling(mark, operator, trials=1, **options):
    made = Program(*zip(*find_kernels(operator, "cuda"), strict=True), trials, "cuda")
    return Coupling(mark, made.launched(), "double", **options)


def launches(*couplings):
    """How many launches there are, and what the host calls besides."""
    text = launch_text(couplings)
    host = text[text.index("{% block kernel_call %}") :]
    return host.count("<<<"), host.count("organics_gemm<")


def test_couplings_share_launches():
    small, large = on.AllToAll(10), on.AllToAll(10_000)
    dense, sheet = on.Dense(np.ones((3, 3))), on.Convolution(np.outer(np.arange(1, 6), np.arange(1, 6)), (8, 8))
    assert launches(coupling("_0", dense)) == (1, 0)
    assert launches(coupling("_0", dense), coupling("_1", small), coupling("_2", dense)) == (1, 0)
    assert launches(coupling("_0", large), coupling("_1", sheet)) == (2, 0)
    assert launches(coupling("_0", dense + on.AllToAll(3) + on.AllToAll(3))) == (3, 0)
    assert launches(coupling("_0", dense, buffer="_buffer_0"), coupling("_1", small)) == (2, 0)


def test_a_library_reads_a_plain_variable_or_a_buffer(monkeypatch):
    monkeypatch.setattr("organics_neuro.brian.kernels.program.LIBRARY_WORK", 0)
    dense, ring = on.Dense(np.ones((3, 3))), on.Circulant(np.arange(1.0, 9))
    assert launches(coupling("_0", dense, 2, read=("y", 0))) == (0, 1)
    assert launches(coupling("_0", ring, 2, buffer="_buffer_0"), coupling("_1", dense, 2, read=("y", 0))) == (1, 2)
    assert launches(coupling("_0", ring, 2, buffer="_buffer_0", converted=True)) == (2, 1)
    assert launches(coupling("_0", on.Circulant(np.ones(5000)), 2)) == (1, 0)


def test_several_trials_are_left_to_a_library_where_there_is_enough_work():
    dense = on.Dense(np.ones((1024, 1024)))
    assert launches(coupling("_0", dense)) == (1, 0)
    assert launches(coupling("_0", dense, 4, read=("y", 0))) == (0, 1)
    assert launches(coupling("_0", dense, 3)) == (1, 0)


def test_the_numbers_in_the_table_of_kernels():
    text = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text()
    assert f"above {patterns.ONE_LAUNCH} source units two launches" in text
    assert f"above {circulant.MATRIX} units by cuFFT" in text
    assert f"from {program.LIBRARY_WORK // 10**6} million multiplications of several trials" in text
