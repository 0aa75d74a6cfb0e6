"""C++ that several kernels share: vectors of the width of the machine, and the register tile of a matrix product.

GCC and Clang translate their vector extension for any processor; no instruction set is named in the code. Other
compilers get vectors of one number.
"""

from organics_neuro.brian.kernels.sources import source

#: Multiplications of one step from which a kernel is shared between threads.
THREADS_FROM = 250_000
#: Trials that a tile of a product holds in registers.
TILE = 6


def with_vectors(*names: str, **constants: int) -> str:
    """The C++ of files after that of ``vectors.h``, with numbers in place of the names of ``constants``."""
    constants |= {"THREADS_FROM": THREADS_FROM, "TILE": TILE}
    return source("vectors.h", *names, **constants)
