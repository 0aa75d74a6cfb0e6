"""Expressions in Brian2 syntax: read once, for every engine.

`reading` reads text within a budget, `parse` makes it a SymPy expression, `functions` and `builtin` hold the functions
that it may call, `derivatives` its slopes, `compilation` makes it a function of arrays, `printers` text for Brian2,
`dimensions` checks its units, and `reserved` knows which names no variable may have.
"""

from organics_neuro.core.expressions.compilation import NUMPY, Backend, as_in_arrays, compile_function
from organics_neuro.core.expressions.derivatives import derivative
from organics_neuro.core.expressions.dimensions import check_dimensions, check_equations, dimension
from organics_neuro.core.expressions.functions import FUNCTIONS, Code, Function, register_function
from organics_neuro.core.expressions.parse import expand, parse, symbol
from organics_neuro.core.expressions.printers import replaced, substitute, to_brian
from organics_neuro.core.expressions.reading import called, check_syntax, names
from organics_neuro.core.expressions.reserved import is_name, is_part_name, reserved, why_not

__all__ = [
    "FUNCTIONS",
    "NUMPY",
    "Backend",
    "Code",
    "Function",
    "called",
    "check_dimensions",
    "check_equations",
    "check_syntax",
    "as_in_arrays",
    "compile_function",
    "derivative",
    "dimension",
    "expand",
    "is_name",
    "is_part_name",
    "names",
    "parse",
    "register_function",
    "replaced",
    "reserved",
    "substitute",
    "symbol",
    "to_brian",
    "why_not",
]
