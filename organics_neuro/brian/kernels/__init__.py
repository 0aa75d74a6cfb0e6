"""Generated code for weight operators: one kernel for each kind, one frame for each target.

A kernel computes ``target[b, i] = sum_j W[i, j] source[b, j]`` for all trials b, on buffers that the frame has
prepared. Each module of a kernel enters it in the table of `organics_neuro.core.products`, and is found by itself.
Private parts of Brian2 are used here, and nowhere else.
"""

from importlib import import_module
from pkgutil import iter_modules

from organics_neuro.brian.kernels.kernel import Kernel
from organics_neuro.brian.kernels.private import current_device
from organics_neuro.brian.kernels.program import Program
from organics_neuro.core.operators import Operator
from organics_neuro.core.products import find

#: The engines of the table that each device may use.
_ENGINES = {"runtime": ("numpy", "cython"), "cpp": ("cpp",), "cuda": ("cuda",)}

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)


def get_program(operator: Operator, trials: int) -> Program:
    """The `Program` that runs an operator for this number of trials on the current device."""
    target = current_device()
    pairs = find_kernels(operator, target)
    program = Program(*zip(*pairs, strict=True), trials, target)
    program.register(target)
    return program


def find_kernels(operator: Operator, target: str) -> list[tuple[Kernel, Operator]]:
    """The kernels for an operator on a device, each with the operator (a term of a sum) that it is for.

    Raises
    ------
    TypeError
        If there is no kernel for operators of this class.
    """
    found = [find(engine, operator)(operator) for engine in _ENGINES[target]]
    return found[0]


__all__ = ["Kernel", "Program", "find_kernels", "get_program"]
