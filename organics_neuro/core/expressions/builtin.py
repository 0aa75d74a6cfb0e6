"""The functions that come with the package, one entry each."""

import numpy as np
import sympy as sp
from scipy import special

from organics_neuro.core.expressions.functions import FUNCTIONS, Code, Function, Opaque, opaque


class Choice(Opaque):
    """``where(condition, a, b)``: its derivative is that of the branch that is taken, whatever the other one is."""

    def _eval_derivative(self, s):
        condition, a, b = self.args
        a, b = a.diff(s), b.diff(s)
        return sp.S.Zero if a == b == 0 else self.func(condition, a, b)


def _add(name, numpy, derivatives=(), *, arguments="x", **forms):
    derivatives = (derivatives,) if isinstance(derivatives, str) else derivatives
    return FUNCTIONS.add(Function(name, tuple(arguments.split()), numpy, derivatives, **forms))


def _sqrt(x):
    """Square root of a tensor; its gradient at 0 is 0, not infinity (which would turn into NaN on the way back)."""
    zero = x == 0
    return x.masked_fill(zero, 1).sqrt().masked_fill(zero, 0)


# --- what SymPy knows as well ---------------------------------------------------------------------------------------

_add("sqrt", np.sqrt, symbolic=sp.sqrt, torch=_sqrt, units="root")
_add("exp", np.exp, symbolic=sp.exp, torch="exp")
_add("log", np.log, symbolic=sp.log, torch="log")
_add("tanh", np.tanh, symbolic=sp.tanh, torch="tanh")
_add("sin", np.sin, symbolic=sp.sin, torch="sin")
_add("cos", np.cos, symbolic=sp.cos, torch="cos")

# --- what Brian2 has ------------------------------------------------------------------------------------------------

_add("tan", np.tan, "1 + tan(x)**2", torch="tan")
_add("sinh", np.sinh, "cosh(x)", torch="sinh")
_add("cosh", np.cosh, "sinh(x)", torch="cosh")
_add("arcsin", np.arcsin, "1/sqrt(1 - x**2)", torch="asin")
_add("arccos", np.arccos, "-1/sqrt(1 - x**2)", torch="acos")
_add("arctan", np.arctan, "1/(1 + x**2)", torch="atan")
#: SymPy's own splits its argument into real and imaginary part.
_add("abs", np.abs, "sign(x)", torch="abs", units="same")
_add("log10", np.log10, "1/(x*log(10))", torch="log10")
_add("log1p", np.log1p, "1/(1 + x)", torch="log1p")
_add("expm1", np.expm1, "exp(x)", torch="expm1")
SIGN = _add("sign", np.sign, "0", torch="sign", units="sign")
_add(
    "clip",
    np.clip,
    ("where(x >= low and x <= high, 1, 0)", "where(x < low, 1, 0)", "where(x > high, 1, 0)"),
    arguments="x low high",
    torch="clamp",
    units="same",
)

# --- what Brian2 says in other words --------------------------------------------------------------------------------

#: Half-wave rectification, max(x, 0); its derivative at 0 is taken as 0.
_add(
    "relu",
    lambda x: np.maximum(x, 0.0),
    "where(x > 0, 1, 0)",
    brian="clip(x, 0, inf)",
    torch="relu",
    units="same",
)
_add("sigmoid", special.expit, "sigmoid(x)*(1 - sigmoid(x))", brian="1/(1 + exp(-x))", torch="sigmoid")
#: log(1 + exp(x)) without overflow.
_add(
    "softplus",
    lambda x: np.logaddexp(x, 0.0),
    "sigmoid(x)",
    brian="clip(x, 0, inf) + log1p(exp(-abs(x)))",
    torch=lambda x: x.logaddexp(x.new_zeros(())),
)
_add(
    "minimum",
    np.minimum,
    ("where(a < b, 1, where(a > b, 0, 0.5))", "where(a < b, 0, where(a > b, 1, 0.5))"),
    arguments="a b",
    brian="clip(a, -inf, b)",
    torch="minimum",
    units="same",
)
_add(
    "maximum",
    np.maximum,
    ("where(a > b, 1, where(a < b, 0, 0.5))", "where(a > b, 0, where(a < b, 1, 0.5))"),
    arguments="a b",
    brian="clip(a, b, inf)",
    torch="maximum",
    units="same",
)

# --- what Brian2 has to be told -------------------------------------------------------------------------------------

_add(
    "erf",
    special.erf,
    "2/sqrt(pi)*exp(-x**2)",
    torch="erf",
    brian=Code(
        cpp="QUALIFIERS inline double organics_erf(const double x) { return erf(x); }",
        cython='cdef extern from "math.h":\n    double erf(double)\ncdef double organics_erf(double x):\n    return erf(x)',
    ),
)
WHERE = FUNCTIONS.add(
    opaque(
        Function(
            "where",
            ("condition", "a", "b"),
            np.where,
            torch=lambda condition, a, b: a.where(condition != 0, b),
            brian=Code(
                cpp="template <typename A, typename B> QUALIFIERS inline double organics_where(const bool condition, const A a, "
                "const B b) { return condition ? (double)a : (double)b; }",
                cython="cdef double organics_where(bint condition, double a, double b):\n    return a if condition else b",
            ),
            units="choice",
        ),
        Choice,
    )
)

#: a/b in a branch of `where`: Cython raises an error for a 0 in a denominator, also where the branch is not taken.
QUOTIENT = Function(
    "quotient",
    ("a", "b"),
    np.divide,
    brian=Code(
        cpp="QUALIFIERS inline double organics_quotient(const double a, const double b) { return a/b; }",
        cython="@_cython.cdivision(True)\ncdef double organics_quotient(double a, double b):\n    return a/b",
    ),
    units="quotient",
)

# --- conditions: written as operators, inside of where only ---------------------------------------------------------


def _condition(name, numpy, torch, arguments="a b"):
    arguments = tuple(arguments.split())
    return opaque(Function(f"_{name}", arguments, numpy, ("0",) * len(arguments), torch=torch))


#: By the operator of Python's syntax. Their names cannot be those of variables. Tensors stay of their type.
CONDITIONS = {
    "Lt": _condition("less", np.less, lambda a, b: (a < b).to(a.dtype)),
    "LtE": _condition("less_equal", np.less_equal, lambda a, b: (a <= b).to(a.dtype)),
    "Gt": _condition("greater", np.greater, lambda a, b: (a > b).to(a.dtype)),
    "GtE": _condition("greater_equal", np.greater_equal, lambda a, b: (a >= b).to(a.dtype)),
    "Eq": _condition("equal", np.equal, lambda a, b: (a == b).to(a.dtype)),
    "NotEq": _condition("not_equal", np.not_equal, lambda a, b: (a != b).to(a.dtype)),
    "And": _condition("and", np.logical_and, lambda a, b: a * b),
    "Or": _condition("or", np.logical_or, lambda a, b: a.maximum(b)),
    "Not": _condition("not", np.logical_not, lambda a: 1 - a, "a"),
}

#: A variable as it is, whose gradient counts only where the condition holds; see `organics_neuro.core.expressions.compilation`.
GATE = opaque(
    Function(
        "_gate",
        ("condition", "x"),
        lambda condition, x: x,
        ("0", "1"),
        torch=lambda condition, x: x.where(condition != 0, x.detach()),
    )
)
