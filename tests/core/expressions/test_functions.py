"""Every function: its value, its derivative, and functions that a user registers."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core import expressions
from tests.core.expressions.calls import CALLS, CHOICES, P, X

EVERY = {**CALLS, **CHOICES}


def values(text, x=X, p=P, *slopes):
    """The value of an expression of x and p, and its derivatives by ``slopes``."""
    expression = expressions.parse(text)
    parts = [expression, *(expressions.derivative(expression, name) for name in slopes)]
    return [np.broadcast_to(v, x.shape) for v in expressions.compile_function(["x", "p"], parts)(x, p)]


def test_every_function_is_tested():
    assert CALLS.keys() == {name for name in expressions.FUNCTIONS if not name.startswith("own_")}


@pytest.mark.parametrize("name", EVERY)
def test_value(name):
    text, expected = EVERY[name]
    np.testing.assert_allclose(values(text)[0], expected(X, P), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", EVERY)
def test_derivative_agrees_with_finite_differences(name):
    text, h = EVERY[name][0], 1e-6
    x, p = X + 0.01, P + 0.003  # not where a condition changes
    _, by_x, by_p = values(text, x, p, "x", "p")
    np.testing.assert_allclose(by_x, (values(text, x + h, p)[0] - values(text, x - h, p)[0]) / (2 * h), atol=1e-7)
    np.testing.assert_allclose(by_p, (values(text, x, p + h)[0] - values(text, x, p - h)[0]) / (2 * h), atol=1e-7)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("sqrt(relu(x))", [0, 0, 0.25]),  # 0 times infinity, left of 0
        ("relu(x)**0.3*relu(x)", [0, 0, 1.3 * 4**0.3]),
        ("where(x > 0, log(x), x)", [1, 1, 0.25]),
        ("where(x > 0, 1/x, 0)*2", [0, 0, -2 / 16]),
        ("minimum(x, 0)", [1, 0.5, 0]),
        ("clip(x, 0, 1)", [0, 1, 0]),
        ("relu(x)", [0, 0, 1]),
        ("abs(x)", [-1, 0, 1]),
    ],
)
def test_slopes_where_a_function_bends(text, slope):
    x = np.array([-2.0, 0.0, 4.0])
    np.testing.assert_allclose(values(text, x, x, "x")[1], slope)


def test_extremes_do_not_overflow():
    x = np.array([-1e4, 1e4])
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(values("softplus(x)", x, x)[0], [0, 1e4])
        np.testing.assert_array_equal(values("sigmoid(x)", x, x)[0], [0, 1])


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("(x - p)**1.5", (0.0, 1.0), np.nan),
        ("(x - p)**p", (0.0, 0.5), np.nan),
        ("1/(x - p)", (1.0, 1.0), np.inf),
        ("x**-p", (0.0, 2.0), np.inf),
        ("x**2", (1e160, 0.0), np.inf),
        ("exp(x)", (1e3, 0.0), np.inf),
        ("sqrt(x)", (-1.0, 0.0), np.nan),
        ("x/3 + 0.1", (1.0, 0.0), 1 / 3 + 0.1),  # every digit
    ],
)
def test_numbers_follow_the_arithmetic_of_arrays(text, arguments, expected):
    function = expressions.compile_function(["x", "p"], [expressions.parse(text)])
    number, array = function(*arguments)[0], function(*map(np.atleast_1d, arguments))[0]
    np.testing.assert_array_equal(number, expected)
    np.testing.assert_array_equal(np.atleast_1d(number), array)


# --- functions of the user --------------------------------------------------------------------------------------------


@pytest.fixture
def softsign():
    on.register_function(
        "own_softsign",
        numpy=lambda x, k: x / (1 + np.abs(k * x)),
        derivative=("1/(1 + abs(k*x))**2", lambda x, k: -x * abs(x) / (1 + abs(k * x)) ** 2),
        brian="x/(1 + abs(k*x))",
        torch=lambda x, k: x / (1 + (k * x).abs()),
    )
    return "own_softsign"


def test_a_function_of_the_user(softsign):
    text = f"{softsign}(2*x, p)"
    value, slope = values(text, X, P, "x")
    np.testing.assert_allclose(value, 2 * X / (1 + np.abs(2 * X * P)))
    np.testing.assert_allclose(slope, 2 / (1 + np.abs(2 * X * P)) ** 2)
    assert expressions.to_brian(text) == "2 * x / (1 + abs(p * (2 * x)))"
    assert not expressions.is_name(softsign)


def test_a_cell_of_a_notebook_can_run_twice(softsign):
    def register(brian):
        on.register_function("own_square", numpy=lambda x: x**2, derivative="2*x", brian=brian)

    register("x**2")
    register("x**2")
    with pytest.raises(ValueError, match="the function 'own_square' is defined already; choose another name"):
        register("x*x")


def test_a_form_that_is_missing_is_named_when_it_is_needed():
    on.register_function("own_cube", numpy=lambda x: x**3, derivative="3*x**2")
    with pytest.raises(ValueError, match="'own_cube' has no form for brian; register it with brian=..."):
        expressions.to_brian("own_cube(x)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relu", abs, "1"), "the function 'relu' is defined already"),
        (("double", abs, "1"), "'double' cannot name a function: it is a keyword of C"),
        (("own f", abs, "1"), "must be an identifier"),
        (("own_a", lambda x, y: x, "1"), "the arguments x, y, but derivative has 1 entries"),
        (("own_b", abs, "2*q"), "the derivative by 'x' reads 'q', which is not an argument"),
        (("own_c", abs, "2*"), "not valid syntax"),
        (("own_d", abs, [3]), "the derivative by 'x' must be text or callable, got 3"),
        (("own_e", 3, "1"), "numpy must be a function of arrays, got int"),
        (("own_f", abs, "1", 3), "brian must be text or a brian2.Function, got int"),
        (("own_g", abs, "1", "x +"), "not valid syntax"),
    ],
)
def test_what_cannot_be_registered(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        on.register_function(*arguments)
    assert arguments[0] not in expressions.FUNCTIONS or arguments[0] == "relu"
