"""The command ``organics``: train networks by recipes, publish the results, and compare torch with Brian2."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from organics_neuro.cli.commands import COMMANDS

for _module in iter_modules(__path__):  # a file in this folder is a group of commands
    if not _module.name.startswith("_"):
        import_module(f"{__name__}.{_module.name}")

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 2 after an error, or 130 after an interruption."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt as stop:
        print(f"\norganics {options.command}: interrupted", *getattr(stop, "__notes__", ()), sep="; ", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, ImportError, ArithmeticError, MemoryError, RuntimeError) as error:
        print(f"organics {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def names() -> list[str]:
    """All commands, in the order of help."""
    return list(COMMANDS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="organics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (run, help, arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(run=run)
        for flags, options in arguments:
            command.add_argument(*flags, **options)
    return parser
