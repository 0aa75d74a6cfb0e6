from tests.brian.conftest import clean_brian  # noqa: F401  a fixture for these tests, too
