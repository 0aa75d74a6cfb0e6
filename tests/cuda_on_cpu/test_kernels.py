"""The CUDA of every kernel, in its frame, against its operator: run on the CPU, with g++ alone."""

import subprocess

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.brian.kernels import circulant, program
from tests.core.operators import EXAMPLES
from tests.cuda_on_cpu.alone.projections import VARIANTS, build, get_program, run

STEPS = 3
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}
#: Trials, variants, and the order of blocks and threads: as they are numbered, the other way round, at random.
RUNS = [
    (1, VARIANTS, {}),
    (1, VARIANTS[:1], {"CUDA_ON_CPU_ORDER": "2"}),
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


@pytest.fixture(params=["own", "library"])
def work(request, monkeypatch):
    """Products of several trials by the kernels of the package, or by cuBLAS where it would be used for larger ones."""
    monkeypatch.setattr(program, "LIBRARY_WORK", 1 << 62 if request.param == "own" else 0)
    return request.param


def executables(operators, trials, folder, **changes):
    """Each operator with its program; those with the same kernels share one."""
    made = {}
    for operator in operators:
        own = get_program(operator, trials)
        key = tuple(own.launched())
        if key not in made:
            made[key] = build(own, folder, **changes)
        yield operator, made[key]


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kernel_multiplies_as_its_operator(name, work, folder):
    for trials in (1, 5):
        for operator, executable in executables(EXAMPLES[name], trials, folder):
            for count, variants, environment in RUNS:
                if count == trials:
                    assert_equal_the_operator(executable, operator, trials, variants, environment)


@pytest.mark.parametrize("name", EXAMPLES)
def test_blocks_go_on_with_the_next_results(name, folder):
    def one_block(text):
        assert "(count + each - 1)/each" in text
        return text.replace("(count + each - 1)/each", "1")

    for operator, executable in executables(EXAMPLES[name], 5, folder, change=one_block):
        assert_equal_the_operator(executable, operator, 5)


@pytest.fixture
def transformed(monkeypatch):
    """All full rings are transformed, as large ones are."""
    monkeypatch.setattr(circulant, "MATRIX", 0)
    monkeypatch.setattr(circulant, "is_linked", lambda library: True)


@pytest.mark.parametrize("name", ["Circulant", "Sum"])
def test_large_rings_are_transformed(name, transformed, folder):
    operators = [operator for operator in EXAMPLES[name] if "Circulant" in repr(operator)]
    for trials in (1, 5):
        for operator, executable in executables(operators, trials, folder):
            assert_equal_the_operator(executable, operator, trials)


@pytest.mark.parametrize("call", ["cublasCreate", "cublasDgemm", "cufftPlanMany", "cufftExecD2Z", "cufftExecZ2D"])
def test_a_program_ends_where_a_library_fails(call, transformed, folder, monkeypatch):
    monkeypatch.setattr(program, "LIBRARY_WORK", 0)
    library = "cuBLAS" if call.startswith("cublas") else "cuFFT"
    operator = EXAMPLES["Dense"][0] if library == "cuBLAS" else on.Circulant(np.arange(1.0, 9))
    executable = build(get_program(operator, 2), folder)
    sources = np.ones((1, 2, operator.shape[1]))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(executable, operator, sources, VARIANTS[0], environment={"CUDA_ON_CPU_FAIL": call})
    assert f"{call} of {library} failed with status" in caught.value.stderr.decode()
