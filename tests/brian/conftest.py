"""Where Brian2 runs in a test, and a clean Brian2 before and after it."""

import gc

import brian2 as b2
import pytest
from brian2.devices.device import reinit_devices, reset_device

import organics_neuro as on

TARGETS = ("numpy", "cython", "cpp")


@pytest.fixture(autouse=True)
def clean_brian(request):
    """Default preferences, clock and device, NumPy code, and a Cython cache that only tests use."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.prefs.codegen.runtime.cython.cache_dir = str(request.config.cache.mkdir("brian2_cython"))
    flags = b2.prefs.codegen.cpp.extra_compile_args_gcc
    yield
    b2.prefs.codegen.cpp.extra_compile_args_gcc = flags
    reset_device("runtime")
    reinit_devices()


def run_on(target):
    """Make Brian2 generate code for ``target``, one of `TARGETS`; returns the name of the device that takes it."""
    if target != "numpy":  # not optimized, code compiles in two thirds of the time
        flags = b2.prefs.codegen.cpp.extra_compile_args_gcc
        b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-O0" if flag == "-O3" else flag for flag in flags]
    if target == "cpp":
        return "cpp"
    b2.prefs.codegen.target = target
    gc.collect()  # the cache goes by the names of groups, and a name is free again when its group is gone
    return "runtime"


@pytest.fixture(params=TARGETS)
def finish(request, tmp_path):
    """Runs the test on each target. Call it after the last ``run()``: C++ is then built and run, as a user would."""
    if run_on(request.param) == "runtime":
        return lambda: None
    on.use_device("cpp", directory=str(tmp_path / "cpp"), build_on_run=False)
    return lambda: b2.device.build(directory=None)
