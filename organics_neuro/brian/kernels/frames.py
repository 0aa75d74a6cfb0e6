"""The part of a projection that is the same for all weights: evaluate the source expression, then call the kernels.

A kernel is a C++ function, called from C++ standalone and from Cython, and a few statements of NumPy:

    template <typename Real> void function(const Real* x, Real* r, int m, int n, int trials, ARRAYS..., SCRATCH...)

fills ``r`` (trials, m) from ``x`` (trials, n). Its further arguments are the arrays of `Kernel.arrays` and then those
of `Kernel.scratch`, in their order: ``int`` pointers (``int32``) for whole numbers, else ``Real`` ones. NumPy statements use
``_m, _n, _trials``, ``_x`` and ``_r``, and ``{{_w_NAME}}`` for the array NAME.

Names in generated code begin with an underscore wherever a model's own names could be: no variable of a model does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from brian2.codegen.runtime.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from jinja2 import DictLoader


@dataclass(frozen=True)
class Kernel:
    """Code for one kind of operator.

    Parameters
    ----------
    function : str
        Name of the function.
    arrays : callable
        From an operator to the arrays that the code reads, by name.
    cpp : str
        C++ that defines the function.
    numpy : str
        Statements that fill the target.
    scratch : callable
        From an operator and a number of trials to working memory: numbers by name.
    cython : str
        Cython that defines the function, where it should not be the one in C++.
    prepare : str
        C++ standalone: statements before the first step of every run.
    """

    function: str
    arrays: Callable
    cpp: str
    numpy: str
    scratch: Callable = lambda operator, trials: {}
    cython: str = ""
    prepare: str = ""


# Sizes reach NumPy and Cython as data: written into the text, each new size would be compiled anew.
_NUMPY = """
{# USES_VARIABLES { N } #}
{# ITERATE_ALL { _idx } #}
{% extends 'common_group.py_' %}
{% block maincode %}
_vectorisation_idx = 1
{{scalar_code|autoindent}}
_vectorisation_idx = LazyArange(N)
{{vector_code|autoindent}}
_m, _n, _trials, _start = {{_sizes}}
_x = {{_source}}.reshape(_trials, _n)
_r = {{_target}}[_start:_start + _trials*_m].reshape(_trials, _m)
KERNEL
{% endblock %}
"""

_CYTHON = """
{# USES_VARIABLES { N } #}
{# ITERATE_ALL { _idx } #}
{% extends 'common_group.pyx' %}
{% block template_support_code %}
SUPPORT
{% endblock %}
{% block maincode %}
    cdef int _m = {{_sizes}}[0], _n = {{_sizes}}[1], _trials = {{_sizes}}[2], _k
    cdef {{_real}} *_x = {{_source}}
    cdef {{_real}} *_r = {{_target}} + {{_sizes}}[3]
    _vectorisation_idx = 1
    {{scalar_code|autoindent}}
    for _idx in range(N):
        _vectorisation_idx = _idx
        {{vector_code|autoindent}}
    KERNEL
{% endblock %}
"""

_CPP = """
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
SUPPORT
{% endblock %}
{% block before_code %}
    BEFORE
{% endblock %}
{% block maincode %}
    typedef {{_real}} _Real;
    const int _m = {{_m}}, _n = {{_n}}, _trials = {{_trials}};
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const int _N = {{constant_or_scalar('N', variables['N'])}};
    #pragma omp parallel for schedule(static) if (_N > 20000)
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
    const _Real* __restrict _x = {{_source}};
    _Real* __restrict _r = {{_target}} + {{_start}};
    PREPARE
    KERNEL
{% endblock %}
"""

# Preparation waits for the first step of a run: only then has Brian2 set the arguments that a program was started with.
_BEFORE = "{{_w_fresh}}[0] = 1;"
_PREPARE = """
if ({{_w_fresh}}[0])
{
    PREPARE
    {{_w_fresh}}[0] = 0;
}
"""

#: What Brian2 looks for to leave a block out.
_EMPTY = "// EMPTY_CODE_BLOCK"


class Program:
    """The kernels that one operator needs, with their arrays: one kernel, or one for each term of a sum.

    Attributes
    ----------
    template : str
        Name of the Brian2 template that holds the code.
    arrays : dict of ndarray
        What the code reads.
    scratch : dict of int
        What it writes besides the target: how many numbers.
    """

    def __init__(self, kernels, operators, trials):
        self._calls, self.arrays, self.scratch = [], {}, {}
        for k, (kernel, operator) in enumerate(zip(kernels, operators, strict=True)):
            suffix = f"_{k}" if len(operators) > 1 else ""
            arrays = {key + suffix: np.asarray(value) for key, value in kernel.arrays(operator).items()}
            # room to begin at a multiple of 64 bytes, where no vector lies across two cache lines
            scratch = {key + suffix: size + 16 for key, size in kernel.scratch(operator, trials).items()}
            self._calls.append(_Call(kernel, suffix, arrays, scratch))
            self.arrays.update(arrays)
            self.scratch.update(scratch)
        if len(operators) > 1:
            self.scratch["sum"] = operators[0].shape[0] * trials + 16
        if any(kernel.prepare for kernel in kernels):
            self.scratch["fresh"] = 1
        self.template = "organics_projection_" + "_".join(operator.kind for operator in operators)
        self._register()

    def _register(self):
        """Make the code known to Brian2 as a template, on every target."""
        unique = list({call.kernel.function: call for call in self._calls}.values())
        support = "\n".join(call.kernel.cpp for call in unique)
        prepare = "\n".join(call.prepare() for call in self._calls if call.kernel.prepare)
        texts = {
            NumpyCodeObject: _fill(_NUMPY, KERNEL=self._numpy()),
            CythonCodeObject: _fill(
                _CYTHON, KERNEL=self._c(False), SUPPORT="\n".join(call.cython() for call in unique)
            ),
            CPPStandaloneCodeObject: _fill(
                _CPP,
                KERNEL=self._c(True),
                SUPPORT=support,
                BEFORE=_BEFORE if prepare else _EMPTY,
                PREPARE=_fill(_PREPARE, PREPARE=prepare) if prepare else "",
            ),
        }
        for codeobject, text in texts.items():
            templater = codeobject.templater
            name = self.template + templater.extension
            if name not in templater.env.list_templates():
                templater.env.loader.loaders.append(DictLoader({name: text}))

    def _numpy(self):
        """The first term writes the target, the others are added."""
        lines = [self._calls[0].numpy()]
        for call in self._calls[1:]:
            lines += ["_total, _r = _r, _numpy.empty_like(_r)", call.numpy(), "_total += _r", "_r = _total"]
        return "\n".join(lines)

    def _c(self, standalone):
        if standalone:
            add = "for (int _k = 0; _k < _m*_trials; _k++) _r[_k] += {term}[_k];"
        else:
            add = "for _k in range(_m*_trials):\n    _r[_k] += {term}[_k]"
        term = _aligned("{{_w_sum}}") if standalone else "{{_w_sum}}"
        lines = [self._calls[0].c("_r", standalone)]
        for call in self._calls[1:]:
            lines += [call.c(term, standalone), add.format(term=term)]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Call:
    """The call of one kernel; ``suffix`` tells its arrays from those of the other terms of a sum."""

    kernel: Kernel
    suffix: str
    arrays: dict
    scratch: dict

    def numpy(self):
        return re.sub(r"\{\{_w_(\w+)\}\}", rf"{{{{_w_\1{self.suffix}}}}}", self.kernel.numpy.strip("\n"))

    def c(self, target, standalone):
        scratch = [_aligned(f"{{{{_w_{key}}}}}") if standalone else f"{{{{_w_{key}}}}}" for key in self.scratch]
        arguments = ["_x", target, "_m", "_n", "_trials", *(f"{{{{_w_{key}}}}}" for key in self.arrays), *scratch]
        name = self.kernel.function + ("<_Real>" if standalone else "")
        return f"{name}({', '.join(arguments)})" + (";" if standalone else "")

    def prepare(self):
        def name(match):
            key = match[1] + self.suffix
            return _aligned(f"{{{{_w_{key}}}}}") if key in self.scratch else f"{{{{_w_{key}}}}}"

        return re.sub(r"\{\{_w_(\w+)\}\}", name, self.kernel.prepare.strip("\n"))

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


def _aligned(pointer):
    """C++ for the first multiple of 64 bytes at or after a pointer."""
    return f"((_Real*)(((size_t){pointer} + 63)/64*64))"


def _fill(frame, **texts):
    """Put texts into a frame where a line is their name, at the indentation of that line."""
    lines = []
    for line in frame.splitlines():
        text, indent = texts.get(line.strip()), line[: len(line) - len(line.lstrip())]
        lines += [line] if text is None else [indent + part if part else part for part in text.strip("\n").splitlines()]
    return "\n".join(lines)
