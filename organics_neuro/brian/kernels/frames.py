"""The part of a projection that is the same for all weights: evaluate the source expression, then call the kernel.

Names that a kernel's code may use, on every target:

====================  ===================================================================================
``_m, _n, _trials``   target units, source units, trials
``_x, _r``            source and target; NumPy: arrays (trials, n) and (trials, m); C: pointers, trial after trial
``{{_w_NAME}}``       the array NAME of the kernel's `Kernel.arrays`
``_Real``             C++: the floating-point type of the target variable
====================  ===================================================================================

They begin with an underscore, like every name a kernel makes up: no variable of a user's model can.
"""

from collections.abc import Callable
from dataclasses import dataclass

from brian2.codegen.runtime.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from jinja2 import DictLoader


@dataclass(frozen=True)
class Kernel:
    """Code for one operator.

    Parameters
    ----------
    arrays : callable
        From an operator to the arrays that the code reads, by name.
    numpy, cython, cpp : str
        Statements that fill the target.
    cython_support, cpp_support : str
        What these statements need: imports, functions.
    """

    arrays: Callable
    numpy: str
    cython: str
    cpp: str
    cython_support: str = ""
    cpp_support: str = ""


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
    cdef int _m = {{_sizes}}[0], _n = {{_sizes}}[1], _trials = {{_sizes}}[2]
    cdef {{real}} *_x = {{_source}}
    cdef {{real}} *_r = {{_target}} + {{_sizes}}[3]
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
{% block maincode %}
    typedef {{real}} _Real;
    const int _m = {{m}}, _n = {{n}}, _trials = {{trials}};
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const int _N = {{constant_or_scalar('N', variables['N'])}};
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
    const _Real* __restrict _x = {{_source}};
    _Real* __restrict _r = {{_target}} + {{start}};
    KERNEL
{% endblock %}
"""


def _fill(frame, code, support=""):
    """Put a kernel's code into a frame, at the indentation of the frame's mark."""
    lines = []
    for line in frame.splitlines():
        mark = next((m for m in ("KERNEL", "SUPPORT") if line.strip() == m), None)
        text = {"KERNEL": code, "SUPPORT": support, None: line}[mark]
        indent = line[: len(line) - len(line.lstrip())] if mark else ""
        lines += [indent + part if part else part for part in text.strip("\n").splitlines()] or [""]
    return "\n".join(lines)


def register(kind, kernel):
    """Make the kernel known to Brian2 as the template of this operator kind, on every target."""
    texts = {
        NumpyCodeObject: _fill(_NUMPY, kernel.numpy),
        CythonCodeObject: _fill(_CYTHON, kernel.cython, kernel.cython_support),
        CPPStandaloneCodeObject: _fill(_CPP, kernel.cpp, kernel.cpp_support),
    }
    for codeobject, text in texts.items():
        templater = codeobject.templater
        templater.env.loader.loaders.append(DictLoader({f"organics_projection_{kind}{templater.extension}": text}))
