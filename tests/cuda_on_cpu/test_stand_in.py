"""The stand-in for the CUDA toolkit: what a GPU would punish is seen, and launches become calls."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cuda_on_cpu.compiler import compile_text, link, translate

SOURCE = Path(__file__).with_name("faults.cu")


@pytest.fixture(scope="module")
def program(folder):
    compile_text(SOURCE.read_text(), folder / "faults.o", SOURCE.name, precompiled=False)
    link([folder / "faults.o"], folder / "faults")
    return folder / "faults"


def run(program, name, **environment):
    return subprocess.run([program, name], capture_output=True, text=True, env={**os.environ, **environment})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a pointer of the host", "a pointer that is not of the device was given to the kernel write_last"),
        ("two barriers", "threads of one block wait at different barriers in the kernel wait_apart"),
        ("shuffle apart", "threads of one warp do not come to a shuffle together in the kernel shuffle_apart"),
    ],
)
def test_a_fault_ends_the_program(program, name, sentence):
    ended = run(program, name)
    assert ended.returncode == 3
    assert sentence in ended.stderr


def test_what_is_behind_the_end_cannot_be_read(program):
    assert run(program, "behind the end").returncode == -signal.SIGSEGV


@pytest.mark.skipif("ospke" not in Path("/proc/cpuinfo").read_text().split(), reason="needs memory protection keys")
def test_the_host_cannot_read_the_memory_of_the_device(program):
    assert run(program, "the host reads").returncode == -signal.SIGSEGV


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("too many threads", 9),  # cudaErrorInvalidConfiguration
        ("the wrong way", 1),  # cudaErrorInvalidValue
        ("too much", 1),
        ("too few columns", 7),  # CUBLAS_STATUS_INVALID_VALUE
        ("begins as NaN", 7),
        ("reverse", 4321),
        ("swap", 2143),
    ],
)
def test_results(program, name, result):
    assert run(program, name).stdout == str(result)


def test_orders_of_blocks_and_threads(program):
    assert run(program, "last").stdout == "249"
    assert run(program, "last", CUDA_ON_CPU_ORDER="reverse").stdout == "0"
    orders = [run(program, "last", CUDA_ON_CPU_ORDER=str(seed)).stdout for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1


def test_calls_are_counted(program, tmp_path):
    run(program, "reverse", CUDA_ON_CPU_COUNTS=str(tmp_path / "counts"))
    assert (tmp_path / "counts").read_text() == "bytes of cudaMalloc\t72\nlaunch reverse\t1\n"


def test_a_launch_becomes_a_call_on_the_same_lines():
    text = "scale<Real><<<(n + 1)/2, min(a, b)>>>(\n    x, // first\n    f(y, 2)\n);"
    expected = (
        '::stand_in::launch({(n + 1)/2, min(a, b), 0, "scale<Real>"}, [](auto... _a) { scale<Real>(_a...); },\n'
        "    x, \n    f(y, 2)\n);"
    )
    assert translate(text) == expected
    assert translate("start<<<1, 1>>>( // nothing\n)") == (
        '::stand_in::launch({1, 1, 0, "start"}, [](auto... _a) { start(_a...); } \n)'
    )
