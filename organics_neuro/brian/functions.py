"""Functions of expressions that Brian2 has to be told of: `erf`, `where`, and those that a user brings as a Brian2 function."""

import brian2 as b2

from organics_neuro.core.expressions import FUNCTIONS, Function
from organics_neuro.core.expressions.builtin import QUOTIENT

#: What a C++ function begins with on each target.
_QUALIFIERS = {"cpp": "static", "cuda": "static __host__ __device__"}

#: Units by the rule of `Function.units`, where arguments may have any.
_UNITS = {
    "choice": {"arg_units": [bool, None, "a"], "return_unit": lambda _condition, a, _b: a},
    "quotient": {"arg_units": [None, None], "return_unit": lambda a, b: a / b},
}


def define_functions() -> None:
    """Make the functions known to Brian2 under their `Function.brian_name`, those that are not yet."""
    for function in (*FUNCTIONS.values(), QUOTIENT):
        if function.needs_definition and hasattr(function.brian, "cpp"):
            b2.DEFAULT_FUNCTIONS.setdefault(function.brian_name, _made(function))
        elif hasattr(function.brian, "implementations"):
            b2.DEFAULT_FUNCTIONS.setdefault(function.brian_name, function.brian)


def _made(function: Function) -> b2.Function:
    name, count = function.brian_name, len(function.arguments)
    units = _UNITS.get(function.units, {"arg_units": [1] * count, "return_unit": 1})
    made = b2.Function(
        function.numpy,
        arg_names=list(function.arguments),
        arg_types=["any"] * count,
        return_type="float",
        **units,
    )
    made.implementations.add_implementation("numpy", code=function.numpy)
    made.implementations.add_implementation("cython", code=function.brian.cython, name=name)
    for target, qualifiers in _QUALIFIERS.items():
        code = function.brian.cpp.replace("QUALIFIERS", qualifiers)
        made.implementations.add_implementation(target, code=code, name=name)
    return made
