"""What these tests share."""

import pytest


@pytest.fixture(autouse=True)
def _seed():
    pytest.importorskip("torch").manual_seed(0)
