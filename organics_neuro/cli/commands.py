"""The registry of commands: a function with this decorator, in any file of this folder, is a command of ``organics``.

Each function imports what it needs: help should wait neither for torch nor for Brian2.
"""

from argparse import Namespace
from collections.abc import Callable
from typing import Any, NamedTuple

Run = Callable[[Namespace], int | None]
#: How many values an argument takes: all that is left, options included.
REST = "rest"


class Argument(NamedTuple):
    """Names of an argument, and what is known of it.

    ``flags`` are a name for a position, or ``--name`` for an option; ``options`` hold ``help``, ``metavar``, ``default``,
    ``type``, ``required``, ``nargs`` ("?" one or none, "*" any number, "+" one or more, `REST`) and ``action``
    ("store_true" for a switch), each as the `argparse` module knows them.
    """

    flags: tuple[str, ...]
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """Under which name the function finds the value."""
        return self.flags[0].lstrip("-").replace("-", "_")

    @property
    def is_option(self) -> bool:
        """Whether it has a name on the command line, and not a position."""
        return self.flags[0].startswith("-")


class Command(NamedTuple):
    """What runs, given the parsed options; the sentence that help shows; the arguments; and an example."""

    run: Run
    help: str
    arguments: tuple[Argument, ...]
    example: str = ""


#: Every command by its name, in the order of help.
COMMANDS: dict[str, Command] = {}


def argument(*flags: str, **options: Any) -> Argument:
    """An argument of a command (see `Argument`)."""
    return Argument(flags, options)


def command(help: str, *arguments: Argument, name: str | None = None, example: str = "") -> Callable[[Run], Run]:
    """Make a function a command, called ``name`` or as the function, with ``-`` for ``_``.

    The function raises `ValueError` for a wrong option; `organics_neuro.cli.main` prints the sentence.
    """

    def register(run: Run) -> Run:
        COMMANDS[name or run.__name__.replace("_", "-")] = Command(run, help, arguments, example)
        return run

    return register
