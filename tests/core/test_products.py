"""The table of operator classes by engines: nothing is missing, and each entry of an engine is tested on examples."""

from pathlib import Path

import numpy as np
import pytest

from organics_neuro.core import products
from organics_neuro.core.operators import CLASSES, Operator
from tests.core.operators import CASES, EXAMPLES


class Negated(Operator):
    """A user's operator: minus the identity."""

    kind = "negated_here"  # by which files would know it; other tests have a class of the same name

    def __init__(self, size):
        self.shape = (size, size)

    def apply(self, x):
        return -x


def test_every_class_has_examples():
    assert set(EXAMPLES) == set(CLASSES)
    for name, operators in EXAMPLES.items():
        assert {type(operator).__name__ for operator in operators} == {name}


@pytest.mark.parametrize("engine", products.ENGINES)
@pytest.mark.parametrize("name", CLASSES)
def test_no_entry_is_missing(name, engine):
    if engine == "torch":
        pytest.importorskip("organics_neuro.nn.operators", exc_type=ImportError)
    elif engine != "jvp":
        pytest.importorskip("organics_neuro.brian.kernels")
    assert products.has(engine, CLASSES[name]), f"{products.ENGINES[engine]} has nothing for {name}"


#: The columns of the tables in docs/kernels.md.
COLUMNS = {
    "numpy": "NumPy",
    "cython": "Cython",
    "cpp": "C++ standalone",
    "cuda": "CUDA",
    "torch": "torch, forward and backward",
    "jvp": "transposed (products with a Jacobian)",
}


def test_the_tables_of_the_documentation_are_those_of_the_engines():
    cells, header = {}, []
    for line in (Path(__file__).parents[2] / "docs" / "kernels.md").read_text().splitlines():
        if line.startswith("| "):
            row = [cell.strip() for cell in line.strip("|").split(" |")]
            header = row if row[0] == "weights" else header
            cells |= {(row[0].strip("`"), column): text for column, text in zip(header, row, strict=True)}
    assert set(COLUMNS) == set(products.ENGINES)
    for name in CLASSES:
        for column in COLUMNS.values():
            assert cells.get((name, column)), f"docs/kernels.md says nothing on {name} in the column {column!r}"


@pytest.mark.parametrize(("name", "operator"), CASES, ids=[name for name, _ in CASES])
def test_products_with_a_jacobian(name, operator):
    matrix, (m, n) = operator.to_dense(), operator.shape
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3, n)), rng.normal(size=(2, 3, m))
    np.testing.assert_allclose(operator.apply(x), x @ matrix.T, atol=1e-12)
    np.testing.assert_allclose(operator.apply_transposed(y), y @ matrix, atol=1e-12)


def test_a_class_without_an_entry_is_seen():
    assert not any(products.has(engine, Negated) for engine in products.ENGINES)


@pytest.mark.parametrize("engine", [engine for engine in products.ENGINES if engine != "jvp"])
def test_a_users_operator_without_an_entry_is_refused(engine):
    sentence = "cannot multiply with weights of the class Negated; convert them with Dense"
    with pytest.raises(TypeError, match=f"{products.ENGINES[engine].replace('+', '.')} {sentence}"):
        products.find(engine, Negated(3))
