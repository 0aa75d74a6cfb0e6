"""The budget: text that is too large is refused before SymPy sees it, in one sentence and at once."""

import time

import pytest

from organics_neuro.core import expressions

DOUBLED = {f"a{k}": f"a{k - 1} + a{k - 1}" for k in range(1, 41)} | {"a0": "y"}
CHAIN = {f"a{k}": f"a{k - 1} + 1" for k in range(1, 2000)} | {"a0": "y"}


@pytest.mark.parametrize(
    "text",
    [
        "4**(99999999999/2)",
        "exp(log(9)*99999999999)",
        "(4*y)**99999999999",
        "exp(99999999999*log(4*y))",
        "exp(1000*log(exp(1000*log(exp(1000*log(4*y))))))",
        "(((4*y)**1000)**1000)**1000",
        "9**9**9*y",
        "+".join(["y"] * 3000),
        "-" * 100_000 + "y",
        "(" * 5000 + "y" + ")" * 5000,
        "y" + "**y" * 3000,
        "exp(" * 150 + "y" + ")" * 150,
        "9" * 5000,
        "1" + "0" * 400,
        "1e400",
        "y" * 20_000,
    ],
    ids=range(16),
)
def test_too_large_text_is_refused_at_once(text):
    start = time.process_time()
    with pytest.raises(ValueError, match=r"too large|not valid syntax") as raised:
        expressions.parse(text)
    assert time.process_time() - start < 1
    assert len(str(raised.value)) < 800


@pytest.mark.parametrize(
    ("text", "abbreviations", "message"),
    [
        ("a40", DOUBLED, "with its abbreviations written out it has more than 1000 parts"),
        ("a1999", CHAIN, "too large"),
        ("a", {"a": "b + 1", "b": "2*c", "c": "a"}, "a -> b -> c -> a refer to each other in a circle"),
        ("a", {"a": "a"}, "a -> a refer to each other in a circle"),
    ],
)
def test_abbreviations_that_are_too_large(text, abbreviations, message):
    start = time.process_time()
    with pytest.raises(ValueError, match=message):
        expressions.expand(text, abbreviations)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/0", "'1 / 0' in the expression '1/0' divides by 0"),
        ("y/(2 - 2)", "divides by 0"),
        ("y/(y - y)", "divides by 0"),
        ("(-0.3)**1.5*y", "is not a real number"),
        ("sqrt(-1)", "is not a real number"),
        ("sqrt(-y**2)", "is not a real number"),
        ("y > 1", "comparisons are conditions, as in where"),
        ("where(y, 1, 2)", "the condition 'y' .* must be a comparison"),
        ("where(y in z, 1, 2)", "the condition 'y in z' .* must be a comparison"),
        ("clip(y, 1)", r"clip takes 3 argument\(s\), clip\(x, low, high\)"),
    ],
)
def test_what_no_engine_can_compute(text, message):
    with pytest.raises(ValueError, match=message):
        expressions.parse(text)


@pytest.mark.parametrize("text", [3, None, ["y"], b"y"])
def test_text_is_text(text):
    with pytest.raises(TypeError, match="an expression must be text such as"):
        expressions.names(text)


def test_large_enough_for_models():
    """A sum of 90 terms, and a product of 40 sums."""
    assert len(expressions.parse("+".join(f"a{k}*y" for k in range(90))).free_symbols) == 91
    assert len(expressions.parse("*".join(f"(a{k} + y)" for k in range(40))).free_symbols) == 41
