"""Fixtures that all tests share."""

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference():
    """Golden numbers in full precision, computed independently of this package; complex numbers are [re, im]."""
    return json.loads(Path(__file__).with_name("reference_values.json").read_text())
