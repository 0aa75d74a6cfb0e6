"""Expressions in Brian2 syntax: parsed once, by a whitelist, into SymPy.

No text is ever evaluated: it is read with `ast` and each node is translated or refused. Text from a file is
therefore as harmless as a number from a file. What is a number already, such as ``2/3``, is computed in double
precision as the engines do; SymPy would make a fraction of it, and has no limit to its digits.
"""

import ast
from collections.abc import Mapping
from functools import lru_cache, reduce

import numpy as np
import sympy as sp

from organics_neuro.core.expressions.builtin import CONDITIONS
from organics_neuro.core.expressions.functions import FUNCTIONS
from organics_neuro.core.expressions.reading import DEPTH, EXPANDED, EXPONENT, read, shorten

_BINARY = {ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__", ast.Pow: "__pow__"}
#: Integers up to here are exact in an expression, larger ones are numbers in double precision as in the engines.
_EXACT = 10**6
#: Larger numbers than any that double precision can go on with.
_LARGEST = 1e300
_NOT_FINITE = (sp.zoo, sp.oo, -sp.oo, sp.nan)


def symbol(name: str) -> sp.Symbol:
    """The SymPy symbol of the variable ``name``."""
    return sp.Symbol(name, real=True)


@lru_cache(maxsize=4096)
def parse(text: str) -> sp.Expr:
    """The SymPy expression of ``text``, with a real symbol for every name.

    Raises
    ------
    ValueError
        If the text is not an arithmetic expression of names, numbers and `FUNCTIONS`, or is too large.
    """
    return _Converter({}).convert(text)


def expand(text: str, abbreviations: Mapping[str, str]) -> sp.Expr:
    """The SymPy expression of ``text`` with ``abbreviations`` (expressions by name, as text) written out.

    Raises
    ------
    ValueError
        As `parse`; also if abbreviations refer to each other in a circle, or are too large when written out.
    """
    return _Converter(abbreviations).convert(text)


class _Converter:
    """Translates syntax trees; each abbreviation once."""

    def __init__(self, abbreviations: Mapping[str, str]) -> None:
        self.abbreviations = abbreviations
        self.trees: dict[str, ast.expr] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self.done: dict[str, sp.Expr] = {}
        self.text = ""

    def convert(self, text: str) -> sp.Expr:
        tree = read(text)
        size, depth = self._measure(tree, ())
        if size > EXPANDED or depth > 2 * DEPTH:
            raise ValueError(
                f"the expression {shorten(text)} is too large: with its abbreviations written out it has more than {EXPANDED} parts, or is nested more than {2 * DEPTH} deep"
            )
        outer, self.text = self.text, text
        result = self._node(tree)
        self.text = outer
        return result

    def _measure(self, tree: ast.expr, path: tuple[str, ...]) -> tuple[int, int]:
        """Number of nodes and depth with abbreviations written out, none of which may lead back to itself."""
        size, depth, deepest, level = 0, 0, 0, [tree]
        while level:
            depth += 1
            for node in level:
                inner = (1, 0)
                if isinstance(node, ast.Name) and node.id in self.abbreviations:
                    inner = self._abbreviation(node.id, path)
                size, deepest = size + inner[0], max(deepest, depth + inner[1])
            level = [child for node in level for child in ast.iter_child_nodes(node)]
        return size, deepest

    def _abbreviation(self, name: str, path: tuple[str, ...]) -> tuple[int, int]:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise ValueError(f"the abbreviations {circle} refer to each other in a circle")
        if len(path) > DEPTH:
            raise ValueError(f"the abbreviation {path[0]!r} is too large: it leads to more than {DEPTH} others")
        if name not in self.sizes:
            self.trees[name] = read(self.abbreviations[name])
            self.sizes[name] = self._measure(self.trees[name], (*path, name))
        return self.sizes[name]

    # --- nodes --------------------------------------------------------------------------------------------------

    def _node(self, node: ast.expr) -> sp.Expr:
        value = self._number(node)
        result = self._translated(node) if value is None else _exact(value)
        self._check(node, result)
        return result

    def _translated(self, node: ast.expr) -> sp.Expr:
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            value = self._node(node.operand)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            left, right = self._node(node.left), self._node(node.right)
            if isinstance(node.op, ast.Pow) and right.is_Number and abs(right) > EXPONENT:
                raise self._too_large(node)
            if isinstance(node.op, ast.Pow) and left.is_zero and not right.is_Number:  # 0, 1 or infinity, by its sign
                raise ValueError(
                    f"cannot use {shorten(ast.unparse(node))} in the expression {shorten(self.text)}: a power of 0 needs a number "
                    "as its exponent"
                )
            if isinstance(node.op, ast.Pow) and left.is_negative and not right.is_Number:  # its slope is complex
                raise ValueError(
                    f"cannot use {shorten(ast.unparse(node))} in the expression {shorten(self.text)}: a power of a negative "
                    "number needs a number as its exponent"
                )
            return getattr(left, _BINARY[type(node.op)])(right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._call(node)
        if isinstance(node, (ast.Compare, ast.BoolOp)) or _is_not(node):
            raise ValueError(
                f"cannot use the comparison {ast.unparse(node)!r} in the expression {shorten(self.text)}: "
                "comparisons are conditions, as in where(y > 1, y, 0)"
            )
        raise ValueError(
            f"cannot use {ast.unparse(node)!r} in the expression {shorten(self.text)}: only names, numbers, + - * / ** and functions"
        )

    def _name(self, name: str) -> sp.Expr:
        if name not in self.abbreviations:
            return symbol(name)
        if name not in self.done:
            outer, self.text = self.text, self.abbreviations[name]
            self.done[name] = self._node(self.trees[name])
            self.text = outer
        return self.done[name]

    def _call(self, node: ast.Call) -> sp.Expr:
        function = self._function(node)
        if function.units == "choice":
            condition, *branches = node.args
            return function(self._condition(condition), *map(self._node, branches))
        return function(*map(self._node, node.args))

    def _function(self, node: ast.Call):
        name = node.func.id
        if name not in FUNCTIONS:
            raise ValueError(f"unknown function {name!r} in {shorten(self.text)}; known: {', '.join(FUNCTIONS)}")
        function = FUNCTIONS[name]
        if len(node.args) != len(function.arguments):
            wanted = ", ".join(function.arguments)
            raise ValueError(
                f"{name} takes {len(function.arguments)} argument(s), {name}({wanted}), got {ast.unparse(node)!r} in the expression {shorten(self.text)}"
            )
        return function

    def _condition(self, node: ast.expr) -> sp.Expr:
        if isinstance(node, ast.BoolOp):
            return reduce(CONDITIONS[type(node.op).__name__], map(self._condition, node.values))
        if _is_not(node):
            return CONDITIONS["Not"](self._condition(node.operand))
        if isinstance(node, ast.Compare) and all(type(op).__name__ in CONDITIONS for op in node.ops):
            values = [self._node(value) for value in (node.left, *node.comparators)]
            pairs = [CONDITIONS[type(op).__name__](*values[k : k + 2]) for k, op in enumerate(node.ops)]
            return reduce(CONDITIONS["And"], pairs)
        raise ValueError(
            f"the condition {ast.unparse(node)!r} in the expression {shorten(self.text)} must be a comparison, as in where(y > 1, y, 0)"
        )

    # --- numbers ------------------------------------------------------------------------------------------------

    def _number(self, node: ast.expr) -> float | None:
        """The value of what is a number without any variable, in double precision; None for all else."""
        try:
            return constant(node)
        except _NotFiniteError as error:
            part = error.node
            if not np.isnan(error.value):
                raise self._too_large(part) from None
        divided = isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div)
        reason = "divides by 0" if divided else "is not a real number"
        raise ValueError(f"{shorten(ast.unparse(part))} in the expression {shorten(self.text)} {reason}")

    def _too_large(self, node: ast.expr) -> ValueError:
        written = ast.unparse(node)
        return ValueError(f"{shorten(written)} in the expression {shorten(self.text)} is too large a number")

    def _check(self, node: ast.expr, result: sp.Expr) -> None:
        """Refuse what SymPy has made of the node if it is no real number, or holds one too large to go on with."""
        for part in (result, *result.args):
            power = part.exp if part.is_Pow and part.exp.is_Number else 0
            if part in _NOT_FINITE:
                raise ValueError(f"{shorten(ast.unparse(node))} in the expression {shorten(self.text)} divides by 0")
            if part is sp.I or (power and part.base.is_negative and not power.is_integer):
                raise ValueError(
                    f"{shorten(ast.unparse(node))} in the expression {shorten(self.text)} is not a real number"
                )
            if (part.is_Number and not abs(part) < _LARGEST) or abs(power) > EXPONENT**2:
                raise self._too_large(node)


def _exact(value: float) -> sp.Number:
    """A number as SymPy takes it: integers and halves exactly."""
    twice = float(value) * 2
    if twice.is_integer() and abs(twice) <= _EXACT:
        return sp.Rational(int(twice), 2)
    return sp.Float(float(value))


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


class _NotFiniteError(ValueError):
    """A number of an expression is not finite (NaN where it is none at all)."""

    def __init__(self, node: ast.expr, value: float) -> None:
        super().__init__(f"{shorten(ast.unparse(node))} is not a finite number")
        self.node, self.value = node, value


def constant(node: ast.expr) -> np.float64 | None:
    """The value of a syntax tree without variables, computed as NumPy does; None if it has any, or a condition.

    Raises
    ------
    ValueError
        If a part of it is not finite.
    """
    if hasattr(node, "constant"):  # each node is asked for once by every one that holds it
        return node.constant
    with np.errstate(all="ignore"):
        node.constant = value = _constant(node)
    if value is not None and not np.isfinite(value):
        raise _NotFiniteError(node, value)
    return value


def _constant(node: ast.expr) -> np.float64 | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _literal(node.value)
    if isinstance(node, ast.Name):
        return np.float64(np.pi) if node.id == "pi" else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = constant(node.operand)
        return value if value is None or isinstance(node.op, ast.UAdd) else -value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = constant(node.left), constant(node.right)
        return None if left is None or right is None else _result(node.op, left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and node.args:
        function = FUNCTIONS[node.func.id]
        parts = [constant(argument) for argument in node.args]
        if all(part is not None for part in parts) and not node.keywords and len(parts) == len(function.arguments):
            return np.float64(function.numpy(*parts))
    return None


def _literal(value: float) -> np.float64:
    try:
        return np.float64(value)
    except OverflowError:
        return np.float64(np.inf)


def _result(operation: ast.operator, left: np.float64, right: np.float64) -> np.float64:
    if isinstance(operation, ast.Div) and right == 0:
        return np.float64(np.nan)
    if isinstance(operation, ast.Pow) and abs(right) > EXPONENT:  # also where the result would be 0
        return np.float64(np.inf)
    return getattr(left, _BINARY[type(operation)])(right)
