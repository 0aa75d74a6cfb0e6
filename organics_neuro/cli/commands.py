"""The registry of commands: a function with this decorator, in any file of this folder, is a command of ``organics``.

Each function imports what it needs: help should wait neither for torch nor for Brian2.
"""

from argparse import Namespace
from collections.abc import Callable
from typing import Any, NamedTuple

Run = Callable[[Namespace], None]


class Argument(NamedTuple):
    """What `argparse.ArgumentParser.add_argument` takes."""

    flags: tuple[str, ...]
    options: dict[str, Any]


class Command(NamedTuple):
    """What runs, given the parsed options; the sentence that help shows; and the arguments."""

    run: Run
    help: str
    arguments: tuple[Argument, ...]


#: Every command by its name, in the order of help.
COMMANDS: dict[str, Command] = {}


def argument(*flags: str, **options: Any) -> Argument:
    """An argument of a command, as `argparse.ArgumentParser.add_argument` takes it."""
    return Argument(flags, options)


def command(help: str, *arguments: Argument, name: str | None = None) -> Callable[[Run], Run]:
    """Make a function a command, called ``name`` or as the function, with ``-`` for ``_``.

    The function raises `ValueError` for a wrong option; `organics_neuro.cli.main` prints the sentence.
    """

    def register(run: Run) -> Run:
        COMMANDS[name or run.__name__.replace("_", "-")] = Command(run, help, arguments)
        return run

    return register
