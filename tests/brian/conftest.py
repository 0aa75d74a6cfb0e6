"""Where Brian2 runs in a test, what its programs are compiled with, and a clean Brian2 before and after it."""

import atexit
import functools
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import brian2 as b2
import pytest
from brian2.devices.device import reinit_devices, reset_device

import organics_neuro as on

TARGETS = ("numpy", "cython", "cpp")

_OPTIMIZED = b2.prefs.codegen.cpp.extra_compile_args_gcc
#: Code that is not optimized compiles in two thirds of the time.
_PLAIN = ["-O0" if flag == "-O3" else flag for flag in _OPTIMIZED]
#: What Brian2 includes in each file of a C++ program, which is most of what the compiler reads there.
_HEADERS = ("algorithm", "climits", "cmath", "ctime", "fstream", "iostream", "random", "set", "string", "vector")


@pytest.fixture(autouse=True)
def clean_brian(request):
    """Default clock and device, NumPy code, code that is not optimized, and a Cython cache that only tests use."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.prefs.codegen.runtime.cython.cache_dir = str(_cython_cache(request))
    b2.prefs.codegen.cpp.extra_compile_args_gcc = _PLAIN
    b2.prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{os.cpu_count()}", *_make_headers()]
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


@functools.cache
def _make_headers():
    """Compile `_HEADERS` once; arguments of make with which the compiler takes them as they are."""
    compiler = os.environ.get("CXX", "g++")
    if sys.platform != "linux" or shutil.which(compiler.split()[0]) is None:  # elsewhere compilers have other rules
        return []
    folder = Path(tempfile.mkdtemp(prefix="organics_headers_"))
    atexit.register(shutil.rmtree, folder)
    header = folder / "std.h"
    header.write_text("".join(f"#include <{name}>\n" for name in _HEADERS))
    compiled = folder / "std.h.gch"  # the compiler takes the file in it that was made with the flags of the program
    compiled.mkdir()
    for name, flags in (("plain", _PLAIN), ("optimized", _OPTIMIZED)):
        subprocess.run([*compiler.split(), *flags, "-x", "c++-header", header, "-o", compiled / name], check=True)
    return [f"'CXX={compiler} -include {header}'"]


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
