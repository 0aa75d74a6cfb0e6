"""Normalization circuits: run experiments on them, train networks by recipes, and compare torch with Brian2."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from organics_neuro.cli.commands import COMMANDS

for _module in iter_modules(__path__):  # a file in this folder is a group of commands
    if not _module.name.startswith("_"):
        import_module(f"{__name__}.{_module.name}")

__all__ = ["main", "names"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 2 after an error, or 130 after an interruption.

    Raises
    ------
    SystemExit
        After help, and if there is no such command or option.
    """
    from organics_neuro.cli._program import expanded, program

    tokens = list(sys.argv[1:] if arguments is None else arguments)
    ended: list[int] = []
    try:
        program(COMMANDS, __doc__, ended)(expanded(tokens, COMMANDS), prog_name="organics")
    except SystemExit:
        if not ended:
            raise
    return ended[0] if ended else 0


def names() -> list[str]:
    """All commands, in the order of help."""
    return list(COMMANDS)
