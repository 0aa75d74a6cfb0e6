"""What an installed package holds: also code in other languages, which setuptools leaves out unless it is named."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import organics_neuro

PACKAGE = Path(organics_neuro.__file__).parent
ROOT = PACKAGE.parent


def test_a_wheel_holds_every_file_of_the_package(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    result = subprocess.run([sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(tmp_path / result.stdout.split()[-1]) as wheel:
        held = set(wheel.namelist())
    files = {f"{path.relative_to(ROOT)}" for path in PACKAGE.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert {Path(name).suffix for name in files} >= {".py", ".h", ".cpp", ".cu", ".pyx", ".py_"}
    assert not files - held, "name their endings in setup.cfg, package_data"
