"""What importing the package loads, and what it does not."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import organics_neuro as on

HEAVY = ("numpy", "scipy", "sympy", "brian2", "torch", "matplotlib", "xarray")


def loaded_by(statement):
    """Which of `HEAVY` a fresh interpreter has loaded after ``statement``, and the seconds that it took."""
    code = (
        f"import sys, time, json; start = time.perf_counter(); {statement}; "
        f"print(json.dumps([[m for m in {HEAVY} if m in sys.modules], time.perf_counter() - start]))"
    )
    root = Path(on.__file__).parents[1]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def test_import_loads_nothing_heavy():
    modules, seconds = loaded_by("import organics_neuro")
    print(f"import organics_neuro: {1e3 * seconds:.1f} ms")
    assert modules == []


@pytest.mark.parametrize("name", ["theory", "stimuli", "weights", "engines", "simulate", "Circuit", "ring", "join"])
def test_core_needs_neither_torch_nor_brian(name):
    modules, _ = loaded_by(f"import organics_neuro; organics_neuro.{name}")
    assert not {"torch", "brian2"} & set(modules)


def test_editors_see_the_public_names():
    """What type checkers import is what the package loads when it is asked for."""
    tree = ast.parse(Path(on.__file__).read_text())
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = {alias.asname: node.module for node in block.body for alias in node.names}
    assert set(seen) == set(on.__all__) - {"__version__"}
    homes = {**on._NAMES, **{name: module.rpartition(".")[0] for name, module in on._MODULES.items()}}
    assert seen == homes


@pytest.mark.parametrize("name", [name for name in on._MODULES if name not in ("reference", "experiments", "plotting")])
def test_completion_shows_public_names_only(name):
    try:
        module = getattr(on, name)
    except on.errors.MissingExtraError:
        pytest.skip("torch is not installed")
    assert sorted(dir(module)) == sorted(module.__all__)
    if name == "recipes":  # is listed without torch, which some of its names need
        pytest.importorskip("torch")
    assert all(hasattr(module, each) for each in module.__all__)


def test_public_names_are_listed():
    assert {"Circuit", "ring", "theory", "CircuitGroup", "__version__"} <= set(dir(on))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        on.nonsense  # noqa: B018
