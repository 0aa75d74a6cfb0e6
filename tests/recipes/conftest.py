"""What these tests share with others."""

from tests.brian.conftest import clean_brian  # noqa: F401
from tests.nn.conftest import _one_thread  # noqa: F401
