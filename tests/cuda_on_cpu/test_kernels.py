"""The CUDA of every kernel, in its frame, against its operator: run on the CPU, with g++ alone."""

import subprocess

import numpy as np
import pytest

from tests.core.operators import EXAMPLES
from tests.cuda_on_cpu.alone.projections import VARIANTS, build, get_program, run

STEPS = 3
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}
#: Trials, variants, and the order of blocks and threads: as they are numbered, the other way round, at random.
RUNS = [
    (1, VARIANTS, {}),
    (5, VARIANTS, {}),
    (5, VARIANTS[:2], {"CUDA_ON_CPU_ORDER": "reverse"}),
    (5, VARIANTS[:2], {"CUDA_ON_CPU_ORDER": "1"}),
]


def arrived(sources, steps, centred):
    """What a delay brings in each step: before the first one, the source was what it is then."""
    before = np.concatenate([np.repeat(sources[:1], steps, axis=0), sources])
    late = before[: len(sources)]
    return (late + before[1 : len(sources) + 1]) / 2 if centred else late


def assert_equal_the_operator(executable, operator, trials, variants=VARIANTS, environment=()):
    matrix, (_, n) = operator.to_dense(), operator.shape
    sources = np.random.default_rng(trials).normal(size=(STEPS, trials, n))
    for variant in variants:
        for delay in [(2, False), (1, True)] if variant.delayed else [(0, False)]:
            found = run(executable, operator, sources, variant, delay, environment)
            x = arrived(sources, *delay) if variant.delayed else sources
            precision = max(TOLERANCE[variant.weights], TOLERANCE[variant.target])
            wrong = np.abs(found - x @ matrix.T) > precision * np.abs(sources).max() * np.abs(matrix).sum(axis=1)
            message = f"{operator!r}, {trials} trials, {variant}, delay {delay}: {found} instead of {x @ matrix.T}"
            assert np.isfinite(found).all(), message
            assert not wrong.any(), message


def executables(operators, folder, **changes):
    """Each operator with its program; those with the same kernels share one."""
    made = {}
    for operator in operators:
        program = get_program(operator, 1)
        if program.template not in made:
            made[program.template] = build(program, folder, **changes)
        yield operator, made[program.template]


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kernel_multiplies_as_its_operator(name, folder):
    for operator, executable in executables(EXAMPLES[name], folder):
        for each in RUNS:
            assert_equal_the_operator(executable, operator, *each)


@pytest.mark.parametrize("name", EXAMPLES)
def test_threads_go_on_with_the_next_result(name, folder):
    def one_block(text):
        assert "(count + 255)/256" in text
        return text.replace("(count + 255)/256", "1")

    for operator, executable in executables(EXAMPLES[name], folder, change=one_block):
        assert_equal_the_operator(executable, operator, 5)


@pytest.mark.parametrize("call", ["cublasCreate", "cublasDgemv", "cublasDgemm"])
def test_a_program_ends_where_cublas_fails(call, folder):
    operator = EXAMPLES["Dense"][0]
    executable = build(get_program(operator, 1), folder)
    sources = np.ones((1, 1 if call == "cublasDgemv" else 2, operator.shape[1]))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(executable, operator, sources, VARIANTS[0], environment={"CUDA_ON_CPU_FAIL": call})
    assert f"{call} of cuBLAS failed with status" in caught.value.stderr.decode()
