"""What brian2cuda needs for the kernels: a makefile for CUDA 13, and weights that are on the GPU once."""

import numpy as np
from brian2.core.variables import ArrayVariable

from organics_neuro.brian.kernels.templates import rewrite

_prepared = False
_linked = ""


def is_linked(library: str) -> bool:
    """Whether programs are linked to a library that the package can do without."""
    return library in _linked


def prepare_makefile(linker_flags: list[str]) -> None:
    """Make the makefile of brian2cuda fit for CUDA 13, without editing its files.

    Thrust of CUDA 13 needs C++17, where the makefile asks for C++11, and libraries must follow the objects.

    Parameters
    ----------
    linker_flags : list of str
        What brings cuRAND, cuBLAS and, where there is one, cuFFT.
    """
    from brian2cuda.codeobject import CUDAStandaloneCodeObject

    global _prepared, _linked
    _linked = " ".join(linker_flags)
    if _prepared:
        return
    parts = {"-std=c++11": "-std=c++17", "-lcurand": _linked, "$(LFLAGS) $(OBJS)": "$(OBJS) $(LFLAGS)"}
    if missing := rewrite(CUDAStandaloneCodeObject, "makefile", parts):
        raise RuntimeError(f"the makefile of this brian2cuda has no {missing[0]!r}; use brian2cuda 1.0b1")
    _prepared = True


def begin_with(variable: ArrayVariable, values: np.ndarray) -> None:
    """Let a new variable of a program begin with values: they are read from a file into its own memory.

    Brian2 would make an array of the values beside the variable and copy it over, and brian2cuda keeps both on the GPU.
    """
    device = variable.device
    zeros, name = device.zero_arrays.pop()  # where Brian2 has entered it just now
    assert zeros is variable
    device.static_arrays[name] = values
    device.array_cache[variable] = values
