"""The registered commands as a program of typer."""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from organics_neuro import __version__
from organics_neuro.cli.commands import REST, Argument, Command

#: What a command may raise that is told in one sentence.
_REFUSALS = (ValueError, TypeError, OSError, ImportError, ArithmeticError, MemoryError, RuntimeError)
#: Options that typer does not know are left to the command.
_UNKNOWN = {"ignore_unknown_options": True}


def program(commands: Mapping[str, Command], about: str, ended: list[int]) -> typer.Typer:
    """A program of the commands; the exit code of the one that ran is added to ``ended``."""
    app = typer.Typer(name="organics", help=about, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.callback(help=about)(_options_of_all)
    for name, command in commands.items():
        app.command(
            name,
            help=command.help,
            epilog=f"Example: {command.example}" if command.example else None,
            context_settings=_UNKNOWN if any(a.options.get("nargs") == REST for a in command.arguments) else None,
        )(_function(name, command, ended))
    return app


def expanded(tokens: Sequence[str], commands: Mapping[str, Command]) -> list[str]:
    """The words of a call, in which an option with several values is repeated: ``--lr 1 2`` becomes ``--lr 1 --lr 2``."""
    command = commands.get(tokens[0]) if tokens else None
    several = (
        {a.flags[0] for a in command.arguments if a.is_option and a.options.get("nargs") == "+"} if command else set()
    )
    words, current, count = [], None, 0
    for token in tokens:
        if token.startswith("--"):
            current, count = (token if token in several else None), 0
        elif current is not None:
            if count:
                words.append(current)
            count += 1
        words.append(token)
    return words


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"organics_neuro {__version__}")
        raise typer.Exit


_VERSION = typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)


def _options_of_all(version: Annotated[bool, _VERSION] = False) -> None:
    """What stands before a command."""


def _function(name: str, command: Command, ended: list[int]) -> Callable[..., None]:
    """The function of a command, with the signature that typer reads."""

    def call(**values: Any) -> None:
        ended.append(_code(name, command, Namespace(command=name, **values)))

    parameters = [_parameter(each) for each in command.arguments]
    call.__signature__ = Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call


def _code(name: str, command: Command, options: Namespace) -> int:
    """Run a command: what it returns, 0, 2 after an error, or 130 after an interruption."""
    try:
        return command.run(options) or 0
    except KeyboardInterrupt as stop:
        print(f"\norganics {name}: interrupted", *getattr(stop, "__notes__", ()), sep="; ", file=sys.stderr)
        return 130
    except _REFUSALS as error:
        print(f"organics {name}: {error}", file=sys.stderr)
        return 2


def _parameter(argument: Argument) -> Parameter:
    """An argument as typer declares it."""
    options, default = argument.options, argument.options.get("default")
    kind, nargs = options.get("type", str), options.get("nargs")
    shown = {"help": options.get("help"), "metavar": options.get("metavar")}
    if options.get("action") == "store_true":
        kind, default, shown = bool, False, {"help": options.get("help")}
    elif nargs in (REST, "*", "+"):
        kind, default = list[kind], (... if options.get("required") or nargs == "+" else [])
    elif default is None:
        optional = nargs == "?" or (argument.is_option and not options.get("required"))
        kind, default = (kind | None, None) if optional else (kind, ...)
    made = typer.Option(*argument.flags, **shown) if argument.is_option else typer.Argument(**shown)
    return Parameter(
        argument.name,
        Parameter.KEYWORD_ONLY,
        default=Parameter.empty if default is ... else default,
        annotation=Annotated[kind, made],
    )
