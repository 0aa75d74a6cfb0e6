"""What drives a state, besides its leak: what a field potential sums up."""

import ast
from typing import Any

from organics_neuro.core.boundary import known_name


def drives(model: Any, state: str) -> str:
    """The sum of the terms that drive a state, without its leak, each as an absolute value; an expression of the model."""
    known_name("state", state, model.states)
    text = next(line.expression for line in model.lines if line.name == state)
    slope = ast.parse(text, mode="eval").body
    whole = slope.left if isinstance(slope, ast.BinOp) and isinstance(slope.op, ast.Div) else slope
    terms = [ast.unparse(term) for term in _terms(whole)]
    drives = [term for term in terms if term != f"-{state}"]
    if len(drives) == len(terms) or not drives:
        raise ValueError(
            f"the drives of {state!r} are not known, as its equation is not (-{state} + ...)/tau; give source, an expression"
        )
    return " + ".join(f"abs({term})" for term in drives)


def _terms(sum_: ast.expr) -> list[ast.expr]:
    """The terms of a sum, without their signs but for the first."""
    if isinstance(sum_, ast.BinOp) and isinstance(sum_.op, (ast.Add, ast.Sub)):
        return [*_terms(sum_.left), sum_.right]
    return [sum_]
