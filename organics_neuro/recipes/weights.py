"""Trained networks in files: the torch module and, if it is one circuit, that circuit for every engine."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from organics_neuro.core import circuits, files
from organics_neuro.core.circuits import EXTRA, Circuit, JoinedCircuit
from organics_neuro.core.circuits.base import defining
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.units import magnitude
from organics_neuro.datasets import network_file, network_names
from organics_neuro.nn.protocol import RecurrentLayer
from organics_neuro.recipes.settings import Recipe, find
from organics_neuro.transfer import to_circuit

#: What a file says that holds the circuit of a recurrent network, and one that holds the module alone.
_KINDS = ("circuit", "network")


class Trained(NamedTuple):
    """What `load` reads: the recipe, the trained torch module, and the circuit of its recurrent part.

    The circuit is None for baselines and for steady-state layers, whose circuits have other gains for each image
    (see `organics_neuro.transfer.steady_circuit`).
    """

    recipe: Recipe
    model: nn.Module
    circuit: Circuit | JoinedCircuit | None


def save(path: str | PathLike[str], recipe: Recipe, model: nn.Module) -> None:
    """Write a trained network to a safetensors file.

    `organics_neuro.load` reads the circuit of a recurrent network from it without torch. The readout is then
    in the extra arrays ``readout.weight`` (classes, units) and ``readout.bias`` (classes,), among the other tensors of
    the module; where y is standardized first, ``standardized.running_mean`` and ``standardized.running_var`` (units,)
    say how. Of a network that is not one circuit there are the tensors alone.

    Parameters
    ----------
    path : path
    recipe : Recipe
    model : Module
    """
    files.save(path, *_content(recipe, model))


def load(path: str | PathLike[str]) -> Trained:
    """Read a trained network that `save` wrote.

    Parameters
    ----------
    path : path
        A file, or the name of a network that comes with the package: one of `organics_neuro.datasets.network_names`.

    Returns
    -------
    Trained
        The module is in evaluation mode: nothing is dropped, and calling it leaves its statistics as they are.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is corrupt, holds no trained network, or one that its recipe no longer makes.
    """
    path = located(path)
    content = files.load(path, *_KINDS)
    recipe, model = _module(path, content)
    circuit, rnn = None, _circuit_layer(model)
    if rnn is not None:
        circuit = circuits.load(path)
        if not _equal(to_circuit(rnn), circuit):
            raise FileFormatError(f"{path} was trained with other settings than the recipe {recipe.name!r} has now")
    return Trained(recipe, model.eval(), circuit)


def located(path: str | PathLike[str]) -> str | PathLike[str]:
    """The file of a network that comes with the package for its name, unless there is a file of that name."""
    shipped = isinstance(path, str) and path in network_names() and not Path(path).is_file()
    return network_file(path) if shipped else path


def resave(path: str | PathLike[str]) -> None:
    """Write a trained network again, in the layout and with the declarations of this version.

    No number changes by a single bit: what a circuit holds is computed from the module as in `save`, and where that
    rounds otherwise on this machine, the numbers of the old file are kept.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If `load` could not read the module, or if one of its numbers would be lost; the file is then left as it is.
    """
    content = files.load(path, *_KINDS)
    arrays, kind, metadata = _content(*_module(path, content))
    for name, old in content.arrays.items():
        if name in arrays and arrays[name].shape == old.shape and np.allclose(arrays[name], old, rtol=1e-9, atol=0):
            arrays[name] = old
    lost = Counter(map(files.array_checksum, content.arrays.values())) - Counter(
        map(files.array_checksum, arrays.values())
    )
    if lost:
        raise FileFormatError(f"{path} cannot be written again: {lost.total()} of its arrays would change")
    files.save(path, arrays, kind, metadata)


def fingerprint(path: str | PathLike[str]) -> str:
    """SHA-256 of the numbers of a trained module, whatever their names and the layout of the file."""
    tensors = _tensors(files.load(located(path), *_KINDS)).values()
    return hashlib.sha256("".join(sorted(map(files.array_checksum, tensors))).encode()).hexdigest()


def _circuit_layer(model: nn.Module) -> nn.Module | None:
    """The recurrent part of a network, if it is a circuit: such a layer says so itself."""
    rnn = getattr(model, "rnn", None)
    return rnn if isinstance(rnn, nn.Module) and isinstance(rnn, RecurrentLayer) else None


def _content(recipe: Recipe, model: nn.Module) -> tuple[dict[str, np.ndarray], str, dict[str, Any]]:
    """Arrays, kind and metadata of the file of a trained network."""
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    about, rnn = {"recipe": recipe.name}, _circuit_layer(model)
    if rnn is None:
        return tensors, "network", {"about": about}
    arrays, metadata = to_circuit(rnn)._record()
    return arrays | {EXTRA + name: array for name, array in tensors.items()}, "circuit", {**metadata, "about": about}


def _module(path: str | PathLike[str], content: files.Content) -> tuple[Recipe, nn.Module]:
    """The recipe that a file names, and its network with the numbers of the file."""
    about = content.metadata.get("about")
    if not isinstance(about, dict) or "recipe" not in about:
        raise FileFormatError(f"{path} holds a circuit, but no trained network")
    try:
        recipe = find(about["recipe"])
    except ValueError as error:
        raise FileFormatError(f"{path} was trained by a recipe that is gone: {error}") from error
    _check_numbers(path, content.arrays)
    model = recipe.model()
    try:
        model.load_state_dict({name: torch.tensor(value) for name, value in _tensors(content).items()})
    except RuntimeError as error:
        raise FileFormatError(f"{path} holds another network than the recipe {recipe.name!r} makes") from error
    return recipe, model


def _tensors(content: files.Content) -> dict[str, np.ndarray]:
    """The arrays of the module in a file."""
    if content.kind == "network":
        return content.arrays
    return {name.removeprefix(EXTRA): value for name, value in content.arrays.items() if name.startswith(EXTRA)}


def _check_numbers(path: str | PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise `FileFormatError` if an array holds anything but finite real numbers."""
    for name, array in arrays.items():
        try:
            magnitude(f"array {name!r}", array, "1")
        except (TypeError, ValueError) as error:
            raise FileFormatError(f"{path} does not hold a valid network: {error}") from error


def _equal(made: Circuit | JoinedCircuit, kept: Circuit | JoinedCircuit) -> bool:
    """Whether two circuits are equal in all that is saved of them, up to rounding on another machine."""
    (mine, about_mine), (theirs, about_theirs) = made._record(), kept._record()
    return (
        defining(about_mine) == defining(about_theirs)
        and {name: array.shape for name, array in mine.items()} == {name: array.shape for name, array in theirs.items()}
        and all(np.allclose(mine[name], theirs[name], rtol=1e-9, atol=0) for name in mine)
    )
