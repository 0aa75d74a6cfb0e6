"""Results: datasets that say where they come from, in NetCDF files that are written whole or not at all."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import h5netcdf
import xarray as xr

from organics_neuro import __version__
from organics_neuro.core.errors import FileFormatError, shown
from organics_neuro.core.files import check_writable, existing, replacing, warn_unchecked

#: What comes before the checksum at the end of a file.
_MARK = b"\norganics_neuro sha256 "
#: How HDF5 files begin, in which NetCDF 4 is written.
_HDF5 = b"\x89HDF\r\n\x1a\n"


def label(dataset: xr.Dataset, circuit: Any, title: str, **attributes: Any) -> xr.Dataset:
    """Add to a dataset what a reader needs to know of where it comes from; what it says itself stays."""
    facts = {"title": title, "software": f"organics_neuro {__version__}"}
    if hasattr(circuit, "populations"):
        models = [population.model for population in circuit.populations.values()]
        facts["circuit"] = repr(circuit)
        facts["citation"] = "; ".join(dict.fromkeys(model.citation for model in models if model.citation))
        facts["circuit_key"] = circuit.key
    dataset.attrs = {**facts, **attributes, **dataset.attrs}
    return dataset


def save(dataset: xr.Dataset, path: str | Path) -> None:
    """Write the dataset of an experiment to a NetCDF file.

    The file ends in a checksum of its content, which readers of NetCDF pass over.

    Parameters
    ----------
    dataset : xarray.Dataset
    path : str or Path
        Conventionally ends in ``.nc``.

    Raises
    ------
    TypeError
        For what is no dataset, or cannot be in a NetCDF file.
    OSError
        If the file cannot be written; what was there before is kept.
    """
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(f"dataset must be an xarray.Dataset, as the experiments return, got {type(dataset).__name__}")
    check_writable(path)
    content = _encoded(dataset)
    with replacing(path) as temporary:
        temporary.write_bytes(content + _trailer(content))


def load(path: str | Path) -> xr.Dataset:
    """Read a dataset that `save` wrote, or any other NetCDF 4 file.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is damaged or not NetCDF.
    """
    content = existing(path).read_bytes()
    content, ending = content[: -len(_trailer(b""))], content[-len(_trailer(b"")) :]
    if not ending.startswith(_MARK):
        content += ending
        if content.startswith(_HDF5):
            warn_unchecked(path)
    elif ending != _trailer(content):  # before anything parses it: HDF5 may hang on a changed bit
        raise FileFormatError(f"{path} is damaged: its content does not agree with its checksum; copy it anew")
    try:
        with xr.open_dataset(BytesIO(content), engine="h5netcdf") as dataset:
            return dataset.load()
    except Exception as error:  # h5py and xarray raise many kinds
        reason = shown(error, str)
        raise FileFormatError(f"{path} is not a readable NetCDF file ({reason})") from error


def _encoded(dataset: xr.Dataset) -> bytes:
    """The bytes of a NetCDF file, made in memory: on a disk that is full, HDF5 would end the process."""
    file = BytesIO()
    try:
        store = xr.backends.H5NetCDFStore(h5netcdf.File(file, "w"))
        dataset.dump_to_store(store)
        store.close()
    except Exception as error:  # of each kind, for attributes, names and types that the format does not have
        raise TypeError(f"the dataset cannot be written as NetCDF: {shown(error, str)}") from error
    return file.getvalue()


def _trailer(content: bytes) -> bytes:
    return _MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"
