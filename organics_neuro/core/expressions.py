"""Expressions in Brian2 syntax: parsed once, by a whitelist, into SymPy and from there into functions.

No text is ever evaluated: it is read with `ast` and each node is translated or refused. Text from a file is
therefore as harmless as a number from a file.
"""

import ast
import re
from functools import lru_cache

import numpy as np
import sympy as sp
from scipy.special import expit


class relu(sp.Function):
    """Half-wave rectification, max(x, 0); its derivative at 0 is taken as 0."""

    nargs = 1

    def fdiff(self, argindex=1):
        return sp.Heaviside(self.args[0], 0)


class sigmoid(sp.Function):
    """Logistic function, 1 / (1 + exp(-x))."""

    nargs = 1

    def fdiff(self, argindex=1):
        return sigmoid(self.args[0]) * (1 - sigmoid(self.args[0]))


def _sign(x):
    """The derivative of abs in a form that SymPy compiles for arrays; its own is for scalars only."""
    return sp.Heaviside(x, 0) - sp.Heaviside(-x, 0)


#: Functions of one argument that Brian2 lacks, and what it computes in their place.
BRIAN = {"relu": "clip({}, 0, inf)", "sigmoid": "1/(1 + exp(-({})))"}

#: The functions an expression may call. All but those of `BRIAN` are Brian2's own.
FUNCTIONS = {
    "relu": relu,
    "sigmoid": sigmoid,
    "sqrt": sp.sqrt,
    "exp": sp.exp,
    "log": sp.log,
    "tanh": sp.tanh,
    "sin": sp.sin,
    "cos": sp.cos,
    "abs": sp.Abs,
}

_BINARY = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


#: Whole numbers of more bits would take SymPy a time without end; a float has at most 1024.
_LARGEST_BITS = 4096


class Backend:
    """What the functions of an expression mean to an array library; `NUMPY` here, torch in `organics_neuro.nn`."""

    def __init__(self, name, functions):
        self.name = name
        self.functions = functions

    def __repr__(self):
        return f"Backend({self.name!r})"


NUMPY = Backend(
    "numpy",
    {
        "relu": lambda x: np.maximum(x, 0.0),
        "sigmoid": expit,
        "Heaviside": lambda x, _at_zero: np.greater(x, 0.0).astype(float),
        "sqrt": np.sqrt,
        "exp": np.exp,
        "log": np.log,
        "tanh": np.tanh,
        "sin": np.sin,
        "cos": np.cos,
        "abs": np.abs,
    },
)


def is_name(text):
    """Whether ``text`` can name a variable: an identifier that Brian2 accepts and no function's name."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text)) and text not in FUNCTIONS


def symbol(name):
    """The SymPy symbol of the variable ``name``."""
    return sp.Symbol(name, real=True)


def check_syntax(text):
    """Raise `ValueError` if ``text`` cannot be an expression, of whatever names and functions."""
    _tree(" ".join(re.sub("#.*", "", text).split()))  # Brian2 takes several lines, with comments


def _tree(text):
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise ValueError(f"cannot read the expression {text!r}: it is not valid syntax") from None


@lru_cache(maxsize=4096)
def parse(text):
    """The SymPy expression of ``text``, with a real symbol for every name.

    Raises
    ------
    ValueError
        If the text is not an arithmetic expression of names, numbers and `FUNCTIONS`.
    """

    def convert(node):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return sp.Integer(node.value) if isinstance(node.value, int) else sp.Float(node.value)
        if isinstance(node, ast.Name):
            return symbol(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            value = convert(node.operand)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            left, right = convert(node.left), convert(node.right)
            if isinstance(node.op, ast.Pow) and _is_huge(left, right):
                raise ValueError(f"{ast.unparse(node)!r} in the expression {text!r} is too large a number")
            return _BINARY[type(node.op)](left, right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
            if node.func.id in FUNCTIONS:
                return FUNCTIONS[node.func.id](convert(node.args[0]))
            raise ValueError(f"unknown function {node.func.id!r} in {text!r}; known: {', '.join(FUNCTIONS)}")
        raise ValueError(
            f"cannot use {ast.unparse(node)!r} in the expression {text!r}: only names, numbers, + - * / ** and functions of one argument"
        )

    return convert(_tree(text))


def _is_huge(base, exponent):
    """Whether a power is a fraction of whole numbers with more digits than any number of a model has."""
    if not (base.is_Rational and exponent.is_Integer):
        return False
    return abs(int(exponent)) * max(int(base.p).bit_length(), int(base.q).bit_length()) > _LARGEST_BITS


def names(text):
    """The names of the variables in ``text``."""
    nodes = list(ast.walk(_tree(text)))
    calls = {node.func for node in nodes if isinstance(node, ast.Call)}
    return {node.id for node in nodes if isinstance(node, ast.Name) and node not in calls}


class _Rewrite(ast.NodeTransformer):
    """Replace names by expressions, and functions that Brian2 lacks by ones that it has."""

    def __init__(self, replacements, brian):
        self.replacements = replacements
        self.brian = brian

    def visit_Name(self, node):
        return self.replacements.get(node.id, node)

    def visit_Call(self, node):
        arguments = [self.visit(argument) for argument in node.args]
        if self.brian and ast.unparse(node.func) in BRIAN:
            if len(arguments) != 1 or node.keywords:
                raise ValueError(f"{node.func.id} takes one argument, got {ast.unparse(node)!r}")
            return _tree(BRIAN[node.func.id].format(ast.unparse(arguments[0])))
        return ast.Call(node.func, arguments, node.keywords)


def called(text):
    """The names of the functions that ``text`` calls."""
    return {ast.unparse(node.func) for node in ast.walk(_tree(text)) if isinstance(node, ast.Call)}


def to_brian(text):
    """``text`` with the functions of `BRIAN` as Brian2 knows them. Other text stays as written."""
    if called(text).isdisjoint(BRIAN):
        return text.strip()
    return ast.unparse(_Rewrite({}, brian=True).visit(_tree(text)))


def substitute(text, replacements):
    """``text`` with each name in ``replacements`` replaced by its expression (both are text)."""
    trees = {name: _tree(expression) for name, expression in replacements.items()}
    return ast.unparse(_Rewrite(trees, brian=False).visit(_tree(text)))


def derivative(expression, name):
    """The derivative of a SymPy expression by the variable ``name``.

    Powers are combined: x**n/x, as SymPy leaves it, would be 0/0 at x = 0.
    """
    return sp.powsimp(sp.diff(expression, symbol(name)), combine="exp")


def compile_function(arguments, expressions, backend=NUMPY):
    """A function of ``arguments`` (names, in order) that returns the list of values of ``expressions`` (SymPy)."""
    expressions = [expression.replace(sp.sign, _sign) for expression in expressions]
    return sp.lambdify([symbol(name) for name in arguments], expressions, modules=[backend.functions], cse=True)
