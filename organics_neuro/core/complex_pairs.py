"""A complex state and complex weights as pairs of real ones, which every engine has.

`complex_pair` splits an equation into real and imaginary part and makes the four couplings of a complex product, which
share the two parts of the weights. Values may be given as complex arrays under the name of the pair (see
`organics_neuro.core.pairs`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from organics_neuro.core.expressions.reading import names as names_in
from organics_neuro.core.expressions.reading import read, shorten
from organics_neuro.core.model import Coupling
from organics_neuro.core.pairs import PARTS
from organics_neuro.core.terms import Term

#: The largest power of a complex expression that is written out.
_POWER = 4


def complex_pair(
    state: str,
    equation: str,
    *,
    weights: str | None = None,
    target: str | None = None,
    source: str | None = None,
    inputs: Sequence[str] = (),
    initial: str | None = None,
    unit: str = "1",
) -> Term:
    """A complex state as two real ones, as a part of a model (see `organics_neuro.combine`).

    The time constant of both is ``tau_y`` for "y", if the equation reads it.

    Parameters
    ----------
    state : str
        Name of the pair: the states are called ``y_re`` and ``y_im`` for "y".
    equation : str
        The right-hand side of d(state)/dt in complex quantities: the state, ``target`` and ``inputs``. All other
        names are real variables, which the other parts of the model declare. Sums, products, quotients, integer powers,
        ``abs``, ``real``, ``imag`` and ``conj`` of complex quantities are split; other functions take real ones.
    weights, target : str, optional
        Complex weights ``W_r`` = ``W_r_re`` + i ``W_r_im`` and the variable that they write.
    source : str, optional
        What the weights are applied to; the state by default.
    inputs : sequence of str
        Complex inputs.
    initial : str, optional
        Where the state starts, as a (complex) expression of inputs and parameters.
    unit : str
        Of the state, the target and the inputs.

    Returns
    -------
    Term
        With the output ``modulus_y``.

    Raises
    ------
    ValueError
        For an expression that cannot be split.

    Examples
    --------
    A gated circuit that holds what it was shown (Heeger & Mackey 2019)::

        pair = on.complex_pair("y", "(-y + b/(1 + b)*z + recurrent/(1 + a))/tau_y", weights="W_r",
                               target="recurrent", inputs=["z"])
        gates = on.Term("a : 1\\nb : 1\\ntau_y : second", parameters={"a": 0, "b": 0, "tau_y": 0.01})
        memory = on.combine("working_memory", pair, gates)
        circuit = on.Circuit(memory, weights={"W_r": complex_matrix})
        states = on.simulate(circuit, {"z": complex_array}, duration=1)
        y = on.join_complex(states)["y"]
    """
    if (weights is None) != (target is None):
        raise ValueError(f"complex pair {state!r}: give both weights and target, or none of them")
    names = [state, *inputs, *([target] if target else [])]
    declared = [name for name in names if name != state]
    real, imaginary = split(equation, names)
    lines = [f"d{state}{part}/dt = {text} : {unit}" for part, text in zip(PARTS, (real, imaginary), strict=True)]
    lines += [f"{name}{part} : {unit}" for name in declared for part in PARTS]
    parts, tau = (f"{state}_re", f"{state}_im"), f"tau_{state}"
    starts = {} if initial is None else dict(zip(parts, split(initial, names), strict=True))
    return Term(
        equations="\n".join(lines),
        couplings=() if weights is None else _couplings(weights, target, source or state, names),
        initial=starts,
        time_constants=dict.fromkeys(parts, tau) if tau in names_in(equation) else {},
        outputs={f"modulus_{state}": f"sqrt({state}_re**2 + {state}_im**2)"},
    )


def _couplings(weights: str, target: str, source: str, names: Collection[str]) -> tuple[Coupling, ...]:
    """(W_re + i W_im)(s_re + i s_im), part by part."""
    real, imaginary = split(source, names)
    return (
        Coupling(f"{target}_re", f"{weights}_re", real),
        Coupling(f"{target}_re", f"{weights}_im", f"-({imaginary})"),
        Coupling(f"{target}_im", f"{weights}_re", imaginary),
        Coupling(f"{target}_im", f"{weights}_im", real),
    )


# --- expressions --------------------------------------------------------------------------------------------------------


def split(text: str, names: Collection[str]) -> tuple[str, str]:
    """Real and imaginary part of an expression in which ``names`` are complex."""
    real, imaginary = _Split(text, names).parts(read(text))
    return ast.unparse(real), "0" if imaginary is None else ast.unparse(imaginary)


class _Split:
    """Syntax trees as pairs of real ones; None for an imaginary part that there is not."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text, self.names = text, names

    def parts(self, node: ast.expr) -> tuple[ast.expr, ast.expr | None]:
        if isinstance(node, ast.Name) and node.id in self.names:
            return ast.Name(f"{node.id}_re"), ast.Name(f"{node.id}_im")
        if isinstance(node, ast.UnaryOp):
            real, imaginary = self.parts(node.operand)
            return ast.UnaryOp(node.op, real), imaginary and ast.UnaryOp(node.op, imaginary)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        return node, None

    def _operation(self, node: ast.BinOp):
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        left, right = self.parts(node.left), self.parts(node.right)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return ast.BinOp(left[0], node.op, right[0]), _sum(left[1], node.op, right[1])
        if isinstance(node.op, ast.Mult):
            return _product(left, right)
        if right[1] is None:
            return ast.BinOp(left[0], node.op, right[0]), left[1] and ast.BinOp(left[1], node.op, right[0])
        above = _product(left, (right[0], ast.UnaryOp(ast.USub(), right[1])))
        below = _sum(_square(right[0]), ast.Add(), _square(right[1]))
        return ast.BinOp(above[0], ast.Div(), below), ast.BinOp(above[1], ast.Div(), below)

    def _power(self, node: ast.BinOp):
        base = self.parts(node.left)
        if base[1] is None and self.parts(node.right)[1] is None:
            return node, None
        exponent = getattr(node.right, "value", None)
        if exponent not in range(1, _POWER + 1):
            raise self._refused(node, f"a complex quantity has integer powers from 1 to {_POWER}")
        result = base
        for _ in range(exponent - 1):
            result = _product(result, base)
        return result

    def _call(self, node: ast.Call):
        name, arguments = ast.unparse(node.func), [self.parts(argument) for argument in node.args]
        if len(arguments) == 1 and name in ("real", "imag", "conj"):
            real, imaginary = arguments[0]
            none = ast.Constant(0)
            return {
                "real": (real, None),
                "imag": (none if imaginary is None else imaginary, None),
                "conj": (real, imaginary and ast.UnaryOp(ast.USub(), imaginary)),
            }[name]
        if all(imaginary is None for _, imaginary in arguments):
            return ast.Call(node.func, [real for real, _ in arguments], []), None
        if name != "abs":
            raise self._refused(node, "functions other than abs, real, imag and conj take real quantities")
        real, imaginary = arguments[0]
        squares = _sum(_square(real), ast.Add(), _square(imaginary))
        return ast.Call(ast.Name("sqrt"), [squares], []), None

    def _refused(self, node: ast.expr, why: str) -> ValueError:
        return ValueError(f"cannot split {ast.unparse(node)!r} in the expression {shorten(self.text)}: {why}")


def _square(node: ast.expr) -> ast.expr:
    return ast.BinOp(node, ast.Pow(), ast.Constant(2))


def _sum(left: ast.expr | None, op: ast.operator, right: ast.expr | None) -> ast.expr | None:
    if right is None:
        return left
    if left is None:
        return right if isinstance(op, ast.Add) else ast.UnaryOp(ast.USub(), right)
    return ast.BinOp(left, op, right)


def _times(a: ast.expr | None, b: ast.expr | None) -> ast.expr | None:
    return None if a is None or b is None else ast.BinOp(a, ast.Mult(), b)


def _product(left, right):
    (a, b), (c, d) = left, right
    return _sum(_times(a, c), ast.Sub(), _times(b, d)), _sum(_times(a, d), ast.Add(), _times(b, c))
