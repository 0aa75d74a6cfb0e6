"""Where Brian2 runs in a test, what its programs are compiled with, and a clean Brian2 before and after it."""

import gc
import os
from contextlib import contextmanager

import brian2 as b2
import pytest
from brian2.devices.device import reinit_devices, reset_device

import organics_neuro as on

TARGETS = ("numpy", "cython", "cpp")

_OPTIMIZED = b2.prefs.codegen.cpp.extra_compile_args_gcc
#: Code that is not optimized compiles in two thirds of the time.
_PLAIN = ["-O0" if flag == "-O3" else flag for flag in _OPTIMIZED]


@pytest.fixture(autouse=True)
def clean_brian(request):
    """Default clock and device, NumPy code, code that is not optimized, and a Cython cache that only tests use."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.prefs.codegen.runtime.cython.cache_dir = str(_cython_cache(request))
    b2.prefs.codegen.cpp.extra_compile_args_gcc = _PLAIN
    b2.prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{os.cpu_count()}"]
    yield
    b2.prefs.codegen.cpp.extra_compile_args_gcc = _OPTIMIZED
    b2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j"]
    reset_device("runtime")
    reinit_devices()
    gc.freeze()  # what Cython leaves behind of each module that it compiles; later collections would take ever longer


def _cython_cache(request):
    """Kept from run to run; where pytest keeps no cache (``-p no:cacheprovider``), a folder of this run."""
    kept = getattr(request.config, "cache", None)
    return request.getfixturevalue("tmp_path_factory").getbasetemp() if kept is None else kept.mkdir("brian2_cython")


@contextmanager
def optimized():
    """Programs are compiled as users compile them: what is wrong only in optimized code shows."""
    b2.prefs.codegen.cpp.extra_compile_args_gcc = _OPTIMIZED
    yield
    b2.prefs.codegen.cpp.extra_compile_args_gcc = _PLAIN


def run_on(target):
    """Make Brian2 generate code for ``target``, one of `TARGETS`; returns the name of the device that takes it."""
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
