"""A BLAS library for C++ programs where there is one: found when the program is written, opened when it runs.

Nothing is linked and no header is needed. A program whose library is gone uses its own loops.
"""

import ctypes
import os
from ctypes.util import find_library
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from organics_neuro.brian.kernels.sources import source

#: From so many units of source and target, and so many trials, a product goes to BLAS: below, packed tiles are faster.
UNITS, TRIALS = 2048, 256


class Library(NamedTuple):
    """Where a library is, and what its names begin with."""

    path: str
    prefix: str


@lru_cache(maxsize=1)
def find_blas() -> Library | None:
    """The first OpenBLAS with C names and a way to set its threads: of the system, else the one that SciPy brings; or None."""
    if os.name != "posix":  # programs open it with dlopen
        return None
    folder = Path(find_spec("scipy").origin).parent.parent
    bundled = sorted(folder.glob("scipy.libs/*openblas*")) + sorted(folder.glob("scipy/.dylibs/*openblas*"))
    for path in (find_library("openblas"), *map(str, bundled)):
        for prefix in ("", "scipy_"):
            if path and _has_names(path, prefix):
                return Library(path, prefix)
    return None


def _has_names(path, prefix):
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return False
    return hasattr(library, f"{prefix}cblas_dgemm") and hasattr(library, f"{prefix}openblas_set_num_threads")


def cpp() -> str:
    """C++ that multiplies with the library, or says that there is none."""
    library = find_blas()
    if library is None:
        return source("no_blas.h")
    path = library.path.replace("\\", "/").replace('"', r"\"")
    return source("blas.h").replace("PATH", path).replace("PREFIX", library.prefix)
