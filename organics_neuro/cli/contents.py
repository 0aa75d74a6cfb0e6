"""Commands that say what is in a file, and how two files differ."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from organics_neuro.cli.commands import argument, command

_FILE = "a circuit or a trained network (.safetensors), a dataset (.nc), or the name of a network of the package"


@command(
    "show what a file is: circuit, trained network or dataset, with equations, origin and checksum",
    argument("file", metavar="FILE", help=_FILE),
    example="organics info rows",
)
def info(options: Namespace) -> None:
    path = _located(options.file)
    if path.suffix == ".nc":
        from organics_neuro.experiments import load

        print(f"dataset in {path}\n{load(path)}")
        return
    from organics_neuro.core import files

    content = files.load(path, "circuit", "network", "model")
    print(f"{content.kind} in {path}")
    about = content.metadata.get("about")
    for key, value in (about if isinstance(about, dict) else {}).items():
        print(f"{key:10} {value}")
    print(f"{'checksum':10} {content.checksum or 'none: written by an older version or another program'}")
    if content.kind == "circuit":
        from organics_neuro.core.circuits import load as load_circuit

        circuit: Any = load_circuit(path)
        print(f"{'key':10} {circuit.key}\n{'size':10} {circuit.dynamics.size} variables\n")
        for population in circuit.populations.values():
            print(population.model)
            print("\n".join(f"  {name} = {value}" for name, value in population.parameters.items()))
    print("\narrays")
    for name, array in content.arrays.items():
        print(f"  {name:40} {array.dtype} {tuple(array.shape)}")


@command(
    "say how two circuits, or two datasets, differ; exit code 1 if they do",
    argument("first", metavar="A", help=_FILE),
    argument("second", metavar="B", help=_FILE),
    example="organics compare before.safetensors after.safetensors",
)
def compare(options: Namespace) -> int:
    paths = [_located(options.first), _located(options.second)]
    read = _variables if all(path.suffix == ".nc" for path in paths) else _arrays
    first, second = (read(path) for path in paths)
    differences = []
    for name in [*first, *(name for name in second if name not in first)]:
        text = _difference(first.get(name), second.get(name))
        if text:
            differences.append(f"{name:40} {text}")
    print("\n".join(differences) or "equal")
    return int(bool(differences))


def _located(file: str) -> Path:
    from organics_neuro.core.files import existing
    from organics_neuro.datasets import network_file, network_names

    return network_file(file) if file in network_names() and not Path(file).is_file() else existing(file)


def _variables(path: Path) -> dict[str, Any]:
    from organics_neuro.experiments import load

    return {str(name): variable.values for name, variable in load(path).variables.items()}


def _arrays(path: Path) -> dict[str, Any]:
    """All arrays of a file, and the text of what else defines it."""
    from organics_neuro.core import files

    content = files.load(path, "circuit", "network", "model")
    return {**content.arrays, **{key: str(value) for key, value in content.metadata.items()}}


def _difference(first: Any, second: Any) -> str:
    """How two values differ, in words; nothing if they do not."""
    import numpy as np

    if first is None or second is None:
        return f"only in {'B' if first is None else 'A'}"
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape:
        return f"shapes {a.shape} and {b.shape}"
    if np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f"):
        return ""
    if a.dtype.kind in "fiu" and b.dtype.kind in "fiu":
        return f"differ by up to {np.nanmax(np.abs(a.astype(float) - b)):.3g}"
    return "differ" if a.ndim else f"{str(first)[:60]} | {str(second)[:60]}"
