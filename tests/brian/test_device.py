"""Choosing a device: errors come early, and Brian2 is left as it was found."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms
from brian2.devices.device import get_device

import organics_neuro as on
from tests.circuits import make_main
from tests.simulators import simulate_brian

RUNTIME, CPP = b2.all_devices["runtime"], b2.all_devices["cpp_standalone"]


def test_unknown_device():
    with pytest.raises(ValueError, match="unknown device 'cuda13'; known: 'runtime', 'cpp', 'cuda'"):
        on.use_device("cuda13")
    with pytest.raises(ValueError, match="unknown device 'gpu'; known: 'runtime', 'cpp', 'cuda'"):
        simulate_brian(make_main(), device="gpu")
    assert get_device() is RUNTIME


def test_missing_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    with pytest.raises(RuntimeError, match="the device 'cpp' needs a C.. compiler, but 'no-such-compiler -O2' was not"):
        on.use_device("cpp")
    monkeypatch.delenv("CXX")
    monkeypatch.setattr("shutil.which", lambda command: None)
    with pytest.raises(RuntimeError, match=r"compiler, but 'g\+\+' was not found; install one"):
        simulate_brian(make_main(), device="cpp")
    assert get_device() is RUNTIME


def test_compiler_with_a_launcher_is_found(monkeypatch):
    monkeypatch.setenv("CXX", "ccache g++")
    monkeypatch.setattr("shutil.which", lambda command: command if command == "ccache" else None)
    on.use_device("cpp")
    assert get_device() is CPP


def test_device_can_be_changed_and_used_again(tmp_path):
    """Two C++ simulations one after the other, and one in Python, each with the settings of a user."""
    expected = 0
    for k, name in enumerate(["cpp", "runtime", "cpp"]):
        on.use_device(name, directory=str(tmp_path / str(k)))
        group = b2.NeuronGroup(2, "dx/dt = 1/ms : 1", method="euler", name="group")
        monitor = b2.StateMonitor(group, "x", record=True, name="monitor")
        network = b2.Network(group, monitor)
        network.run(1 * ms)
        np.testing.assert_allclose(group.x, 1)
        expected = expected if k else monitor.x
        np.testing.assert_array_equal(monitor.x, expected)
        assert (tmp_path / str(k) / "main.cpp").exists() == (name == "cpp")


def test_files_of_others_are_not_overwritten(tmp_path):
    (tmp_path / "main.cpp").write_text("mine")
    for made in (tmp_path, tmp_path / "main.cpp"):
        with pytest.raises(OSError, match="holds other files, which the program could overwrite|cannot be created"):
            on.use_device("cpp", directory=made)
    assert get_device() is RUNTIME
    assert (tmp_path / "main.cpp").read_text() == "mine"
    for _ in range(2):  # one's own folder is used again
        on.use_device("cpp", directory=tmp_path / "new" / "program", build_on_run=False)
        (tmp_path / "new" / "program" / "main.cpp").write_text("of the program")
    on.use_device("runtime")


def test_simulate_leaves_the_device_alone(tmp_path):
    """A user's own network in Python goes on after a C++ simulation; C++ in use is not taken away."""
    group = b2.NeuronGroup(2, "dx/dt = 1/ms : 1", method="euler", name="mine")
    network = b2.Network(group)
    network.run(1 * ms)
    simulate_brian(make_main(), 1.0, 1e-3, device="cpp")
    network.run(1 * ms)
    np.testing.assert_allclose(group.x, 2)
    on.use_device("cpp", directory=str(tmp_path))
    with pytest.raises(RuntimeError, match=r"the device 'cpp' is in use; .*use_device\('runtime'\)"):
        simulate_brian(make_main(), 1.0, 1e-3, device="cpp")
    states = simulate_brian(make_main(), 1.0, 1e-3, device="runtime")
    assert np.ptp(states["y"]) > 0
    assert get_device() is CPP
