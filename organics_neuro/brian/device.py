"""Choosing where Brian2 runs, with early errors."""

import os
import shutil
import tempfile
from contextlib import contextmanager

import brian2 as b2

from organics_neuro.brian.cuda import prepare
from organics_neuro.brian.kernels.private import DEVICES, current_device, reset_device
from organics_neuro.core.boundary import known_name


def use_device(name: str, directory: str | None = None, build_on_run: bool = True) -> None:
    """Choose the device for the Brian2 objects that are made from now on.

    Parameters
    ----------
    name : {"runtime", "cpp", "cuda"}
        "runtime" steps through the simulation from Python (with NumPy or Cython code, see
        ``brian2.prefs.codegen.target``); "cpp" writes, compiles and runs a C++ program; "cuda" one for an NVIDIA GPU
        (Python 3.12 and brian2cuda, see the documentation of CUDA).
    directory : str, optional
        Where the program goes; a temporary directory by default.
    build_on_run : bool
        Whether ``run()`` compiles and starts the program at once. Set it to False for several runs, and call
        `organics_neuro.brian.build` after the last one.

    Raises
    ------
    ValueError
        For an unknown name.
    RuntimeError
        If there is no C++ compiler, or what "cuda" needs is missing.
    """
    known_name("device", name, DEVICES)
    if name == "runtime":
        b2.set_device("runtime")
        return
    compiler = os.environ.get("CXX", "g++" if os.name == "posix" else "cl")
    if shutil.which(compiler.split()[0]) is None:  # CXX may hold options, or a launcher such as ccache
        raise RuntimeError(
            f"the device {name!r} needs a C++ compiler, but {compiler!r} was not found; install one (for example the package g++)"
        )
    if name == "cuda":
        prepare(build_on_run)
    b2.all_devices[DEVICES[name]].reinit()  # a new program, whatever was built before
    b2.set_device(DEVICES[name], directory=directory, build_on_run=build_on_run)


@contextmanager
def device(name):
    """Use a device for a while, with files in a temporary directory that is removed afterwards."""
    if name != "runtime" and current_device() == name:
        raise RuntimeError(f"the device {name!r} is in use; finish that simulation, then call use_device('runtime')")
    with tempfile.TemporaryDirectory(prefix="organics_") as directory:
        use_device(name, directory=directory)
        try:
            yield
        finally:
            if name != "runtime":
                b2.get_device().reinit()
            reset_device()
