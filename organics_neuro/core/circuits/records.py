"""Circuits in files: a record is arrays and metadata, from which an equal circuit is made."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from organics_neuro.core import files
from organics_neuro.core.circuits.base import MADE_FOR, AnyCircuit
from organics_neuro.core.circuits.joined import JoinedCircuit, join
from organics_neuro.core.circuits.single import Circuit
from organics_neuro.core.errors import FileFormatError, shown
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.core.operators import from_arrays
from organics_neuro.core.plain import from_plain


def load(path: str | Path) -> Circuit | JoinedCircuit:
    """Read a circuit, joined or not, that `Circuit.save` wrote.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is corrupt, is not a circuit, or was written by a newer version.
    """
    content = files.load(path, "circuit")
    try:
        return from_record(content.arrays, content.metadata)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} does not hold a valid circuit: {shown(error, str, 500)}") from error


def from_record(arrays: Mapping[str, np.ndarray], metadata: Mapping) -> AnyCircuit:
    """The circuit of a record; arrays that belong to it but do not define it are passed over."""
    if "parts" in metadata:
        parts = {
            name: from_record(_below(arrays, f"parts/{name}/"), inner) for name, inner in metadata["parts"].items()
        }
        return join(parts, [_coupling(dict(entry), arrays) for entry in metadata["couplings"]])
    model = CircuitModel.from_dict(metadata["model"])
    weights = {
        name: from_arrays(kind, _below(arrays, f"weights/{name}/")) for name, kind in metadata["weights"].items()
    }
    return Circuit(
        model,
        weights,
        size=metadata["size"],
        initial=_below(arrays, "initial/"),
        made_for=metadata.get(MADE_FOR),
        **_below(arrays, "parameters/"),
    )


def _coupling(entry, arrays):
    """A coupling between parts: the fields of `Coupling`, with the kind of the weights, and the key of their arrays."""
    key, kind = entry.pop("key", entry["target"]), entry.pop("weights")
    weights = None if kind is None else from_arrays(kind, _below(arrays, f"couplings/{key}/"))
    return replace(from_plain(Coupling, {**entry, "weights": None}), weights=weights)


def _below(arrays, prefix):
    return {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}
