"""What is tried: one area a file, which is found by itself. ``attempt(random)`` tries one input."""

from importlib import import_module
from pkgutil import iter_modules

#: Every area by name.
NAMES = tuple(module.name for module in iter_modules(__path__))


def attempt_of(area):
    """The function that tries one input, drawn from a `random.Random`."""
    return import_module(f"{__name__}.{area}").attempt
