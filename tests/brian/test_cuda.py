"""The device "cuda": what is missing is said before anything is built; results need a GPU."""

import numpy as np
import pytest
from brian2.devices.device import all_devices, get_device

import organics_neuro as on
from organics_neuro.brian import cuda, simulate
from tests.core.circuits import make_main


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


@pytest.mark.gpu
@pytest.mark.parametrize("trials", [1, 3])
@pytest.mark.parametrize("method", ["euler", "ab2", "rk4"])
@pytest.mark.parametrize("make", [make_main, lambda: on.ring(n=12)], ids=["dense", "circulant and uniform"])
def test_results_equal_the_reference(make, method, trials):
    circuit = make()
    z = np.random.default_rng(0).normal(size=(trials, circuit.size)) / 3
    found = simulate(circuit, z, 20e-4, 1e-4, method=method, device="cuda")
    for name, trace in on.reference.simulate(circuit, z, 20e-4, 1e-4, method).items():
        np.testing.assert_allclose(found[name], trace, rtol=1e-10, atol=1e-12)
