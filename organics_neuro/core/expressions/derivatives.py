"""Derivatives of expressions."""

import sympy as sp

from organics_neuro.core.expressions.builtin import SIGN, WHERE
from organics_neuro.core.expressions.parse import symbol


def derivative(expression: sp.Expr, name: str) -> sp.Expr:
    """The derivative of a SymPy expression by the variable ``name``.

    Powers are combined: x**n/x, as SymPy leaves it, would be 0/0 at x = 0. What is multiplied by ``where(c, 1, 0)``
    goes into the branch: the slope of sqrt(relu(a)) is 0 for a < 0, not 0 times infinity.
    """
    slope = sp.diff(expression, symbol(name)).replace(sp.sign, SIGN)
    slope = slope.replace(lambda part: part.is_Mul, _combine)
    return slope.replace(_is_product_with_choice, _into_branch)


def _combine(product: sp.Mul) -> sp.Expr:
    """A product with its powers of one base as one power."""
    powers: dict[sp.Expr, list[sp.Expr]] = {}
    for factor in product.args:
        base, exponent = factor.args if factor.is_Pow else (factor, sp.S.One)
        powers.setdefault(base, []).append(exponent)
    if len(powers) == len(product.args):
        return product
    return sp.Mul(*(base ** sp.Add(*exponents) for base, exponents in powers.items()))


def _is_switch(factor: sp.Expr) -> bool:
    return factor.func is WHERE.symbolic and factor.args[2] == 0


def _is_product_with_choice(expression: sp.Expr) -> bool:
    return expression.is_Mul and any(map(_is_switch, expression.args))


def _into_branch(product: sp.Mul) -> sp.Expr:
    switch = next(filter(_is_switch, product.args))
    condition, value, zero = switch.args
    rest = product.func(*(factor for factor in product.args if factor is not switch))
    rest = _into_branch(rest) if _is_product_with_choice(rest) else rest
    return WHERE(condition, value * rest, zero)
