"""Choosing where Brian2 runs, with early errors."""

import shutil
import tempfile
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import brian2 as b2

from organics_neuro.brian.cuda import prepare
from organics_neuro.brian.kernels.private import DEVICES, current_device, reset_device
from organics_neuro.core.boundary import known_name
from organics_neuro.core.files import make_folder
from organics_neuro.core.machine import compiler

#: The file that marks the folders of programs.
_MARK = ".organics_neuro"


def use_device(name: str, directory: str | PathLike[str] | None = None, build_on_run: bool = True) -> None:
    """Choose the device for the Brian2 objects that are made from now on.

    Parameters
    ----------
    name : {"runtime", "cpp", "cuda"}
        "runtime" steps through the simulation from Python (with NumPy or Cython code, see
        ``brian2.prefs.codegen.target``); "cpp" writes, compiles and runs a C++ program; "cuda" one for an NVIDIA GPU
        (Python 3.12 and brian2cuda, see the documentation of CUDA).
    directory : path, optional
        Where the program goes: a new or an empty folder, or one that an earlier program of this package is in, which is
        replaced. A temporary directory by default.
    build_on_run : bool
        Whether ``run()`` compiles and starts the program at once. Set it to False for several runs, and call
        `organics_neuro.brian.build` after the last one.

    Raises
    ------
    ValueError
        For an unknown name.
    FileExistsError
        If there are files of others in the directory, which the program could overwrite.
    RuntimeError
        If there is no C++ compiler, or what "cuda" needs is missing.
    """
    known_name("device", name, DEVICES)
    if name == "runtime":
        b2.set_device("runtime")
        return
    command = compiler()
    if shutil.which(command.split()[0]) is None:  # CXX may hold options, or a launcher such as ccache
        raise RuntimeError(
            f"the device {name!r} needs a C++ compiler, but {command!r} was not found; install one (for example the package g++)"
        )
    if directory is not None:
        directory = _own(directory)
    if name == "cuda":
        prepare(build_on_run)
    b2.all_devices[DEVICES[name]].reinit()  # a new program, whatever was built before
    b2.set_device(DEVICES[name], directory=directory, build_on_run=build_on_run)


def _own(directory: str | PathLike[str]) -> str:
    """A folder that is made, if it is not there, and marked as one whose files may be overwritten."""
    make_folder(directory)
    folder = Path(directory)
    if not (folder / _MARK).is_file() and any(folder.iterdir()):
        raise FileExistsError(
            f"the folder {folder} holds other files, which the program could overwrite; give an empty one"
        )
    (folder / _MARK).touch()
    return str(folder)


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
