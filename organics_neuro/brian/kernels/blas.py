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

#: From so many units of source and target, and so many trials, a product goes to BLAS: below, packed tiles are faster.
UNITS, TRIALS = 2048, 256


class Library(NamedTuple):
    """Where a library is, and what its names begin with."""

    path: str
    prefix: str


@lru_cache(maxsize=1)
def find_blas():
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


_CPP = """
#include <dlfcn.h>
#pragma weak dlopen  // not there if the program is linked without it, as an old system may do
#pragma weak dlsym
namespace {
template <typename Real>
struct organics_blas
{
    typedef void (*Product)(int, int, int, int, int, int, Real, const Real*, int, const Real*, int, Real, Real*, int);

    static Product find()
    {
        void* library = dlopen && dlsym ? dlopen("PATH", RTLD_NOW | RTLD_LOCAL) : 0;
        if (!library) return 0;
        void (*threads)(int) = (void (*)(int))dlsym(library, "PREFIXopenblas_set_num_threads");
        if (!threads) return 0;
        threads(1);
        return (Product)dlsym(library, sizeof(Real) == 8 ? "PREFIXcblas_dgemm" : "PREFIXcblas_sgemm");
    }

    // r = x times the transposed matrix, if there is a library; all by rows
    static bool multiply(const Real* x, Real* r, const int m, const int n, const int trials, const Real* matrix)
    {
        static const Product product = find();
        if (!product) return false;
        product(101, 111, 112, trials, m, n, 1, x, n, matrix, n, 0, r, m);
        return true;
    }
};
}
"""

_NONE = """
namespace {
template <typename Real>
struct organics_blas
{
    static bool multiply(const Real*, Real*, int, int, int, const Real*) { return false; }
};
}
"""


def cpp():
    """C++ that multiplies with the library, or says that there is none."""
    library = find_blas()
    if library is None:
        return _NONE
    path = library.path.replace("\\", "/").replace('"', r"\"")
    return _CPP.replace("PATH", path).replace("PREFIX", library.prefix)
