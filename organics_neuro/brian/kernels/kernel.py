"""`Kernel`: the code that multiplies with one kind of operator, in each language.

A kernel is a C++ function, called from C++ standalone and from Cython, functions of CUDA, and a few statements of NumPy:

    template <typename Real> void function(const Real* x, Real* r, int m, int n, int trials, ARRAYS..., SCRATCH...)

fills ``r`` (trials, m) from ``x`` (trials, n). Its further arguments are the arrays of `Kernel.arrays` and then those
of `Kernel.scratch`, in their order: ``int`` pointers (``int32``) for integers, else ``Real`` ones. NumPy statements use
``_m, _n, _trials``, ``_x`` and ``_r``, and ``{{_w_NAME}}`` for the array NAME.

CUDA runs functions one after the other, each in a launch that it shares with those of other projections:

    template <typename Real> __device__ void function(Organics_place at, Source x, Target r, int m, int n, int trials,
                                                      ARRAYS..., SCRATCH...)
    __host__ __device__ int function_blocks(int m, int n, int trials)

``x[j]`` is the source, in an array or evaluated there and then; ``r.put(k, value)`` sets a result or adds to it, so every result
is put once, by the last function. A library is called by a function of the host, with pointers to the memory of the GPU.
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
        C++ and CUDA that define the functions.
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
    steps : callable
        CUDA: from an operator to the names of the functions.
    library : str
        CUDA: name of the function that calls a library, after the steps.
    reads_once : bool
        CUDA: whether each number of the source is read a few times at most.
    several : Kernel, optional
        CUDA: the kernel that takes its place for several trials.
    """

    function: str
    arrays: Callable[[Operator], Mapping[str, np.ndarray]]
    cpp: str = ""
    numpy: str = ""
    cuda: str = ""
    scratch: Callable[[Operator, int], Mapping[str, int]] = _nothing
    cuda_scratch: Callable[[Operator, int], Mapping[str, int]] = _nothing
    cython: str = ""
    prepare: str = ""
    found: Callable[[], str] = lambda: ""
    suits: Callable[[Operator], bool] = lambda operator: True
    steps: Callable[[Operator], tuple[str, ...]] = lambda operator: ()
    library: str = ""
    reads_once: bool = False
    several: "Kernel | None" = None

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
