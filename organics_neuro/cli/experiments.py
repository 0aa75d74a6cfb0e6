"""Commands that run experiments on circuits in files."""

import ast
from argparse import Namespace
from collections.abc import Sequence
from inspect import Parameter, Signature, getdoc
from pathlib import Path
from typing import Any

from organics_neuro.cli.commands import REST, argument, command
from organics_neuro.core.errors import shown

#: The most values that an option stands for.
_MOST_VALUES = 1_000_000
_REST = {"nargs": REST}
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
        plain = [each.replace(annotation=Parameter.empty) for each in found.signature.parameters.values()]
        signature = found.signature.replace(parameters=plain, return_annotation=Signature.empty)
        print(f"{found.name}{signature}\n\n{getdoc(found.function)}")
        return
    for found in registry.experiments().values():
        figure = f" (figure {found.figure})" if found.figure else ""
        print(f"{found.name:24} {found.title}{figure}")


@command(
    "run an experiment on a circuit, and write its dataset and, with --figure, its picture",
    argument("name", metavar="NAME", help="an experiment; `organics experiments` lists them"),
    argument(
        "rest", metavar="CIRCUIT.safetensors", help=f"the circuit, {_OPTIONS}-o FILE.nc and --figure FILE.png", **_REST
    ),
    example="organics experiment contrast_response ring.safetensors --contrasts 0.1,1 --engine theory -o out.nc",
)
def experiment(options: Namespace) -> None:
    from organics_neuro.experiments import registry

    found = registry.find(options.name)
    files, given = _split(options.rest)
    if len(files) != 1:
        raise ValueError(f"give one circuit, a .safetensors file, got {' '.join(files) or 'none'}")
    output, figure = _outputs(found, given)
    _write(found, _dataset(found, files[0], given), output, figure)


@command(
    "run an experiment on circuits, and write a dataset and a picture of each into a folder",
    argument("name", metavar="EXPERIMENT", help="an experiment; `organics experiments` lists them"),
    argument("rest", metavar="CIRCUIT.safetensors...", help=f"one circuit or more, {_OPTIONS}-o FOLDER", **_REST),
    example="organics run contrast_response ring.safetensors rows.safetensors --contrasts 0.1,1 -o output",
)
def run(options: Namespace) -> None:
    from organics_neuro.core.files import make_folder
    from organics_neuro.experiments import registry

    found = registry.find(options.name)
    files, given = _split(options.rest)
    if not files:
        raise ValueError("give one circuit or more, .safetensors files")
    folder = Path(next((text for key, text in given if key in ("o", "output")), "output"))
    given = [(key, text) for key, text in given if key not in ("o", "output")]
    make_folder(folder)
    for file in files:
        path = folder / f"{found.name}-{Path(file).stem}.nc"
        _write(found, _dataset(found, file, given), path, path.with_suffix(".png") if found.plot else None)


def _dataset(found: Any, file: str, given: Sequence[tuple[str, str]]) -> Any:
    """What an experiment measures of the circuit in a file."""
    from organics_neuro.core.circuits import load
    from organics_neuro.experiments.settings import arguments_of

    settings = {key: _value(text) for key, text in given}
    return found(**arguments_of(found, {"circuit": load(file), **settings}))


@command(
    "run an experiment over a grid; a sweep that was stopped goes on",
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
    from organics_neuro.experiments import sweep as run_all

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
                from organics_neuro.core.errors import shown

                raise ValueError(f"--grid takes NAME=VALUES, such as --grid sigma=0.1,0.2, got {shown(text)}")
            grid[name] = _several(_value(values))
        else:
            settings[key] = _value(text)
    circuits = load(files[0]) if len(files) == 1 else {Path(file).stem: load(file) for file in files}
    dataset = run_all(found, circuits, grid, **settings)
    _write(found, dataset, output, figure)


def _split(tokens: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Files, and pairs of an option and its text: ``--name value`` or ``--name=value``."""
    first = next((k for k, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    given, rest = [], list(tokens[first:])
    while rest:
        option = rest.pop(0)
        name, equals, text = option.partition("=")
        if not option.startswith("-"):
            raise ValueError(f"{shown(option)} is not an option; options are --name value")
        if not equals:
            if not rest:
                raise ValueError(f"the option {shown(option, str)} needs a value")
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

        from organics_neuro.core.boundary import known_name

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

    from organics_neuro.core.errors import shown

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
