"""`Kernel`: the code that multiplies with one kind of operator, in each language.

A kernel is a C++ function, called from C++ standalone and from Cython, a CUDA function, and a few statements of NumPy:

    template <typename Real> void function(const Real* x, Real* r, int m, int n, int trials, ARRAYS..., SCRATCH...)

fills ``r`` (trials, m) from ``x`` (trials, n). Its further arguments are the arrays of `Kernel.arrays` and then those
of `Kernel.scratch`, in their order: ``int`` pointers (``int32``) for integers, else ``Real`` ones. The CUDA function
has the same arguments, pointers to the memory of the GPU, and starts the kernels there. NumPy statements use
``_m, _n, _trials``, ``_x`` and ``_r``, and ``{{_w_NAME}}`` for the array NAME.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from organics_neuro.core.operators import Operator
from organics_neuro.core.products import register


def _nothing(operator, trials):
    return {}


@dataclass(frozen=True)
class Kernel:
    """Code for one kind of operator.

    Parameters
    ----------
    function : str
        Name of the function.
    arrays : callable
        From an operator to the arrays that the code reads, by name.
    cpp, cuda : str
        C++ and CUDA that define the function.
    numpy : str
        Statements that fill the target.
    scratch, cuda_scratch : callable
        From an operator and a number of trials to the working memory of C++ (and Cython) and of CUDA: numbers by name.
    cython : str
        Cython that defines the function, where it should not be the one in C++; it gets no working memory.
    prepare : str
        C++ standalone: statements before the first step of every run.
    found : callable
        C++ standalone: text before ``cpp`` that depends on what this machine has, looked for when a program is written.
    suits : callable
        Whether the kernel is the one for an operator.
    """

    function: str
    arrays: Callable[[Operator], Mapping[str, np.ndarray]]
    cpp: str
    numpy: str
    cuda: str = ""
    scratch: Callable[[Operator, int], Mapping[str, int]] = _nothing
    cuda_scratch: Callable[[Operator, int], Mapping[str, int]] = _nothing
    cython: str = ""
    prepare: str = ""
    found: Callable[[], str] = lambda: ""
    suits: Callable[[Operator], bool] = lambda operator: True

    def working_memory(self, target: str) -> Callable[[Operator, int], Mapping[str, int]]:
        """`scratch` of a target."""
        if target == "cuda":
            return self.cuda_scratch
        return _nothing if target == "runtime" and self.cython else self.scratch

    @property
    def engines(self) -> list[str]:
        """The engines (of `organics_neuro.core.products`) that it has code for."""
        code = {"numpy": self.numpy, "cython": self.cython or self.cpp, "cpp": self.cpp, "cuda": self.cuda}
        return [engine for engine, text in code.items() if text]


def serve(cls: type[Operator], *kernels: Kernel) -> None:
    """Enter the kernels for a class of operators in the table: the first that suits an operator is taken."""
    for engine in {engine: None for kernel in kernels for engine in kernel.engines}:
        able = [kernel for kernel in kernels if engine in kernel.engines]
        register(engine, cls, lambda operator, able=able: [(next(k for k in able if k.suits(operator)), operator)])
