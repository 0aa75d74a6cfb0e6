"""The functions that expressions may call: each is one object that every engine reads.

A `Function` holds what the function means to SymPy (and so its derivative), to NumPy, to Brian2 and to torch. The
functions that come with the package are in `organics_neuro.core.expressions.builtin`; `register_function` adds one
of the user's own.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp


@dataclass(frozen=True)
class Code:
    """A function that Brian2's own language cannot say, as code for each target; the NumPy target takes the function's own.

    Parameters
    ----------
    cpp : str
        C++ in which ``QUALIFIERS`` stands for what a function needs on a GPU. The function is called `brian_name`.
    cython : str
    """

    cpp: str
    cython: str


@dataclass(frozen=True, eq=False)
class Function:
    """A function of an expression, in the terms of every engine.

    Parameters
    ----------
    name : str
    arguments : tuple of str
    numpy : callable
        Of arrays.
    derivatives : tuple of str or callable
        By each argument: an expression of the arguments, or a callable of SymPy expressions that returns one.
    brian : str, Code or brian2.Function, optional
        An expression of the arguments in Brian2's own functions; None where Brian2 has the function itself.
    torch : str or callable, optional
        Of tensors; a name inside torch as text.
    symbolic : callable, optional
        The SymPy form, where SymPy knows the function. Otherwise it is opaque: nothing but its derivative is known.
    units : {"none", "same", "root", "sign", "choice"}
        "none": arguments and value are plain numbers. "same": all have one unit. "root": the value has the root of the
        argument's unit. "sign": of any unit, a plain number. "choice": a condition, and two values of one unit.
    """

    name: str
    arguments: tuple[str, ...]
    numpy: Callable[..., Any]
    derivatives: tuple[str | Callable[..., Any], ...] = ()
    brian: Any = None
    torch: str | Callable[..., Any] | None = None
    symbolic: Callable[..., Any] | None = None
    units: str = "none"

    @property
    def brian_name(self) -> str:
        """What a function that is not an expression of others is called in Brian2."""
        return f"organics_{self.name}"

    @property
    def needs_definition(self) -> bool:
        """Whether Brian2 has to be told of the function, as `brian_name`."""
        return self.brian is not None and not isinstance(self.brian, str)

    def __call__(self, *values: sp.Expr) -> sp.Expr:
        """The function of SymPy expressions."""
        return self.symbolic(*values)


class Opaque(sp.Function):
    """A function of which SymPy knows nothing but the derivatives; a subclass belongs to each `Function`."""

    is_real = True
    definition: Function

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        slope = self.definition.derivatives[argindex - 1]
        if not isinstance(slope, str):
            return sp.sympify(slope(*self.args))
        from organics_neuro.core.expressions.parse import parse, symbol  # which reads the functions of this module

        return parse(slope).xreplace(dict(zip(map(symbol, self.definition.arguments), self.args, strict=True)))


def opaque(function: Function, base: type = Opaque) -> Function:
    """``function`` with a SymPy form of its own."""
    form = type(function.name, (base,), {"nargs": len(function.arguments), "definition": function})
    object.__setattr__(function, "symbolic", form)
    return function


class Registry(Mapping[str, Function]):
    """Functions by name."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}

    def __getitem__(self, name: str) -> Function:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def add(self, function: Function) -> Function:
        """Register a function, opaque to SymPy unless it has a form."""
        self._functions[function.name] = function if function.symbolic else opaque(function)
        return function

    def remove(self, name: str) -> None:
        del self._functions[name]


#: The functions that an expression may call, by name.
FUNCTIONS = Registry()


