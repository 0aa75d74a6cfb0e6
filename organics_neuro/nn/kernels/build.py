"""Building of the C++ operators: once for each version and processor, into the cache of the user."""

import hashlib
import platform
import shutil
import subprocess
import sys
import threading
import warnings
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch.utils import cpp_extension

from organics_neuro.core import tiles
from organics_neuro.core.cache import cache_folder, key
from organics_neuro.nn.kernels import gradients

_NAME = "organics_neuro_kernels"
_SOURCE = Path(__file__).with_name("gated.cpp")
#: All that the library is compiled from.
_FILES = [_SOURCE, *sorted(_SOURCE.parent.glob("*.h")), tiles.HEADER]
#: No flag changes what NaN or infinity do: a diverging circuit must show.
_FLAGS = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp"]
if platform.machine() in ("x86_64", "AMD64"):
    _FLAGS += ["-mprefer-vector-width=512"]  # where there are such vectors; half of them is the default
_lock = threading.Lock()


def available() -> bool:
    """Whether layers on the CPU run on the compiled operators; builds them if that was not done yet.

    Returns
    -------
    bool
        False, after one warning that says why, if they cannot be built. Layers then use torch's own operations.
    """
    found, reason = _load()
    if reason:
        _warn_once(reason)
    return found


def operators() -> Any:
    """The namespace of the compiled operators.

    Raises
    ------
    RuntimeError
        If they cannot be built; the message says why, and what to do.
    """
    found, reason = _load()
    if not found:
        raise RuntimeError(reason)
    return torch.ops.organics_neuro


@cache
def _warn_once(reason: str) -> None:
    warnings.warn(f"{reason}. Layers run on torch's own operations, several times slower", RuntimeWarning, stacklevel=4)


def _load() -> tuple[bool, str]:
    with _lock:
        return _load_once()


@lru_cache(maxsize=1)
def _load_once() -> tuple[bool, str]:
    """Whether the operators are loaded, and why not."""
    try:
        library = _cache() / f"{_key()}.so"
        with _exclusive(library):
            if not _loads(library):
                _build(library)
    except (OSError, RuntimeError, ImportError, subprocess.SubprocessError) as error:
        return False, f"the C++ kernel of the recurrent layer cannot be built: {_first_line(error)}"
    gradients.register()
    return True, ""


def _loads(library: Path) -> bool:
    """Whether ``library`` could be loaded; one that is damaged is made again.

    It is compared with its checksum first: the system ends a program that loads half a library.
    """
    try:
        if library.with_suffix(".sha256").read_bytes() != _checksum(library):
            return False
        torch.ops.load_library(str(library))
    except OSError:
        return False
    return True


def _checksum(library: Path) -> bytes:
    return hashlib.sha256(library.read_bytes()).hexdigest().encode()


def _build(library: Path) -> None:
    """Compile in a folder of its own, and move the result to where the next process finds it.

    A file that was moved is still the one that is loaded, so that loading it again does nothing.
    """
    if sys.platform == "win32":
        raise RuntimeError("it is not made for Windows")
    compiler = cpp_extension.get_cxx_compiler()
    if shutil.which(compiler) is None:
        raise RuntimeError(f"there is no C++ compiler {compiler!r}; install one, or set CXX to yours")
    if not cpp_extension.is_ninja_available():
        raise RuntimeError("ninja is missing; install it with: pip install ninja")
    print(
        "organics_neuro: compiling the kernel of recurrent layers for this machine, once, "
        f"into {library.parent}; this takes about half a minute",
        file=sys.stderr,
    )
    folder = library.with_suffix(".build")
    shutil.rmtree(folder, ignore_errors=True)  # what a killed build has left, torch's own lock included
    folder.mkdir()
    cpp_extension.load(
        _NAME,
        [str(_SOURCE)],
        extra_cflags=_FLAGS,
        extra_include_paths=[str(tiles.HEADER.parent)],
        build_directory=str(folder),
        is_python_module=False,
    )
    (folder / f"{_NAME}.so").replace(library)
    library.with_suffix(".sha256").write_bytes(_checksum(library))
    shutil.rmtree(folder)


def _cache() -> Path:
    """Folder for compiled libraries; TORCH_EXTENSIONS_DIR moves it, as it does for torch."""
    return cache_folder("TORCH_EXTENSIONS_DIR")


def _key() -> str:
    """What the library depends on: sources, compiler flags, torch and the instructions of the processor."""
    sources = (file.read_text() for file in _FILES)
    return key(*sources, *_FLAGS, torch.__version__, platform.machine())


def _exclusive(library: Path) -> FileLock:
    """One process at a time; the system releases the lock of a process that is killed."""
    return FileLock(library.with_suffix(".lock"))


def _first_line(error: Exception) -> str:
    """The line of a compiler's output that says what is wrong, or all there is."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return next((line for line in lines if "error:" in line), lines[0]).rstrip(".")
