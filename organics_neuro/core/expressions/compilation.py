"""SymPy expressions as functions of arrays, for NumPy and for other array libraries."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.lambdarepr import LambdaPrinter

from organics_neuro.core.expressions.builtin import CONDITIONS, GATE, SIGN, WHERE
from organics_neuro.core.expressions.functions import FUNCTIONS, Function, Opaque
from organics_neuro.core.expressions.parse import symbol


class Backend:
    """What the functions of an expression mean to an array library; `NUMPY` here, torch in `organics_neuro.nn`.

    Parameters
    ----------
    name : str
    convert : callable
        Takes a `Function` and returns it as a function of this library's arrays.
    differentiated : bool
        Whether the library differentiates what is computed, so that a branch of ``where`` that is not taken must not
        reach the gradient.
    """

    def __init__(
        self, name: str, convert: Callable[[Function], Callable[..., Any]], differentiated: bool = False
    ) -> None:
        self.name = name
        self.convert = convert
        self.differentiated = differentiated

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions of this library by the names that compiled expressions call."""
        every = (*FUNCTIONS.values(), *CONDITIONS.values(), GATE)
        return {function.name: self.convert(function) for function in every}

    def __repr__(self) -> str:
        return f"Backend({self.name!r})"


NUMPY = Backend("numpy", lambda function: function.numpy)


class _Printer(LambdaPrinter):
    """Python text with every digit of a number; SymPy leaves it at 15."""

    def _print_Float(self, expr: sp.Float) -> str:
        return repr(float(expr))

    def _print(self, expr: Any, **settings: Any) -> str:
        if isinstance(expr, Opaque):  # whatever SymPy would print for a function of its own that is called the same
            return f"{expr.func.__name__}({', '.join(map(self._print, expr.args))})"
        return super()._print(expr, **settings)


_SETTINGS = {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True}


def compile_function(
    arguments: Sequence[str], expressions: Iterable[sp.Expr], backend: Backend = NUMPY
) -> Callable[..., list]:
    """A function of ``arguments`` (names, in order) that returns the list of values of ``expressions`` (SymPy).

    Numbers follow the arithmetic of arrays: 1/0 is infinity and the root of -1 is NaN, as they are in an array. Whoever
    calls it many times sees to that once, by `as_in_arrays` and `numpy.errstate`, and calls its attribute ``bare``.
    """
    prepared = [_prepare(sp.sympify(expression), backend) for expression in expressions]
    compiled = sp.lambdify(
        [symbol(name) for name in arguments],
        prepared,
        modules=[backend.functions],
        printer=_Printer(_SETTINGS),
        cse=True,
    )

    def function(*values: Any) -> list:
        with np.errstate(all="ignore"):
            return compiled(*map(as_in_arrays, values))

    function.bare = compiled
    return function


def as_in_arrays(value: Any) -> Any:
    """A number of Python as one that follows the arithmetic of arrays; anything else as it is."""
    return np.float64(value) if isinstance(value, (int, float)) else value


def _prepare(expression: sp.Expr, backend: Backend) -> sp.Expr:
    expression = expression.replace(sp.sign, SIGN)  # SymPy compiles its own for numbers only
    return expression.replace(WHERE.symbolic, _gated) if backend.differentiated else expression


def _gated(condition: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """``where`` with branches that reach the gradient only where they are taken.

    A library that differentiates multiplies the slope of the other branch by 0, and 0 times infinity is NaN.
    """
    refused = CONDITIONS["Not"](condition)
    return WHERE(condition, _behind(condition, a), _behind(refused, b))


def _behind(condition: sp.Expr, branch: sp.Expr) -> sp.Expr:
    if branch.is_polynomial(*branch.free_symbols):
        return branch
    return branch.xreplace({s: GATE(condition, s) for s in branch.free_symbols})
