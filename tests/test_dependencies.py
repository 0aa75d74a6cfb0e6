"""The direction of dependencies: core <- {brian, nn} <- engines <- transfer <- {experiments, recipes} <- {plotting, cli}; training knows the core alone.

Read from the source with `ast`: imports inside functions count as well.
"""

import ast
from pathlib import Path

import pytest

import organics_neuro

ROOT = Path(organics_neuro.__file__).parent
#: What each part of the package may import from the package.
ALLOWED = {
    "core": {"core"},
    "brian": {"core", "brian"},
    "training": {"core", "training"},
    "nn": {"core", "training", "nn"},
    "sequences": {"core"},
    "datasets": {"core", "sequences"},
    "engines": {"core", "brian", "engines"},
    "transfer": {"core", "brian", "training", "nn", "engines", "transfer"},
    "experiments": {"core", "brian", "nn", "engines", "transfer", "experiments"},
    "recipes": {"core", "training", "nn", "transfer", "datasets", "recipes"},
    "plotting": {"core", "experiments", "plotting"},
    "cli": {"core", "training", "recipes", "engines", "experiments", "datasets", "cli"},
    "__main__": {"cli"},
}
#: Libraries that only some parts may import.
OUTSIDE = {
    "brian2": {"brian"},
    "torch": {"training", "nn", "transfer", "experiments", "recipes", "cli"},
}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def part_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(path):
    """Full names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_dependencies_point_one_way(path):
    part = part_of(path)
    assert part in ALLOWED, f"say in this test what {part!r} may import"
    for name in imports(path):
        package, *rest = name.split(".")
        if package == "organics_neuro":
            assert rest[0] in {*ALLOWED[part], "__version__"}, f"{part} must not import {name}"
        else:
            assert part in OUTSIDE.get(package, {part}), f"{part} must not import {name}"


#: The only place that may use more of Brian2 than what `import brian2` brings: it changes between versions.
PRIVATE_BRIAN = ROOT / "brian" / "kernels"


def outside_kernels(paths):
    return [path for path in paths if not path.is_relative_to(PRIVATE_BRIAN)]


@pytest.mark.parametrize("path", outside_kernels(FILES), ids=lambda path: str(path.relative_to(ROOT)))
def test_private_modules_of_brian_stay_in_the_kernels(path):
    for name in imports(path):
        assert not name.startswith(("brian2.", "brian2cuda.")), f"{name} is for brian/kernels only; use brian2.NAME"


def own_names(paths):
    """What the package itself defines: functions, classes, and whatever a value is given to."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                yield node.name
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield node.attr
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


@pytest.mark.parametrize("path", sorted(outside_kernels((ROOT / "brian").rglob("*.py"))), ids=lambda path: path.name)
def test_private_attributes_of_brian_stay_in_the_kernels(path):
    own = {*own_names(outside_kernels(FILES)), "_replace", "_asdict"}  # those of named tuples are public
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            assert node.attr in own, f"line {node.lineno}: {node.attr} is private to Brian2"
        elif isinstance(node, ast.Constant):  # hasattr(group, "_name")
            assert node.value != "_group_attribute_access_active", f"line {node.lineno} is private to Brian2"


def test_the_test_sees_the_package():
    assert {"core"} <= {part_of(path) for path in FILES}
    assert "organics_neuro.core.flow.deliver" in set(imports(ROOT / "core" / "theory" / "fixed_point.py"))
