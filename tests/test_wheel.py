"""What an installed package holds: code in other languages, digits and networks, which setuptools leaves out unless named."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import organics_neuro

PACKAGE = Path(organics_neuro.__file__).parent
ROOT = PACKAGE.parent
DATA = "organics_neuro/data/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that setuptools builds of a copy of the source."""
    folder = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in (PACKAGE.name, "data", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    result = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return folder / result.stdout.split()[-1]


def test_a_wheel_holds_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    files = {f"{path.relative_to(ROOT)}" for path in PACKAGE.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert {Path(name).suffix for name in files} >= {".py", ".h", ".cpp", ".cu", ".pyx", ".py_"}
    assert not files - held, "name their endings in setup.cfg, package_data"


def test_a_wheel_holds_the_digits_the_networks_and_the_examples(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name.removeprefix(DATA) for name in archive.namelist() if name.startswith(DATA)}
        assert "organics_neuro/examples/demo.py" in archive.namelist()
    assert held == {f"{path.relative_to(ROOT / 'data')}" for path in (ROOT / "data").rglob("*") if path.is_file()}


@pytest.mark.slow
def test_an_installed_package_knows_its_digits_and_networks_by_name(wheel, tmp_path):
    pytest.importorskip("torch")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    (tmp_path / "elsewhere").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    code = """
import organics_neuro as on
print(on.__file__)
print(on.datasets.load("rows").x_test.shape, on.recipes.load("rows").circuit == on.load(on.datasets.network_file("rows")))
v1 = on.simulate(on.ring(12), 1.0, 0.01, "brian")["y"]  # needs the frames of the kernels
"""
    printed = []
    for command in (
        ["-c", code],
        ["-m", "organics_neuro.cli", "evaluate", "rows"],
        ["-m", "organics_neuro.cli", "table"],
    ):
        result = subprocess.run(
            [sys.executable, *command], cwd=tmp_path / "elsewhere", env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        printed.append(result.stdout)
    assert printed[0].split() == [f"{tmp_path}/installed/organics_neuro/__init__.py", "(10000,", "28,", "28)", "True"]
    assert printed[1] == "rows: test accuracy 98.82%\n"
    assert "`organics train rows`" in printed[2]
