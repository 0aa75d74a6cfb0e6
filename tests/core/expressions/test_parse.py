"""Expressions: what the text means, what is refused, and how it is rewritten for Brian2."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from organics_neuro.core import expressions

X = np.array([-2.0, -0.5, 0.0, 0.3, 4.0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*x - 1", 2 * X - 1),
        ("-x**2", -(X**2)),
        ("(x + 1)/3", (X + 1) / 3),
        ("relu(x)", np.maximum(X, 0)),
        ("sigmoid(x)", 1 / (1 + np.exp(-X))),
        ("sqrt(x**2)", np.abs(X)),
        ("abs(x)", np.abs(X)),
        ("exp(x) + log(x + 3)", np.exp(X) + np.log(X + 3)),
        ("tanh(x) + sin(x)*cos(x)", np.tanh(X) + np.sin(X) * np.cos(X)),
        ("1e-3*x", 1e-3 * X),
        ("exp(1)*x + log(2)", np.e * X + np.log(2)),
    ],
)
def test_value_is_that_of_the_text(text, expected):
    function = expressions.compile_function(["x"], [expressions.parse(text)])
    np.testing.assert_allclose(function(X)[0], expected, rtol=1e-14)


@pytest.mark.parametrize(
    "text", ["relu(x)", "sigmoid(3*x)", "sqrt(relu(x) + 1)", "abs(x)", "tanh(x)**2", "relu(x)**2.2"]
)
def test_derivative_agrees_with_finite_differences(text):
    slope = sp.diff(expressions.parse(text), expressions.symbol("x"))
    function = expressions.compile_function(["x"], [expressions.parse(text), slope])
    x, h = np.array([-1.3, -0.2, 0.4, 2.0]), 1e-6
    finite = (np.array(function(x + h)[0]) - function(x - h)[0]) / (2 * h)
    np.testing.assert_allclose(np.broadcast_to(function(x)[1], x.shape), finite, rtol=1e-7, atol=1e-9)


def test_slope_of_rectification_at_zero_is_zero():
    slope = sp.diff(expressions.parse("relu(x)"), expressions.symbol("x"))
    assert expressions.compile_function(["x"], [slope])(np.array([0.0]))[0] == 0


def test_sigmoid_does_not_overflow():
    function = expressions.compile_function(["x"], [expressions.parse("sigmoid(x)")])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(function(np.array([-1000.0, 1000.0]))[0], [0, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x +", "not valid syntax"),
        ("__import__('os').system('true')", "only names, numbers"),
        ("x.real", "only names, numbers"),
        ("x[0]", "only names, numbers"),
        ("[x for x in y]", "only names, numbers"),
        ("lambda: x", "only names, numbers"),
        ("x if y else z", "only names, numbers"),
        ("True", "only names, numbers"),
        ("'text'", "only names, numbers"),
        ("eval(x)", "unknown function 'eval'.*known: .*relu"),
        ("exp(x, y)", r"exp takes 1 argument\(s\), exp\(x\), got 'exp\(x, y\)'"),
        ("x*9**9**9", r"'9 \*\* 9 \*\* 9' in the expression .* is too large a number"),
        ("x*(9/7)**-9999", "too large a number"),
    ],
)
def test_only_arithmetic_is_read(text, message):
    with pytest.raises(ValueError, match=message):
        expressions.parse(text)


def test_syntax_of_any_text_over_several_lines():
    expressions.check_syntax("stimulus(t, i) +  # one call\n  rand()")
    with pytest.raises(ValueError, match=r"cannot read the expression 'sin\('"):
        expressions.check_syntax("sin(")


def test_names_are_variables_and_not_functions():
    assert expressions.names("a*relu(b + exp(c))") == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("name", "expected"), [("tau_y", True), ("relu", False), ("_x", False), ("2x", False), ("a b", False)]
)
def test_is_name(name, expected):
    assert expressions.is_name(name) is expected


@pytest.mark.parametrize(
    "text", ["relu(x - 1)*2", "sigmoid(x)/(1 + relu(-x))", "relu(sigmoid(x) - 0.5)", "x**2 - exp(x)"]
)
def test_brian_text_has_the_same_value(text):
    functions = {"clip": np.clip, "exp": np.exp, "inf": np.inf}
    value = eval(expressions.to_brian(text), functions, {"x": X})  # noqa: S307  text of this test
    function = expressions.compile_function(["x"], [expressions.parse(text)])
    np.testing.assert_allclose(value, function(X)[0], rtol=1e-14)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_substitution_is_composition(x, y):
    text = expressions.substitute("2*u - relu(u)*v", {"u": "x - y", "v": "x*y"})
    u = x - y
    value = expressions.compile_function(["x", "y"], [expressions.parse(text)])(x, y)[0]
    assert value == pytest.approx(2 * u - max(u, 0) * x * y, abs=1e-12)


@pytest.mark.parametrize("text", ["(-7)**y", "(0 - 7)**relu(y)", "(-2)**(y + z)"])
def test_a_power_of_a_negative_number_is_refused_unless_its_exponent_is_a_number(text):
    """Its slope would be a complex number."""
    with pytest.raises(
        ValueError, match=r"cannot use '.*\*\*.*' in the .*: a power of a negative number needs a number"
    ):
        expressions.parse(text)
    assert expressions.parse("(-2)**3") == -8


@pytest.mark.parametrize(
    "text", ["abs(exp((y*z)**0.5))", "abs((y*z)**1.5)", "abs(sqrt(y)*z)", "abs(-y)", "abs(log(y))"]
)
def test_absolute_values_are_those_of_real_numbers(text):
    """SymPy's own takes its argument apart into real and imaginary part, which arrays do not have."""
    value = expressions.compile_function(["y", "z"], [expressions.parse(text)])
    y, z = np.array([0.5, 2.0, -1.0]), np.array([0.3, 4.0, 2.0])
    with np.errstate(invalid="ignore"):
        expected = eval(text, {"abs": np.abs, "exp": np.exp, "sqrt": np.sqrt, "log": np.log, "y": y, "z": z})
    np.testing.assert_allclose(value(y, z)[0], expected, rtol=1e-14)
    slope = expressions.compile_function(["y", "z"], [expressions.parse(text).diff(expressions.symbol("y"))])
    up, down = (value(y + h, z)[0] for h in (1e-6, -1e-6))
    np.testing.assert_allclose(slope(y, z)[0], (up - down) / 2e-6, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("text", ["0**y", "z/0**y", "(2 - 2)**(y + 1)"])
def test_a_power_of_0_is_refused_unless_its_exponent_is_a_number(text):
    """SymPy made z*zoo**y of it, which is NaN."""
    with pytest.raises(ValueError, match=r"cannot use '.*\*\*.*' in the expression .*: a power of 0 needs a number"):
        expressions.parse(text)
