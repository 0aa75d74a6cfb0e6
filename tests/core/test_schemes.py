"""Integration schemes as data: what an entry must be, and what follows from it."""

import runpy
from math import factorial
from pathlib import Path

import numpy as np
import pytest

from organics_neuro.core.schemes import SCHEMES, Scheme, scheme, table

KUTTA3 = {
    "name": "kutta3",
    "a": ((), (1 / 2,), (-1, 2)),
    "b": (1 / 6, 2 / 3, 1 / 6),
    "order": 3,
    "source": "Kutta 1901",
}


@pytest.mark.parametrize("name", SCHEMES)
def test_the_tableau_has_the_order(name):
    """Of the conditions for order p, those of tall trees: bᵀ A^(k-1) 1 = 1/k! for k up to p."""
    entry = SCHEMES[name]
    assert entry.name == name
    assert entry.source
    np.testing.assert_allclose(
        entry.growth[: entry.order + 1], [1 / factorial(k) for k in range(entry.order + 1)], rtol=1e-14
    )


def test_growth_is_that_of_a_step():
    entry, z = Scheme(**KUTTA3, coupling="stages"), -0.7
    new, slope = entry.step({"x": 1.0}, 0.1, lambda x: {}, lambda x, c: {"x": z / 0.1 * x["x"]})
    assert new["x"] == pytest.approx(np.polyval(entry.growth[::-1], z), rel=1e-14)
    assert new["x"] == pytest.approx(1 + 0.1 * slope["x"])
    np.testing.assert_allclose(entry.growth, [1, 1, 1 / 2, 1 / 6])


@pytest.mark.parametrize(("coupling", "evaluated"), [("held", [1.0]), ("extrapolated", [1.5]), ("stages", [1, 1.5, 2])])
def test_where_couplings_are_evaluated(coupling, evaluated):
    """dx/dt = 1: half a step ahead, x is half a step larger; the stages of Kutta's method are at 0, 1/2 and 1."""
    seen = []
    entry = Scheme(**KUTTA3, coupling=coupling)
    entry.step({"x": 1.0}, 1.0, lambda x: seen.append(x["x"]) or {}, lambda x, c: {"x": 1.0}, slope={"x": 1.0})
    assert seen == pytest.approx(evaluated)
    assert entry.products == len(evaluated)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"coupling": "implicit"}, "unknown coupling rule 'implicit'; known: 'held', 'extrapolated', 'stages'"),
        ({"a": ((), (1 / 2,))}, r"scheme 'kutta3': a must have 3 rows of 0, 1, 2, .* got rows of \[0, 1\]"),
        ({"a": ((0.5,), (1 / 2,), (0, 1))}, r"got rows of \[1, 1, 2\]"),
        ({"b": (1, 1, 1)}, r"scheme 'kutta3': the weights b must sum to 1, got \(1.0, 1.0, 1.0\)"),
    ],
)
def test_bad_entries(changed, message):
    with pytest.raises(ValueError, match=message):
        Scheme(**{**KUTTA3, "coupling": "stages", **changed})


def test_an_unknown_name():
    known = ", ".join(map(repr, SCHEMES))
    with pytest.raises(ValueError, match=f"unknown method 'leapfrog'; known: {known}"):
        scheme("leapfrog")


def test_the_table_has_a_row_for_each():
    rows = table().splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [f'`"{name}"`' for name in SCHEMES]


def test_the_documentation_shows_the_table(monkeypatch):
    pages = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "tables.py"))["pages"]
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run python docs/tables.py"
    monkeypatch.setitem(SCHEMES, "kutta3", Scheme(**KUTTA3, coupling="stages"))
    assert any("| Kutta 1901 |" in text for text in pages().values())
