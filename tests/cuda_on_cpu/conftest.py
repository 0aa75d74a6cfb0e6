"""What the tests of the stand-in need, and a folder for what they compile."""

import shutil
import sys

import pytest


@pytest.fixture(autouse=True, scope="session")
def compiler():
    if sys.platform != "linux" or shutil.which("g++") is None:
        pytest.skip("CUDA on the CPU needs Linux and g++")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cuda_on_cpu")
