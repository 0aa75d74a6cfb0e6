"""The kernels that a projection calls, as a Brian2 template."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from brian2.codegen.runtime.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from jinja2 import DictLoader

from organics_neuro.brian.kernels import frames
from organics_neuro.brian.kernels.kernel import Kernel
from organics_neuro.core.operators import Operator

#: Multiplications in a step from which several trials are left to cuBLAS; below, what it costs to call it weighs more.
LIBRARY_WORK = 1 << 22
#: Numbers added to each working memory, so that it can begin at a multiple of 64 bytes.
_SPARE = 16


class Launched(NamedTuple):
    """A kernel on CUDA: the functions that are launched, and the names of the arrays that they get."""

    kernel: Kernel
    steps: tuple[str, ...]
    keys: tuple[str, ...]


class Program:
    """The kernels that one operator needs, with their arrays: one kernel, or one for each term of a sum.

    Parameters
    ----------
    kernels : sequence of Kernel
    operators : sequence of Operator
        One for each kernel.
    trials : int
    target : {"runtime", "cpp", "cuda"}

    Attributes
    ----------
    template : str
        Name of the Brian2 template that holds the code.
    arrays : dict of ndarray
        What the code reads.
    scratch : dict of int
        What it writes besides the target: how many numbers.
    """

    def __init__(self, kernels: Sequence[Kernel], operators: Sequence[Operator], trials: int, target: str):
        self._calls, self.arrays, self.scratch = [], {}, {}
        for k, (kernel, operator) in enumerate(zip(kernels, operators, strict=True)):
            suffix = f"_{k}" if len(operators) > 1 else ""
            if (
                target == "cuda"
                and kernel.several
                and trials > 1
                and math.prod(operator.shape) * trials >= LIBRARY_WORK
            ):
                kernel = kernel.several
            arrays = {key + suffix: np.asarray(value) for key, value in kernel.arrays(operator).items()}
            sizes = kernel.working_memory(target)(operator, trials)
            scratch = {key + suffix: size + _SPARE for key, size in sizes.items()}
            self._calls.append(_Call(kernel, operator, suffix, arrays, scratch))
            self.arrays.update(arrays)
            self.scratch.update(scratch)
        if len(operators) > 1 and target != "cuda":
            self.scratch["sum"] = operators[0].shape[0] * trials + _SPARE
        if target == "cpp" and any(kernel.prepare for kernel in kernels):
            self.scratch["fresh"] = 1
        self.template = "organics_projection" + "".join(kernel.function.removeprefix("_organics") for kernel in kernels)

    def register(self, target: str) -> None:
        """Make the code known to Brian2 as a template of a target; that of CUDA is made by `launches`."""
        if target == "runtime":
            add_template(NumpyCodeObject, self.template, self._numpy)
            add_template(CythonCodeObject, self.template, self._cython)
        elif target == "cpp":
            add_template(CPPStandaloneCodeObject, self.template, lambda: frames.cpp([self.part.named("")]))

    def launched(self) -> list[Launched]:
        """The kernels as `launches` wants them."""
        return [
            Launched(call.kernel, call.kernel.steps(call.operator), (*call.arrays, *call.scratch))
            for call in self._calls
        ]

    def _numpy(self):
        """The first term writes the target, the others are added."""
        lines = [self._calls[0].numpy()]
        for call in self._calls[1:]:
            lines += ["_whole, _r = _r, _numpy.empty_like(_r)", call.numpy(), "_whole += _r", "_r = _whole"]
        return frames.fill(frames.NUMPY, KERNEL="\n".join(lines))

    def _cython(self):
        add = "for _k in range(_m*_trials):\n    _r[_k] += {term}[_k]"
        kernel = self._sum(_named, _named, "", add)
        return frames.fill(frames.CYTHON, KERNEL=kernel, SUPPORT=_text(self._support(_Call.cython)))

    @cached_property
    def part(self) -> frames.Part:
        """C++ of the kernels."""
        add = "for (size_t _k = 0; _k < (size_t)_m*_trials; _k++) _r[_k] += {term}[_k];"
        prepare = "\n".join(call.prepare() for call in self._calls if call.kernel.prepare)
        support = self._support(lambda call: call.kernel.found() + call.kernel.cpp)
        return frames.part(self._sum(_named_in_cpp, _aligned_in_cpp, "<_Real>", add), prepare, support)

    def _support(self, text):
        """The definition of each function, once, by its name."""
        return {call.kernel.function: text(call) for call in self._calls}

    def _sum(self, read, write, types, add):
        """The calls: the first term writes the target, the others are added. ``read`` and ``write`` make a pointer from a name."""
        end = ";" if types else ""
        lines = [self._calls[0].c("_r", read, write, types) + end]
        for call in self._calls[1:]:
            term = write("_w_sum")
            lines += [call.c(term, read, write, types) + end, add.format(term=term)]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Call:
    """The call of one kernel; ``suffix`` tells its arrays from those of the other terms of a sum."""

    kernel: Kernel
    operator: Operator
    suffix: str
    arrays: dict
    scratch: dict

    def numpy(self):
        return re.sub(r"\{\{_w_(\w+)\}\}", rf"{{{{_w_\1{self.suffix}}}}}", self.kernel.numpy.strip("\n"))

    def c(self, target, read, write, types):
        pointers = [*(read(f"_w_{key}") for key in self.arrays), *(write(f"_w_{key}") for key in self.scratch)]
        return f"{self.kernel.function}{types}({', '.join(['_x', target, '_m', '_n', '_trials', *pointers])})"

    def prepare(self):
        def pointer(match):
            key = match[1] + self.suffix
            return (_aligned_in_cpp if key in self.scratch else _named_in_cpp)(f"_w_{key}")

        return re.sub(r"\{\{_w_(\w+)\}\}", pointer, self.kernel.prepare.strip("\n"))

    def cython(self):
        """The function for Cython: Brian2 compiles it as C++, so the same text will do."""
        if self.kernel.cython:
            return self.kernel.cython
        types = ["{{_real}}*", "{{_real}}*", "int", "int", "int"]
        types += ["int32_t*" if array.dtype.kind in "iu" else "{{_real}}*" for array in self.arrays.values()]
        types += ["{{_real}}*"] * len(self.scratch)
        code = "\n".join("    " + line for line in self.kernel.cpp.strip("\n").splitlines())
        name = self.kernel.function
        return (
            f'cdef extern from *:\n    """\n{code}\n    """\n'
            f'    void {name} "{name}<{{{{_real}}}}>" ({", ".join(types)}) noexcept'
        )


def add_template(codeobject: type, template: str, text: Callable[[], str]) -> None:
    """Add a template to those of a Brian2 target, unless it is there."""
    templater = codeobject.templater
    name = template + templater.extension
    if name not in templater.env.list_templates():
        templater.env.loader.loaders.append(DictLoader({name: text()}))


def _named(name):
    """What Brian2 replaces by the pointer to a variable."""
    return f"{{{{{name}}}}}"


def _named_in_cpp(name):
    return _named(f"{name}@")


def _aligned_in_cpp(name):
    """A working memory in C++, from its first multiple of 64 bytes: there no vector lies across two cache lines."""
    return f"((_Real*)(((size_t){_named_in_cpp(name)} + 63)/64*64))"


def _text(definitions):
    return "\n".join(definitions.values())
