"""Physical dimensions of expressions, checked as Brian2 would, without Brian2.

A dimension is the exponents of (metre, kilogram, second, ampere), as in `organics_neuro.core.units.UNITS`. Numbers have
none; sums, comparisons and the arguments of ``minimum`` and its like need equal ones; powers of what has a dimension
need a number as exponent.
"""

import ast
from collections.abc import Iterable, Mapping

from organics_neuro.core.errors import UnitError
from organics_neuro.core.expressions.functions import FUNCTIONS, Function
from organics_neuro.core.expressions.parse import constant
from organics_neuro.core.expressions.reading import read, shorten
from organics_neuro.core.units import UNITS

Dimension = tuple[float, ...]
NONE: Dimension = (0, 0, 0, 0)
_BASE = ("metre", "kilogram", "second", "amp")
_NAMES = {dimension: name for name, dimension in reversed(UNITS.items())}
_SIGNS = {ast.Add: "+", ast.Sub: "-"}


def dimension(text: str, units: Mapping[str, str]) -> Dimension:
    """The dimension of an expression.

    Parameters
    ----------
    text : str
    units : dict of str
        Name of the unit of each variable, see `UNITS`.

    Raises
    ------
    UnitError
        If parts of the expression do not fit together, or a variable is not in ``units``.
    """
    return dimension_of(read(text), units, text)


def check_dimensions(what: str, text: str, units: Mapping[str, str], unit: str, per_second: bool = False) -> None:
    """Raise `UnitError` unless an expression has the dimension of ``unit``, or of ``unit`` per second.

    Parameters
    ----------
    what : str
        What the expression is, for the message: "dy/dt".
    text : str
    units : dict of str
        Name of the unit of each variable.
    unit : str
    per_second : bool
        Whether it is a rate of change.
    """
    try:
        found = dimension(text, units)
    except UnitError as error:
        raise UnitError(f"{what} = {text}: {error}") from None
    wanted = (*UNITS[unit][:2], UNITS[unit][2] - per_second, UNITS[unit][3])
    if found != wanted:
        remedy = "; divide it by a time constant" if per_second and found == UNITS[unit] else ""
        raise UnitError(f"{what} = {text} has the unit {describe(found)}, but must have {describe(wanted)}{remedy}")


def check_equations(
    lines: Iterable[tuple[str, str, str, str]],
    others: Iterable[tuple[str, str, str]] = (),
    external: Iterable[str] = (),
) -> None:
    """Raise `UnitError` unless the units of a declaration fit together, as Brian2 would at the first run.

    Parameters
    ----------
    lines : tuples of str
        Each line of the equations: its kind ("state", "alias" or "plain"), name, expression and unit.
    others : tuples of str
        More expressions: what each is (for the message), its text, and the unit that it must have.
    external : sequence of str
        Names without a line, which have no unit.
    """
    lines = list(lines)
    units = {**dict.fromkeys(external, "1"), **{name: unit for _, name, _, unit in lines}}
    for kind, name, text, unit in lines:
        if kind != "plain":
            check_dimensions(f"d{name}/dt" if kind == "state" else name, text, units, unit, kind == "state")
    for what, text, unit in others:
        check_dimensions(what, text, units, unit)


def describe(value: Dimension) -> str:
    """A dimension in words: "volt", "1/second", "metre**2"."""
    return "1 (none)" if value == NONE else unit_text(value)


def unit_text(value: Dimension) -> str:
    """A dimension as an expression of Brian2's units."""
    if value in _NAMES:
        return _NAMES[value]
    powers = zip(_BASE, value, strict=True)
    return "*".join(name if power == 1 else f"{name}**{power:g}" for name, power in powers if power)


def dimension_of(node: ast.expr, units: Mapping[str, str], text: str) -> Dimension:
    """The dimension of a syntax tree; ``text`` is the whole expression, for messages."""
    if isinstance(node, ast.Name):
        if node.id != "pi" and node.id not in units:
            raise UnitError(f"the variable {node.id!r} is not declared")
        return NONE if node.id == "pi" else tuple(UNITS[units[node.id]])
    if isinstance(node, (ast.Compare, ast.BoolOp)):
        return _condition(node, units, text)
    if isinstance(node, ast.UnaryOp):
        return dimension_of(node.operand, units, text)
    if isinstance(node, ast.BinOp):
        return _operation(node, units, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        function = FUNCTIONS.get(node.func.id)
        if function is None:
            raise UnitError(f"unknown function {node.func.id!r}")
        return _RULES[function.units](function, node.args, [dimension_of(a, units, text) for a in node.args])
    return NONE  # a number


def _operation(node: ast.BinOp, units: Mapping[str, str], text: str) -> Dimension:
    left, right = dimension_of(node.left, units, text), dimension_of(node.right, units, text)
    if isinstance(node.op, ast.Mult):
        return tuple(a + b for a, b in zip(left, right, strict=True))
    if isinstance(node.op, ast.Div):
        return tuple(a - b for a, b in zip(left, right, strict=True))
    if isinstance(node.op, ast.Pow):
        return _power(node, left, right)
    _equal(node.left, left, node.right, right, f"{_SIGNS.get(type(node.op), 'and')}")
    return left


def _power(node: ast.BinOp, left: Dimension, right: Dimension) -> Dimension:
    if right != NONE:
        raise UnitError(
            f"the exponent {_text(node.right)} has the unit {describe(right)}; an exponent is a plain number"
        )
    if left == NONE:
        return NONE
    try:
        exponent = constant(node.right)
    except ValueError as error:
        raise UnitError(str(error)) from None
    if exponent is None:
        raise UnitError(f"{_text(node)} raises the unit {describe(left)} to a power that is not a number")
    return tuple(round(a * float(exponent), 12) for a in left)


def _condition(node: ast.Compare | ast.BoolOp, units: Mapping[str, str], text: str) -> Dimension:
    values = node.values if isinstance(node, ast.BoolOp) else [node.left, *node.comparators]
    found = [dimension_of(value, units, text) for value in values]
    if isinstance(node, ast.Compare):
        for k in range(len(values) - 1):
            _equal(values[k], found[k], values[k + 1], found[k + 1], "is compared with")
    return NONE


def _equal(a: ast.expr, first: Dimension, b: ast.expr, second: Dimension, relation: str) -> None:
    if first != second:
        raise UnitError(
            f"units do not fit together in '{ast.unparse(a)} {relation} {ast.unparse(b)}': "
            f"{_text(a)} has the unit {describe(first)}, {_text(b)} has {describe(second)}"
        )


def _text(node: ast.expr) -> str:
    return shorten(ast.unparse(node))


# --- functions, by their rule ---------------------------------------------------------------------------------------


def _none(function: Function, nodes: list, found: list) -> Dimension:
    for node, value in zip(nodes, found, strict=True):
        if value != NONE:
            raise UnitError(f"{function.name} takes plain numbers, but {_text(node)} has the unit {describe(value)}")
    return NONE


def _same(function: Function, nodes: list, found: list) -> Dimension:
    for node, value in zip(nodes[1:], found[1:], strict=True):
        _equal(nodes[0], found[0], node, value, f"and (in {function.name})")
    return found[0]


def _choice(function: Function, nodes: list, found: list) -> Dimension:
    return _same(function, nodes[1:], found[1:])


def _root(_function: Function, _nodes: list, found: list) -> Dimension:
    return tuple(a / 2 for a in found[0])


_RULES = {"none": _none, "same": _same, "root": _root, "choice": _choice, "sign": lambda *_: NONE}
