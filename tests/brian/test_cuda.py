"""The device "cuda": what is missing is said before anything is built; results need a GPU."""

import re
from pathlib import Path
from types import SimpleNamespace

import brian2 as b2
import numpy as np
import pytest
from brian2.devices.device import all_devices, get_device

import organics_neuro as on
from organics_neuro.brian import cuda, kernels, standalone
from organics_neuro.brian.device import device
from organics_neuro.brian.kernels.sources import source
from organics_neuro.core.schemes import SCHEMES
from tests.brian.operators import make_every_operator
from tests.circuits import CIRCUITS, make_late
from tests.simulators import simulate_reference


def fails(message):
    with pytest.raises(RuntimeError, match=message):
        on.use_device("cuda")
    assert get_device() is all_devices["runtime"]


@pytest.fixture
def complete(monkeypatch):
    """An installation that has everything: each test takes one thing away."""
    monkeypatch.setattr(cuda.sys, "version_info", (3, 12, 1))
    monkeypatch.setattr(cuda, "find_spec", lambda name: True if name == "brian2cuda" else None)
    monkeypatch.setattr(cuda, "version", lambda name: "2.10.1")
    monkeypatch.setattr(cuda.shutil, "which", lambda name: f"/usr/local/cuda/bin/{name}")
    monkeypatch.setattr(cuda, "_find_libraries", lambda toolkit: ([], []))
    monkeypatch.setattr(cuda, "_has_gpu", lambda: True)
    return monkeypatch


def test_another_python(complete):
    complete.setattr(cuda.sys, "version_info", (3, 13, 0))
    fails("needs Python 3.12, .* but this is Python 3.13; make an environment with Python 3.12")


def test_no_brian2cuda(complete):
    complete.setattr(cuda, "find_spec", lambda name: None)
    fails(r"needs brian2cuda; install it with: pip install 'organics_neuro\[cuda\]'")


def test_another_brian2(complete):
    complete.setattr(cuda, "version", lambda name: "2.11.0")
    fails("needs Brian2 2.10.1, .* but this is Brian2 2.11.0; install it with: pip install brian2==2.10.1")


def test_no_compiler(complete):
    complete.setattr(cuda.shutil, "which", lambda name: None if name == "nvcc" else f"/usr/bin/{name}")
    fails("needs the compiler nvcc, .* install the CUDA toolkit and add its folder bin to the PATH")


def test_no_libraries(complete, tmp_path):
    complete.undo()
    complete.setattr(cuda, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="needs cuRAND and cuBLAS, .* pip install nvidia-curand"):
        cuda._find_libraries(tmp_path)


def test_no_gpu(complete):
    complete.setattr(cuda, "_has_gpu", lambda: False)
    fails(r"found no NVIDIA GPU .* use_device\('cuda', build_on_run=False\)")


def test_no_gpu_to_run_what_is_built(complete):
    built = []
    program = SimpleNamespace(build=lambda run: built.append(run), build_options={})
    complete.setattr(standalone.b2, "get_device", lambda: program)
    complete.setattr(standalone, "current_device", lambda: "cuda")
    standalone.build()
    complete.setattr(cuda, "_has_gpu", lambda: False)
    with pytest.raises(RuntimeError, match="found no NVIDIA GPU"):
        standalone.build()
    standalone.build(run=False)
    assert built == [True, False]


def assert_all_equal_the_reference(where, method, steps=20, dt=1e-4):
    """Every model, and every operator for one trial and for several, in one program on one device."""
    cases = (
        [(make(), 3) for make in CIRCUITS.values()]
        + [(make_every_operator(), trials) for trials in (1, 3)]
        + [(make_late(), 2)]
    )
    rng = np.random.default_rng(0)
    with device(where):
        runs = []
        for circuit, trials in cases:
            inputs = {name: rng.normal(size=(trials, n)) / 3 for name, n in circuit.inputs.items()}
            made = on.groups(circuit, trials, method=method, inputs=inputs, dt=dt * b2.second)
            runs.append((circuit, inputs, made))
        network = b2.Network(*(group for _, _, made in runs for group in made.values()))
        network.run(steps * dt * b2.second)
        for circuit, inputs, made in runs:
            for name, trace in simulate_reference(circuit, inputs, steps * dt, dt, method).items():
                population, state = name.population, name.variable
                found = made[population].per_trial(getattr(made[population], f"{state}_")[:])
                expected = np.broadcast_to(trace[-1], found.shape)  # a circuit without inputs has one trial
                np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.gpu
@pytest.mark.parametrize("method", SCHEMES)
def test_results_equal_the_reference(method):
    assert_all_equal_the_reference("cuda", method)


def test_the_test_for_a_gpu_passes_without_one():
    assert_all_equal_the_reference("runtime", "rk4")


def test_no_template_asks_for_values():
    """After the first run() a program has none in Python, and a second one could not be generated."""
    for path in Path(kernels.__file__).parent.iterdir():
        if path.suffix in {".cu", ".cuh", ".cpp", ".h", ".pyx", ".py_"}:
            assert "get_value" not in path.read_text(), path.name


def test_every_status_of_a_library_is_looked_at():
    calls = re.sub(r"//.*", "", source("gemm.cu", "transform.cu"))
    found = list(re.finditer(r"(cublas(Create|[DS]gemm)|cufft(PlanMany|Exec\w+))\(", calls))
    assert len(found) == 8
    for call in found:
        statement = calls[: call.start()].rsplit(";", 1)[-1]
        assert "organics_check(" in statement, call[0]
