"""Trained networks in files: the circuit, for every engine, and the torch module that it was made from."""

from typing import NamedTuple

import numpy as np
import torch

from organics_neuro.core import files
from organics_neuro.core.circuit import Circuit
from organics_neuro.core.errors import FileFormatError
from organics_neuro.nn import ORGaNICs
from organics_neuro.recipes.settings import Recipe, find
from organics_neuro.transfer import to_circuit


class Trained(NamedTuple):
    """What `load` reads: the recipe, the trained torch module, and the circuit of its recurrent part."""

    recipe: Recipe
    model: torch.nn.Module
    circuit: Circuit


def is_circuit(model):
    """Whether `save` can write the circuit of a network."""
    return isinstance(getattr(model, "rnn", None), ORGaNICs)


def save(path, recipe, model):
    """Write a trained network to a safetensors file.

    `organics_neuro.Circuit.load` reads the circuit from it without torch. Its readout is in the extra arrays
    ``readout.weight`` (classes, units) and ``readout.bias`` (classes,), among the other tensors of the module.

    Parameters
    ----------
    path : path
    recipe : Recipe
    model : SequenceClassifier
        With an `ORGaNICs` network.
    """
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    to_circuit(model.rnn).save(path, extra=tensors, about={"recipe": recipe.name})


def load(path):
    """Read a trained network that `save` wrote.

    Returns
    -------
    Trained

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is corrupt, holds no trained network, or one that its recipe no longer makes.
    """
    arrays, metadata = files.load(path, kind="circuit")
    if "recipe" not in metadata.get("about", {}):
        raise FileFormatError(f"{path} holds a circuit, but no trained network")
    recipe, circuit = find(metadata["about"]["recipe"]), Circuit.load(path)
    model = recipe.model()
    tensors = {name[len("extra/") :]: torch.tensor(v) for name, v in arrays.items() if name.startswith("extra/")}
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise FileFormatError(f"{path} holds another network than the recipe {recipe.name!r} makes") from error
    if not _equal(to_circuit(model.rnn), circuit):
        raise FileFormatError(f"{path} was trained with other settings than the recipe {recipe.name!r} has now")
    return Trained(recipe, model, circuit)


def _equal(made, kept):
    """Whether two circuits have the same weights and parameters, up to rounding on another machine."""
    return all(
        np.allclose(mine, theirs, rtol=1e-9, atol=0)
        for mine, theirs in zip(_numbers(made), _numbers(kept), strict=True)
    )


def _numbers(circuit):
    for connection in circuit.connections:
        yield connection.weights.to_dense()
    for population in circuit.populations.values():
        yield from population.parameters.values()
