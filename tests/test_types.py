"""Type checkers and editors know the package: scripts of users have no errors, and a misspelt argument is one."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted([*ROOT.glob("examples/*.py"), *ROOT.glob("tutorials/*.py")])
WRONG = """
import organics_neuro as on

circuit = on.ring(n=36)
pair = on.join({"a": circuit}, couplings=[])
on.theory.fixed_point(circuit, gues=None)
on.stimuli.grating(circuit, contrst=1.0)
on.simulate(circuit, None, 0.1, engin="brian")
on.Coupling("z", weights=1.0, sourc="a: y")
"""


def readme_script():
    return re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """Errors that pyright finds, as pairs of file name and line; all files in one call, as it takes seconds to start."""
    pyright, folder = shutil.which("pyright", path=str(Path(sys.executable).parent)), tmp_path_factory.mktemp("types")
    if pyright is None:
        pytest.skip("pyright is not installed")
    for name, text in {"readme.py": readme_script(), "wrong.py": WRONG}.items():
        (folder / name).write_text(text)
    files = [*SCRIPTS, folder / "readme.py", folder / "wrong.py"]
    call = [pyright, "--outputjson", "--pythonpath", sys.executable, *map(str, files)]
    found = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    if not found.stdout.startswith("{"):
        pytest.skip(f"pyright does not run here: {found.stderr.strip()[-200:]}")
    errors = [e for e in json.loads(found.stdout)["generalDiagnostics"] if e["severity"] == "error"]
    return [(Path(e["file"]).name, e["range"]["start"]["line"], e["message"]) for e in errors]


def test_scripts_of_users_have_no_errors(problems):
    pytest.importorskip("torch")
    assert [p for p in problems if p[0] != "wrong.py"] == []


@pytest.mark.parametrize("argument", ["gues", "engin", "sourc", "contrst"])
def test_a_misspelt_argument_is_found(problems, argument):
    line = next(k for k, text in enumerate(WRONG.splitlines()) if f"{argument}=" in text)
    assert ("wrong.py", line) in [p[:2] for p in problems]
