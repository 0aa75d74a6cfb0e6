"""A call of every function, with the value that it must have: x takes both signs, p lies between 0 and 1."""

import math

import numpy as np

X = np.array([-2.3, -0.6, 0.2, 0.9, 3.1])
P = np.array([0.11, 0.37, 0.52, 0.74, 0.93])

_each = np.vectorize
#: By function: an expression, and its value computed without the package.
CALLS = {
    "sqrt": ("sqrt(p)", lambda x, p: p**0.5),
    "exp": ("exp(x)", lambda x, p: math.e**x),
    "log": ("log(p)", lambda x, p: _each(math.log)(p)),
    "tanh": ("tanh(x)", lambda x, p: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)),
    "sin": ("sin(x)", lambda x, p: _each(math.sin)(x)),
    "cos": ("cos(x)", lambda x, p: _each(math.cos)(x)),
    "abs": ("abs(x)", lambda x, p: np.where(x < 0, -x, x)),
    "tan": ("tan(x)", lambda x, p: np.sin(x) / np.cos(x)),
    "sinh": ("sinh(x)", lambda x, p: (np.exp(x) - np.exp(-x)) / 2),
    "cosh": ("cosh(x)", lambda x, p: (np.exp(x) + np.exp(-x)) / 2),
    "arcsin": ("arcsin(p)", lambda x, p: _each(math.asin)(p)),
    "arccos": ("arccos(p)", lambda x, p: _each(math.acos)(p)),
    "arctan": ("arctan(x)", lambda x, p: _each(math.atan)(x)),
    "log10": ("log10(p)", lambda x, p: _each(math.log10)(p)),
    "log1p": ("log1p(p)", lambda x, p: _each(math.log1p)(p)),
    "expm1": ("expm1(x)", lambda x, p: _each(math.expm1)(x)),
    "sign": ("sign(x)", lambda x, p: np.where(x < 0, -1.0, 1.0)),
    "clip": ("clip(x, -p, 2*p)", lambda x, p: np.where(x < -p, -p, np.where(x > 2 * p, 2 * p, x))),
    "relu": ("relu(x)", lambda x, p: np.where(x > 0, x, 0.0)),
    "sigmoid": ("sigmoid(x)", lambda x, p: 1 / (1 + np.exp(-x))),
    "softplus": ("softplus(x)", lambda x, p: np.log(1 + np.exp(x))),
    "minimum": ("minimum(x, p)", lambda x, p: np.where(x < p, x, p)),
    "maximum": ("maximum(x, p)", lambda x, p: np.where(x < p, p, x)),
    "erf": ("erf(x)", lambda x, p: _each(math.erf)(x)),
    "where": (
        "where(x > 0 and not p >= 0.8 or x < -2, x**2, -p)",
        lambda x, p: np.array([2.3**2, -0.37, 0.2**2, 0.9**2, -0.93]),
    ),
}
#: More uses of conditions; the branch that is not taken is NaN or infinite.
CHOICES = {
    "log": ("where(x > 0, log(x), x)", lambda x, p: np.where(x > 0, np.log(np.abs(x)), x)),
    "chain": ("where(-1 < x <= 0.9, 1, 0)", lambda x, p: np.array([0.0, 1, 1, 1, 0])),
    "equal": (
        "where(sign(x) == -1, sqrt(-x), 1/(x + 2.3))",
        lambda x, p: np.where(x < 0, abs(x) ** 0.5, 1 / (x + 2.3)),
    ),
    "unequal": ("where(sign(x) != 1 or p < 0.6, 2, pi)", lambda x, p: np.array([2, 2, 2, math.pi, math.pi])),
}
