"""Fixtures that all tests share."""

import gc
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# The suite gives the same answer each time; `make fuzz` is where new random cases are looked for.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_collection_finish():
    """Let the garbage collector pass over all modules: each test with Brian2 calls it, which took half of their time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def rng():
    """Random numbers of one test: the same whichever tests ran before it."""
    return np.random.default_rng(5)


@pytest.fixture(scope="session")
def reference():
    """Golden numbers in full precision, computed independently of this package; complex numbers are [re, im]."""
    return json.loads(Path(__file__).with_name("reference_values.json").read_text())


@pytest.fixture(scope="session")
def laboratory():
    """Golden numbers of the experiments, as `reference`."""
    return json.loads(Path(__file__).with_name("reference_values_laboratory.json").read_text())
