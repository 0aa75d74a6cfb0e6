"""Without torch, what needs it says which extra brings it; the data sets do without."""

import subprocess
import sys

import pytest

#: An import of torch fails as if it were not installed.
BLOCK = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Blocker())
"""


def run(code):
    """The last lines of output of a Python without torch."""
    blocked = BLOCK + code
    return subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True).stderr.strip().splitlines()


@pytest.mark.parametrize("module", ["nn", "training", "transfer", "recipes.train"])
def test_the_error_names_the_extra(module):
    last = run(f"import organics_neuro as on; on.{module}")[-1]
    assert last.endswith(
        f"MissingExtraError: organics_neuro.{module} needs torch; install it with: pip install 'organics_neuro[torch]'"
    )


def test_the_command_says_it_in_one_sentence():
    lines = run("from organics_neuro import cli; sys.exit(cli.main(['evaluate', 'rows']))")
    assert lines == [
        "organics evaluate: organics_neuro.recipes.load needs torch; install it with: pip install 'organics_neuro[torch]'"
    ]


def test_the_table_of_recipes_does_without():
    assert not run("from organics_neuro import cli; sys.exit(cli.main(['recipes']))")


def test_datasets_do_without():
    assert not run("import organics_neuro as on; on.datasets.mnist")
