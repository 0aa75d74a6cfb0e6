"""Declarations of random text: read as Python reads the same text, or refused."""

import ast

import numpy as np

import organics_neuro as on
from organics_neuro.core import expressions
from tests.fuzz.outcomes import WrongError

#: Functions as NumPy has them, written here once more.
_FUNCTIONS = {
    "relu": lambda x: np.maximum(x, 0), "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin,
    "cos": np.cos, "abs": np.abs, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "clip": np.clip,
}  # fmt: skip
_NAMES = ("y", "a", "z", "b")
_NUMBERS = ("0", "1", "2", "3.5", "0.5", "1e-3", "7", "1e3")
_HOSTILE = (
    "1e400", "9" * 400, "10**400", "4**(99999999999/2)", "1/0", "0/0", "y/(y - y)", "sqrt(-1)", "(-2)**0.5", "+".join("y" * 3000),
    "-" * 20_000 + "y", "(" * 2000 + "y" + ")" * 2000, "y.real", "__import__('os')", "lambda: y", "y[0]", "y if a else z", "é", "y_",
    "int", "volt", "exp(y, a)", "where(y, 1, 2)", "y > 1", "f(y)", "1j*y", "'y'", "y = a", "y := 1", "{y}", "*y", "y\0", "None",
    "y**y**y**y", "exp(exp(exp(exp(y))))", "log(log(log(-y)))", "9**9**9", "exp(log(9)*99999999999)", "y#z", "y;a", "\ny", "0x1p3*y",
    "1_000*y", "y//2", "y%2", "y@a", "~y", "not y", "y and a", "rand()", "t", "dt", "i", "xi", "pi*y", "E", "I", "N", "oo", "zoo",
)  # fmt: skip


def _expression(random, depth):
    if depth == 0 or random.random() < 0.2:
        return random.choice(_NAMES if random.random() < 0.6 else _NUMBERS)
    kind, inner = random.randrange(8), lambda: _expression(random, depth - 1)
    if kind < 4:
        return f"({inner()} {random.choice('+-*/')} {inner()})"
    if kind == 4:
        return f"{inner()}**{random.choice(['2', '3', '0.5', '1.5', inner()])}"
    if kind == 5:
        return f"-{inner()}"
    if kind == 6:
        return f"clip({inner()}, -1, {inner()})"
    return f"{random.choice(list(_FUNCTIONS)[:-1])}({inner()})"


def _harmed(random, text):
    """The text with a few changes that somebody could have typed, or a file could have suffered."""
    for _ in range(random.randint(1, 3)):
        at, kind = random.randrange(len(text) + 1), random.randrange(4)
        if kind == 0:
            text = text[:at] + text[at + random.randint(1, 4) :]
        elif kind == 1:
            text = text[:at] + random.choice(_HOSTILE) + text[at:]
        elif kind == 2:
            character = chr(random.choice([0, 9, 10, 32, 39, 40, 41, 42, 58, 95, 955, 0x1F600]))
            text = text[:at] + character + text[at:]
        else:
            text = text[:at] + text[at:] * random.randint(1, 3)
    return text


class _Floats(ast.NodeTransformer):
    """Integers as floats: those of Python have no end, those of NumPy no negative powers."""

    def visit_Constant(self, node):
        return ast.Constant(float(node.value))


def _in_floats(text):
    return compile(ast.fix_missing_locations(_Floats().visit(ast.parse(text, mode="eval"))), "<expression>", "eval")


def _evaluate(random):
    """An expression, and the same text evaluated by Python."""
    text = _expression(random, random.randint(1, 4))
    function = expressions.compile_function(_NAMES, [expressions.parse(text)])
    values = {name: np.array([random.uniform(-2, 2) for _ in range(4)]) for name in _NAMES}
    with np.errstate(all="ignore"):
        found = np.broadcast_to(function(*values.values())[0], 4)
        expected = np.broadcast_to(eval(_in_floats(text), {"__builtins__": {}, **_FUNCTIONS}, values), 4)  # noqa: S307  of this file
    usual = np.isfinite(expected) & (np.abs(expected) < 1e8)
    scale = np.maximum(1, np.abs(expected))
    if not np.all(np.abs(found - expected)[usual] <= 1e-6 * scale[usual]):
        raise WrongError(f"{text} is {found} at {values}, not {expected}")


def _declare(random):
    """A whole declaration, harmed somewhere."""
    equations = f"dy/dt = (-y + {_expression(random, 2)})/tau_y : 1\nda/dt = ({_expression(random, 2)} - a)/tau_a : 1\n"
    equations += "z : 1\nb : 1\ntau_y : second\ntau_a : second\n"
    source = _expression(random, 2)
    if random.random() < 0.7:
        equations = _harmed(random, equations)
    if random.random() < 0.4:
        source = _harmed(random, source)
    more = {} if random.random() < 0.7 else {random.choice(["initial", "outputs"]): {"y": _harmed(random, "z*b")}}
    if random.random() < 0.2:
        field = random.choice(["name", "equations", "couplings", "parameters", "external", "closed_form", "citation"])
        more[field] = random.choice([None, 3, [1], {"y": None}, "y", b"y", 1e400, ["y", 3], {3: "y"}, np.ones(3)])
    declared = {
        "name": "drawn", "equations": equations, "couplings": [on.Coupling("b", "W", source)],
        "parameters": {"tau_y": 1e-3, "tau_a": 2e-3}, **more,
    }  # fmt: skip
    model = on.CircuitModel(**declared)
    circuit = on.Circuit(model, {"W": np.eye(2)})
    again = on.CircuitModel.from_dict(model.to_dict())
    if again.key != model.key or on.Circuit(again, {"W": np.eye(2)}).key != circuit.key:
        raise WrongError(f"{model} is another one when it was written and read")
    trace = on.simulate(circuit, None, 2e-3, on.engines.Reference(dt=1e-4, progress=False))
    if not all(np.isfinite(value).all() for value in trace.values()):
        raise WrongError(f"{equations!r} with {source!r} gives NaN in silence")


def attempt(random):
    random.choice([_evaluate, _declare])(random)
