"""Expressions as text for Brian2, and names replaced by expressions."""

import ast
import copy
from collections.abc import Mapping

from organics_neuro.core.errors import UnitError
from organics_neuro.core.expressions.builtin import QUOTIENT, WHERE
from organics_neuro.core.expressions.dimensions import NONE, dimension_of, unit_text
from organics_neuro.core.expressions.functions import FUNCTIONS, Function, Missing
from organics_neuro.core.expressions.reading import called, read


def replaced(text: str) -> set[str]:
    """The functions in ``text`` that Brian2 knows in other words, or not at all."""
    return {name for name in called(text) if name in FUNCTIONS and FUNCTIONS[name].brian is not None}


def to_brian(text: str, units: Mapping[str, str] | None = None) -> str:
    """``text`` with the functions that Brian2 lacks in other words; other text stays as written.

    Parameters
    ----------
    text : str
        An expression; functions that are not in `FUNCTIONS` are left to Brian2.
    units : dict of str, optional
        Name of the unit of each variable: the ``clip(v, 0*volt, inf*volt)`` that stands for ``relu(v)`` needs it.
    """
    tree = read(text)
    chained = any(isinstance(node, ast.Compare) and len(node.ops) > 1 for node in ast.walk(tree))
    if not chained and not replaced(text):
        return text.strip()
    return ast.unparse(_ToBrian(units or {}).visit(tree))


def substitute(text: str, replacements: Mapping[str, str]) -> str:
    """``text`` with each name in ``replacements`` replaced by its expression (both are text)."""
    trees = {name: read(expression) for name, expression in replacements.items()}
    return ast.unparse(_Substitute(trees).visit(read(text)))


class _Substitute(ast.NodeTransformer):
    """Replace names of variables by expressions."""

    def __init__(self, trees: Mapping[str, ast.expr]) -> None:
        self.trees = trees

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.trees.get(node.id, node))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], node.keywords)


class _ToBrian(ast.NodeTransformer):
    """Replace functions that Brian2 lacks by ones that it has, and a < b < c by a < b and b < c."""

    def __init__(self, units: Mapping[str, str]) -> None:
        self.units = units
        self.branches = 0  # how many calls of where the node lies in

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if self.branches and isinstance(node.op, ast.Div) and not isinstance(right, ast.Constant):
            return ast.Call(ast.Name(QUOTIENT.brian_name), [left, right], [])
        return ast.BinOp(left, node.op, right)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        values = [self.visit(value) for value in (node.left, *node.comparators)]
        pairs = [ast.Compare(values[k], [op], [values[k + 1]]) for k, op in enumerate(node.ops)]
        return pairs[0] if len(pairs) == 1 else ast.BoolOp(ast.And(), pairs)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = FUNCTIONS.get(ast.unparse(node.func))
        self.branches += function is WHERE
        arguments = [self.visit(argument) for argument in node.args]
        self.branches -= function is WHERE
        if function is None or function.brian is None:
            return ast.Call(node.func, arguments, node.keywords)
        if len(arguments) != len(function.arguments) or node.keywords:
            raise ValueError(f"{function.name} takes {len(function.arguments)} argument(s), got {ast.unparse(node)!r}")
        if isinstance(function.brian, Missing):
            function.brian()
        if function.needs_definition:
            return ast.Call(ast.Name(function.brian_name), arguments, [])
        trees = dict(zip(function.arguments, arguments, strict=True))
        return _Substitute(trees).visit(self._template(function, node))

    def _template(self, function: Function, node: ast.Call) -> ast.expr:
        """The text that stands for a function; the numbers in it have the unit of the arguments."""
        tree = read(function.brian)
        try:
            dimension = dimension_of(node.args[-1], self.units, "") if function.units == "same" else NONE
        except UnitError:  # a variable that is not the model's
            dimension = NONE
        return tree if dimension == NONE else _WithUnit(read(unit_text(dimension))).visit(tree)


class _WithUnit(ast.NodeTransformer):
    """Multiply numbers, and infinity, by a unit."""

    def __init__(self, unit: ast.expr) -> None:
        self.unit = unit

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.BinOp(node, ast.Mult(), self.unit)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.BinOp(node, ast.Mult(), self.unit) if node.id == "inf" else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], node.keywords)
