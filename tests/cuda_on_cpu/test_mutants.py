"""Mistakes that a kernel could have are seen: each mutant of the CUDA fails where the kernel passes."""

import re
import subprocess
from pathlib import Path

import pytest

from organics_neuro.brian import kernels
from organics_neuro.brian.kernels.sources import source
from tests.core.operators import EXAMPLES
from tests.cuda_on_cpu.alone.projections import build, get_program
from tests.cuda_on_cpu.test_kernels import RUNS, assert_equal_the_operator

pytestmark = pytest.mark.slow

#: By file: what is there, and what a mistake would put in its place.
MISTAKES = {
    "all_to_all.cu": [
        ("x[(size_t)blockIdx.x*n + j]", "x[j]"),
        ("j += 256", "j += 255"),
        ("i < m", "i < n"),
        ("value[0]*total", "total"),
    ],
    "block_sum.cuh": [("half = 128", "half = 64"), ("threadIdx.x < half", "threadIdx.x <= half")],
    "circulant.cu": [
        ("i - offsets[tap]", "i + offsets[tap]"),
        ("j < 0 ? j + n : j", "j"),
        ("tap < count[0]", "tap <= count[0]"),
        ("x + (k - i)", "x"),
        ("k < (size_t)n*trials", "k <= (size_t)n*trials"),
    ],
    "convolution.cu": [
        ("y + ky - kh/2", "y - ky + kh/2"),
        ("y >= 0 && y < h", "y >= 0 && y <= h"),
        ("x + k/w/h/pairs*n", "x"),
        ("output*inputs + c", "c*outputs + output"),
        ("x + trial*n", "x"),
        ("(trial*pairs + pair)*h*w", "pair*h*w"),
        ("sizes[4], kw = sizes[5]", "sizes[5], kw = sizes[4]"),
    ],
    "dense.cu": [
        ("Dgemv(handle, T", "Dgemv(handle, N"),
        ("Dgemm(handle, T, N", "Dgemm(handle, N, N"),
        ("m, trials, n, &one", "m, 1, n, &one"),
        ("&zero, r, m)", "&one, r, m)"),
    ],
    "low_rank.cu": [
        ("(k ? target[i] : 0)", "target[i]"),
        ("(size_t)k*n + j", "(size_t)k*m + j"),
        ("k < rank[0]", "k < 1"),
        ("r + (size_t)blockIdx.x*m", "r"),
    ],
    "sparse.cu": [
        ("entry < starts[i + 1]", "entry <= starts[i + 1]"),
        ("x + k/m*n", "x"),
        ("k % m", "k % n"),
        ("r[k] = total", "r[i] = total"),
    ],
    "frame.cu": [
        ("add ? to[k] + from[k] : from[k]", "from[k]"),
        ("if (!delay[0])\n", "if (false)\n"),
        ("slot % slots)*count", "(slot + 1) % slots)*count"),
        ("(old + past", "(x[k] + past"),
        ("organics_next_slot<<<1, 1>>>(_w_delay);", ""),
        ("+ {{_start}}", ""),
        ("(_total, _r, (size_t)_m*_trials", "(_total, _r, _m"),
    ],
}
_BARRIER = "__syncthreads();"
CASES = [(file, old, new) for file, mistakes in MISTAKES.items() for old, new in mistakes]


def without_barrier(text, k):
    """The text without its barrier number k."""
    place = [match.start() for match in re.finditer(re.escape(_BARRIER), text)][k]
    return text[:place] + text[place + len(_BARRIER) :]


def assert_caught(change, folder):
    """Some operator must fail, or its program end with an error, once its CUDA is changed."""
    seen = set()
    for operator in (operator for operators in EXAMPLES.values() for operator in operators):
        program = get_program(operator, 1)
        if change(program.cuda()) == program.cuda():
            continue
        executable = folder / program.template
        if program.template not in seen:
            build(program, folder, change)
        seen.add(program.template)
        try:
            for each in RUNS:
                assert_equal_the_operator(executable, operator, *each)
        except (AssertionError, subprocess.CalledProcessError):
            return
    pytest.fail(f"the mistake is not seen with {sorted(seen)}")


def test_every_file_has_mistakes():
    files = {path.name for path in Path(kernels.__file__).parent.glob("*.cu*")}
    assert files == {*MISTAKES, "blocks.cuh"}  # which has a test of its own, with a single block


@pytest.mark.parametrize(("file", "old", "new"), CASES, ids=[f"{file} {new}" for file, _, new in CASES])
def test_a_mistake_is_seen(file, old, new, folder):
    assert old in source(file)
    assert_caught(lambda text: text.replace(old, new), folder)


@pytest.mark.parametrize("k", range(source("block_sum.cuh").count(_BARRIER)))
def test_a_missing_barrier_is_seen(k, folder):
    assert_caught(lambda text: without_barrier(text, k) if _BARRIER in text else text, folder)
