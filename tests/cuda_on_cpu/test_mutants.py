"""Mistakes that a kernel could have are seen: each mutant of the CUDA fails where the kernel passes."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from organics_neuro.brian import kernels
from organics_neuro.brian.kernels import circulant, program
from organics_neuro.brian.kernels.launches import launch_text
from organics_neuro.brian.kernels.sources import source
from tests.core.operators import EXAMPLES
from tests.cuda_on_cpu.alone.projections import VARIANTS, build, get_program
from tests.cuda_on_cpu.test_kernels import RUNS, assert_equal_the_operator

pytestmark = pytest.mark.slow

#: By file: the classes of operators that need it, what is there, and what a mistake would put in its place.
MISTAKES = {
    "all_to_all.cu": (
        ["AllToAll"],
        [("value[0]", "1"), ("right(int, int) const { return 1; }", "right(int, int) const { return 2; }")],
    ),
    "circulant.cu": (
        ["Circulant"],
        [
            ("k - offset", "k + offset"),
            ("(i < offset ? n : 0)", "0"),
            ("tap < count[0]", "tap <= count[0]"),
            ("k % n", "k"),
        ],
    ),
    "convolution.cu": (
        ["Convolution"],
        [
            ("begin = place - taps/2", "begin = place + taps/2"),
            ("(begin % size + size) % size", "begin < 0 ? begin + size : begin"),
            ("begin + taps > size ? size - begin : taps", "taps"),
            ("begin < 0 ? -begin : 0, begin", "0, begin"),
            ("y + 1 < h ? y + 1 : 0", "y + 1"),
            ("place + 1 < w ? place + 1 : 0", "place + 1"),
            ("(size_t)trial*n + (size_t)c*h*w", "(size_t)c*h*w"),
            ("(output*inputs + c)", "c"),
            ("kh = sizes[4], kw = sizes[5]", "kh = sizes[5], kw = sizes[4]"),
            ("(size_t)(pair % inputs)*h*w", "0"),
            ("((size_t)pair*trials + trial)", "pair"),
            ("+ (size_t)pairs*sizes[5]", "+ pairs"),
        ],
    ),
    "dense.cu": (["Dense"], [("{matrix, n, n}", "{matrix, 1, n}"), ("{matrix, n, n}", "{matrix, n, n - 1}")]),
    "gemm.cu": (
        ["Dense", "Sum"],
        [
            ("Dgemm(handle, T, N", "Dgemm(handle, N, N"),
            ("Sgemm(handle, T, N", "Sgemm(handle, N, N"),
            ("m, trials, n, &one", "m, 1, n, &one"),
            ("r.add ? 1 : 0", "1"),
            ("r.add ? 1 : 0", "0"),
        ],
    ),
    "launch.cuh": (
        ["Dense", "AllToAll", "Sum"],
        [
            ("(count + each - 1)/each", "count/each"),
            ("add ? start[k] + value : value", "value"),
            ("half = lanes/2", "half = lanes/4"),
            ("threadIdx.x/32] = own", "threadIdx.x/32] = part"),
            ("warp < 8", "warp < 7"),
        ],
    ),
    "low_rank.cu": (
        ["LowRank"],
        [("(size_t)k*m + i", "(size_t)k*n + i"), ("(size_t)k*n + j", "(size_t)k*m + j"), ("rank[0]", "1")],
    ),
    "patterns.cuh": (
        ["AllToAll", "LowRank"],
        [
            ("x[trial*n + j]", "x[j]"),
            ("weights.left(k, i)*pattern", "pattern"),
            ("first + size < n ? first + size : n", "first + size"),
            ("(n + pieces - 1)/pieces", "n/pieces"),
            ("own[threadIdx.x] : Real(0)", "own[0] : Real(0)"),
            ("(trial*weights.patterns() + k)*count", "k*count"),
            ("piece/pieces % weights.patterns()", "0"),
            ("piece % pieces*256 + threadIdx.x", "threadIdx.x"),
        ],
    ),
    "ring.cu": (["Circulant"], [("backwards + n - 1", "backwards + n"), ("-1, n}", "1, n}")]),
    "rows.cuh": (
        ["Dense", "Sparse", "Sum"],
        [
            ("i*apart + entry", "entry*apart + i"),
            ("return n;", "return n - 1;"),
            ("entry += lanes", "entry += lanes - 1"),
            ("lanes < 32)", "lanes < 64)"),
            ("k/m*ORGANICS_TOGETHER", "k/m"),
            ("(size_t)t*n]", "(size_t)t*m]"),
            ("left < most ? left : most", "most"),
            ("(size_t)(first + t)*m + i", "(size_t)t*m + i"),
            ("lane == 0 && t < here", "t < here"),
        ],
    ),
    "sparse.cu": (
        ["Sparse"],
        [
            ("starts[i + 1] - starts[i]", "starts[i + 1] - starts[i] + 1"),
            ("values[starts[i] + entry]", "values[entry]"),
            ("units[starts[i] + entry]", "units[entry]"),
        ],
    ),
    "transform.cu": (
        ["Circulant", "Sum"],
        [
            ("a*real - b*imaginary", "a*real"),
            ("const size_t wave = k % half", "const size_t wave = k"),
            ("n/2 + 1, count", "n/2, count"),
            ("r.add || ", ""),
            ("% (2*sizeof(Real))", "% 1"),
        ],
    ),
    "frame.cu": (
        ["Dense"],
        [
            ("to[k] = x[k]", "to[0] = x[k]"),
            ("r.put(k, from[k])", "r.put(0, from[k])"),
            ("if (!delay[0])\n", "if (false)\n"),
            ("slot % slots)*count", "(slot + 1) % slots)*count"),
            ("(old + past", "(now + past"),
            ("if (threadIdx.x == 0) delay", "delay"),
        ],
    ),
    "launches.py": (
        ["Dense", "Sum"],
        [("_block -= _blocks;", ""), ("if (_launch == 1)", "if (false)"), ("}} + {{_start_0}}", "}}")],
    ),
}
_BARRIER = "__syncthreads();"
CASES = [(file, old, new) for file, (_, mistakes) in MISTAKES.items() for old, new in mistakes]


def without_barrier(text, k):
    """The text without its barrier number k."""
    place = [match.start() for match in re.finditer(re.escape(_BARRIER), text)][k]
    return text[:place] + text[place + len(_BARRIER) :]


def assert_caught(change, names, folder, monkeypatch):
    """Some operator must fail, or its program end with an error, once its CUDA is changed."""
    changed = 0
    monkeypatch.setattr(circulant, "is_linked", lambda library: True)
    for library, trials, name in itertools.product((True, False), (1, 5), names):
        monkeypatch.setattr(program, "LIBRARY_WORK", 0 if library else 1 << 62)
        monkeypatch.setattr(circulant, "MATRIX", 0 if library else 1 << 30)
        for operator in EXAMPLES[name]:
            own = get_program(operator, trials)
            texts = [launch_text([variant.coupling(own)]) for variant in VARIANTS]
            if [change(text) for text in texts] == texts:
                continue
            changed += 1
            executable = build(own, folder, change)
            try:
                for count, variants, environment in RUNS:
                    if count == trials:
                        assert_equal_the_operator(executable, operator, trials, variants, environment)
            except (AssertionError, subprocess.SubprocessError):
                return
    pytest.fail(f"the mistake is not seen in {changed} programs")


def test_every_file_has_mistakes():
    files = {path.name for path in Path(kernels.__file__).parent.glob("*.cu*")}
    assert files == MISTAKES.keys() - {"launches.py"}


@pytest.mark.parametrize(("file", "old", "new"), CASES, ids=[f"{file} {old} {new}" for file, old, new in CASES])
def test_a_mistake_is_seen(file, old, new, folder, monkeypatch):
    assert file == "launches.py" or old in source(file)
    assert_caught(lambda text: text.replace(old, new), MISTAKES[file][0], folder, monkeypatch)


@pytest.mark.parametrize("k", range(source("launch.cuh").count(_BARRIER)))
def test_a_missing_barrier_is_seen(k, folder, monkeypatch):
    assert_caught(lambda text: without_barrier(text, k), ["AllToAll", "LowRank"], folder, monkeypatch)
