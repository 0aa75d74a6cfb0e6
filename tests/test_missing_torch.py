"""Without torch, what needs it says which extra brings it; the data sets do without."""

import subprocess
import sys

import pytest


def run(code):
    """The last line of output of a Python without torch."""
    blocked = f"import sys; sys.modules['torch'] = None\n{code}"
    return subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True).stderr.strip().splitlines()


@pytest.mark.parametrize("module", ["nn", "transfer"])
def test_the_error_names_the_extra(module):
    last = run(f"import organics_neuro as on; on.{module}")[-1]
    assert last.endswith(
        f"MissingExtraError: organics_neuro.{module} needs torch; install it with: pip install 'organics_neuro[torch]'"
    )


def test_datasets_do_without():
    assert not run("import organics_neuro as on; on.datasets.mnist")
