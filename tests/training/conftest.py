"""What these tests share with others."""

from tests.nn.conftest import _one_thread  # noqa: F401
