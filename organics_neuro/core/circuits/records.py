"""Circuits in files: a record is arrays and metadata, from which an equal circuit is made."""

from organics_neuro.core import files
from organics_neuro.core.circuits.joined import join
from organics_neuro.core.circuits.single import Circuit
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.core.operators import from_arrays


def load(path):
    """Read a circuit, joined or not, that `Circuit.save` wrote.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is corrupt, is not a circuit, or was written by a newer version.
    """
    content = files.load(path, "circuit")
    try:
        return _from_record(content.arrays, content.metadata)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} does not hold a valid circuit: {error}") from error


def _from_record(arrays, metadata):
    if "parts" in metadata:
        parts = {
            name: _from_record(_below(arrays, f"parts/{name}/"), inner) for name, inner in metadata["parts"].items()
        }
        return join(parts, [_coupling(dict(entry), arrays) for entry in metadata["couplings"]])
    model = CircuitModel.from_dict(metadata["model"])
    weights = {
        name: from_arrays(kind, _below(arrays, f"weights/{name}/")) for name, kind in metadata["weights"].items()
    }
    return Circuit(
        model, weights, size=metadata["size"], initial=_below(arrays, "initial/"), **_below(arrays, "parameters/")
    )


def _coupling(entry, arrays):
    """A coupling between parts: the fields of `Coupling`, with the kind of the weights, and the key of their arrays."""
    key, kind = entry.pop("key", entry["target"]), entry.pop("weights")
    weights = None if kind is None else from_arrays(kind, _below(arrays, f"couplings/{key}/"))
    return Coupling(**entry, weights=weights)


def _below(arrays, prefix):
    return {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}
