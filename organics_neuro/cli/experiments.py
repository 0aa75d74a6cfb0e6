"""Commands that run experiments on circuits in files."""

import argparse
import ast
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from organics_neuro.cli.commands import argument, command
from organics_neuro.core.boundary import known_name
from organics_neuro.core.errors import shown

#: The most values that an option stands for.
_MOST_VALUES = 1_000_000
_REST = {"nargs": argparse.REMAINDER}
_OPTIONS = (
    "then --NAME VALUE for arguments of the experiment, of its engine, or parameters of the circuit (a number, a list "
    "0.1,0.2, a text, a file .npy, geomspace(0.01,1,11)), "
)


@command(
    "list the experiments, or say all about one",
    argument("name", nargs="?", metavar="NAME", help="an experiment"),
)
def experiments(options: Namespace) -> None:
    from organics_neuro.experiments import registry

    if options.name is not None:
        found = registry.find(options.name)
        print(f"{found.name}{found.signature}\n\n{found.__doc__}")
        return
    for found in registry.experiments().values():
        figure = f" (figure {found.figure})" if found.figure else ""
        print(f"{found.name:24} {found.title}{figure}")


@command(
    "run an experiment on a circuit: organics experiment NAME CIRCUIT.safetensors --option value -o out.nc --figure out.png",
    argument("name", metavar="NAME", help="an experiment; `organics experiments` lists them"),
    argument(
        "rest", metavar="CIRCUIT.safetensors", help=f"the circuit, {_OPTIONS}-o FILE.nc and --figure FILE.png", **_REST
    ),
)
def experiment(options: Namespace) -> None:
    from organics_neuro.core.circuits import load
    from organics_neuro.experiments import registry
    from organics_neuro.experiments.settings import arguments_of

    found = registry.find(options.name)
    files, given = _split(options.rest)
    if len(files) != 1:
        raise ValueError(f"give one circuit, a .safetensors file, got {' '.join(files) or 'none'}")
    output, figure = _outputs(found, given)
    settings = {key: _value(text) for key, text in given}
    dataset = found(**arguments_of(found, {"circuit": load(files[0]), **settings}))
    _write(found, dataset, output, figure)


@command(
    "run an experiment over a grid: organics sweep NAME CIRCUIT... --grid sigma=0.1,0.2 --path FOLDER --workers 2 -o out.nc",
    argument("name", metavar="NAME", help="an experiment; `organics experiments` lists them"),
    argument(
        "rest",
        metavar="CIRCUIT.safetensors",
        help=f"one circuit or more, {_OPTIONS}--grid NAME=VALUES for what varies, --path FOLDER, --workers N, -o FILE.nc",
        **_REST,
    ),
)
def sweep(options: Namespace) -> None:
    from organics_neuro.core.circuits import load
    from organics_neuro.experiments import registry
    from organics_neuro.experiments import sweep as run

    found = registry.find(options.name)
    files, given = _split(options.rest)
    if not files:
        raise ValueError("give one circuit or more, .safetensors files")
    output, figure = _outputs(found, given)
    grid, settings = {}, {}
    for key, text in given:
        if key == "grid":
            name, equals, values = text.partition("=")
            if not equals:
                raise ValueError(f"--grid takes NAME=VALUES, such as --grid sigma=0.1,0.2, got {shown(text)}")
            grid[name] = _several(_value(values))
        else:
            settings[key] = _value(text)
    circuits = load(files[0]) if len(files) == 1 else {Path(file).stem: load(file) for file in files}
    dataset = run(found, circuits, grid, **settings)
    _write(found, dataset, output, figure)


def _split(tokens: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Files, and pairs of an option and its text: ``--name value`` or ``--name=value``."""
    first = next((k for k, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    given, rest = [], list(tokens[first:])
    while rest:
        option = rest.pop(0)
        name, equals, text = option.partition("=")
        if not option.startswith("-"):
            raise ValueError(f"{option!r} is not an option; options are --name value")
        if not equals:
            if not rest:
                raise ValueError(f"the option {option} needs a value")
            text = rest.pop(0)
        given.append((name.lstrip("-").replace("-", "_"), text))
    return list(tokens[:first]), given


def _outputs(found: Any, given: list[tuple[str, str]]) -> tuple[Path, Path | None]:
    """Files for the dataset and the picture, taken from the options."""
    from organics_neuro.core.files import check_writable

    files = {}
    for name, text in list(given):
        if name in ("o", "output", "figure"):
            files["figure" if name == "figure" else "output"] = Path(text)
            given.remove((name, text))
    if "figure" in files and found.plot is None:
        raise ValueError(f"the experiment {found.name!r} has no plot, leave --figure out")
    if "figure" in files:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        known_name("format of a picture", files["figure"].suffix[1:], FigureCanvasAgg.get_supported_filetypes())
    for file in files.values():
        check_writable(file)
    return files.get("output", Path(f"{found.name}.nc")), files.get("figure")


def _value(text: str) -> Any:
    """What a text stands for: a number, list or dictionary of Python, numbers evenly spaced, a file of NumPy, or itself."""
    import numpy as np

    from organics_neuro.core.files import existing

    if text.endswith(".npy"):
        try:
            return np.load(existing(text), allow_pickle=False)
        except (EOFError, ValueError) as error:
            raise ValueError(f"{text} is not a file of an array that NumPy wrote ({error})") from error
    spaced, bracket, arguments = text.partition("(")
    if spaced in ("linspace", "geomspace") and bracket:
        return _spaced(text, spaced, arguments)
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # the last two of brackets without end
        return text


def _spaced(text: str, function: str, arguments: str) -> Any:
    import numpy as np

    try:
        low, high, count = ast.literal_eval(f"({arguments}")
        if type(count) is int and 0 < count <= _MOST_VALUES:
            return getattr(np, function)(low, high, count)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        pass
    raise ValueError(f"{function} takes (low, high, count), of up to {_MOST_VALUES:,} values, got {shown(text)}")


def _several(value: Any) -> Any:
    if isinstance(value, str):
        return value.split(",")
    return value if hasattr(value, "__len__") else [value]


def _write(found: Any, dataset: Any, output: Path, figure: Path | None) -> None:
    from organics_neuro.experiments import save

    save(dataset, output)
    print(output)
    if figure is not None:
        import matplotlib

        matplotlib.use("Agg")
        found.plot(dataset).figure.savefig(figure, dpi=150)
        print(figure)