def register_function(
    name: str,
    numpy: Callable[..., Any],
    derivative: str | Callable[..., Any] | Sequence[str | Callable[..., Any]],
    brian: Any = None,
    torch: Callable[..., Any] | None = None,
) -> None:
    """Add a function of your own to those that equations, couplings and outputs may call.

    It works wherever a declaration is read: theory takes the derivative, Brian2 the text, a torch layer the torch form.

    Parameters
    ----------
    name : str
        What it is called in expressions.
    numpy : callable
        Of arrays, elementwise. The names of its parameters are those of ``derivative`` and ``brian``.
    derivative : str, callable or sequence of these
        An expression of the arguments, or a callable that takes SymPy expressions and returns one; a sequence with one
        for each argument where there are several.
    brian : str or brian2.Function, optional
        An expression of the arguments that Brian2 understands, or a `brian2.Function` with implementations for the
        targets it is to run on. Without it, circuits that call the function cannot run in Brian2.
    torch : callable, optional
        Of tensors. Without it, circuits that call the function cannot be trained.

    Raises
    ------
    ValueError
        For a name that is taken, or that an engine reserves; for text that cannot be read.

    Examples
    --------
    >>> import organics_neuro as on
    >>> on.register_function("softsign", numpy=lambda x: x/(1 + abs(x)), derivative="1/(1 + abs(x))**2",
    ...                      brian="x/(1 + abs(x))", torch=lambda x: x/(1 + x.abs()))
    >>> model = on.CircuitModel("m", "dx/dt = (-x + softsign(2*x))/tau_x : 1\\ntau_x : second",
    ...                         parameters={"tau_x": 0.01})
    """
    arguments = _arguments(name, numpy)
    slopes = tuple(derivative) if isinstance(derivative, (list, tuple)) else (derivative,)
    if len(slopes) != len(arguments):
        raise ValueError(
            f"function {name!r} has the arguments {', '.join(arguments)}, but derivative has {len(slopes)} entries; give one for each"
        )
    function = Function(name, arguments, numpy, slopes, _brian(name, brian), torch or Missing(name, "torch"))
    known = FUNCTIONS.get(name)
    if known is not None and _source(known) == _source(function):
        return  # a cell of a notebook that runs once more
    _check_name(name, known)
    FUNCTIONS.add(function)  # first: its derivative may call it
    try:
        _check_texts(function)
    except Exception:
        FUNCTIONS.remove(name)
        raise


def _arguments(name: str, numpy: Callable[..., Any]) -> tuple[str, ...]:
    if not callable(numpy):
        raise TypeError(f"function {name!r}: numpy must be a function of arrays, got {type(numpy).__name__}")
    try:
        parameters = inspect.signature(numpy).parameters.values()
    except (TypeError, ValueError):
        return ("x",) * getattr(numpy, "nin", 1) if getattr(numpy, "nin", 1) == 1 else tuple("xyz"[: numpy.nin])
    return tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))


def _brian(name: str, brian: Any) -> Any:
    if brian is not None and not isinstance(brian, str) and not hasattr(brian, "implementations"):
        raise TypeError(f"function {name!r}: brian must be text or a brian2.Function, got {type(brian).__name__}")
    return Missing(name, "brian") if brian is None else brian


class Missing:
    """Stands where a form of a function was not given: an error when an engine asks for it."""

    def __init__(self, name: str, argument: str) -> None:
        self.name, self.argument = name, argument

    def __call__(self, *_values: Any) -> Any:
        raise ValueError(
            f"the function {self.name!r} has no form for {self.argument}; register it with {self.argument}=..."
        )


def _source(function: Function) -> tuple:
    """What makes two functions the same, as far as Python can tell."""

    def text(part: Any) -> Any:
        code = getattr(part, "__code__", None)
        return (
            (code.co_code, code.co_consts, code.co_names)
            if code is not None
            else part
            if isinstance(part, str)
            else type(part)
        )

    parts = (function.numpy, *function.derivatives, function.brian, function.torch)
    return (function.arguments, *map(text, parts))


def _check_name(name: str, known: Function | None) -> None:
    from organics_neuro.core.expressions.reserved import reserved

    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(f"the function name {name!r} must be an identifier of ASCII letters, digits and underscores")
    if known is not None:
        raise ValueError(f"the function {name!r} is defined already; choose another name")
    if reason := reserved(name):
        raise ValueError(f"{name!r} cannot name a function: it is {reason}; choose another name")


def _check_texts(function: Function) -> None:
    from organics_neuro.core.expressions.parse import parse
    from organics_neuro.core.expressions.reading import check_syntax, names

    for argument, slope in zip(function.arguments, function.derivatives, strict=True):
        if isinstance(slope, str):
            parse(slope)
            unknown = sorted(names(slope).difference(function.arguments, {"pi"}))
            if unknown:
                raise ValueError(
                    f"function {function.name!r}: the derivative by {argument!r} reads {unknown[0]!r}, which is not an argument"
                )
        elif not callable(slope):
            raise TypeError(
                f"function {function.name!r}: the derivative by {argument!r} must be text or callable, got {slope!r}"
            )
    if isinstance(function.brian, str):
        check_syntax(function.brian)
