"""Trained networks in files: the torch module and, if it is one circuit, that circuit for every engine."""

from typing import NamedTuple

import numpy as np
import torch

from organics_neuro.core import circuits, files
from organics_neuro.core.circuits import EXTRA, Circuit
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.units import magnitude
from organics_neuro.nn import ORGaNICs
from organics_neuro.recipes.settings import Recipe, find
from organics_neuro.transfer import to_circuit


class Trained(NamedTuple):
    """What `load` reads: the recipe, the trained torch module, and the circuit of its recurrent part.

    The circuit is None for baselines and for steady-state layers, whose circuits have other gains for each image
    (see `organics_neuro.transfer.steady_circuit`).
    """

    recipe: Recipe
    model: torch.nn.Module
    circuit: Circuit | None


def save(path, recipe, model):
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
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    about = {"recipe": recipe.name}
    if _is_circuit(model):
        to_circuit(model.rnn).save(path, extra=tensors, about=about)
    else:
        files.save(path, tensors, kind="network", metadata={"about": about})


def load(path):
    """Read a trained network that `save` wrote.

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
    arrays, metadata, *_ = files.load(path, "circuit", "network")
    about = metadata.get("about")
    if not isinstance(about, dict) or "recipe" not in about:
        raise FileFormatError(f"{path} holds a circuit, but no trained network")
    try:
        recipe = find(about["recipe"])
    except ValueError as error:
        raise FileFormatError(f"{path} was trained by a recipe that is gone: {error}") from error
    _check_numbers(path, arrays)
    model = recipe.model()
    circuit = circuits.load(path) if _is_circuit(model) else None
    if circuit is not None:
        arrays = {name.removeprefix(EXTRA): value for name, value in arrays.items() if name.startswith(EXTRA)}
    try:
        model.load_state_dict({name: torch.tensor(value) for name, value in arrays.items()})
    except RuntimeError as error:
        raise FileFormatError(f"{path} holds another network than the recipe {recipe.name!r} makes") from error
    if circuit is not None and not _equal(to_circuit(model.rnn), circuit):
        raise FileFormatError(f"{path} was trained with other settings than the recipe {recipe.name!r} has now")
    return Trained(recipe, model.eval(), circuit)


def _is_circuit(model):
    return isinstance(getattr(model, "rnn", None), ORGaNICs)


def _check_numbers(path, arrays):
    """Raise `FileFormatError` if an array holds anything but finite real numbers."""
    for name, array in arrays.items():
        try:
            magnitude(f"array {name!r}", array, "1")
        except (TypeError, ValueError) as error:
            raise FileFormatError(f"{path} does not hold a valid network: {error}") from error


def _equal(made, kept):
    """Whether two circuits are equal in all that is saved of them, up to rounding on another machine."""
    (mine, about_mine), (theirs, about_theirs) = made._record(), kept._record()
    return (
        about_mine == about_theirs
        and {name: array.shape for name, array in mine.items()} == {name: array.shape for name, array in theirs.items()}
        and all(np.allclose(mine[name], theirs[name], rtol=1e-9, atol=0) for name in mine)
    )
