"""Results: datasets that say where they come from, in NetCDF files that are written whole or not at all."""

import hashlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import h5netcdf
import xarray as xr

from organics_neuro import __version__
from organics_neuro.core.errors import FileFormatError, shown
from organics_neuro.core.files import check_writable, existing, replacing, warn_unchecked

#: What comes before the checksum at the end of a file, and the attribute that says that there is one.
_MARK, _PROMISE = b"\norganics_neuro sha256 ", "organics_neuro_checksum"
#: How files of the classic format begin; those of NetCDF 4 are HDF5.
_CLASSIC = b"CDF"
#: Bytes of a dataset up to which the classic format is used, whose variables end at 2 GB.
_LARGE = 1 << 30


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

    The format is the classic one (64-bit offsets) where it can hold the dataset, since it is quicker, and NetCDF 4 elsewhere.
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
    content = _encoded(dataset.assign_attrs({_PROMISE: "sha256, in the last line of the file"}))
    with replacing(path) as temporary:
        temporary.write_bytes(content + _trailer(content))


def load(path: str | Path) -> xr.Dataset:
    """Read a dataset that `save` wrote, or any other NetCDF file.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is damaged or not NetCDF.
    """
    content = existing(path).read_bytes()
    content, ending = content[: -len(_trailer(b""))], content[-len(_trailer(b"")) :]
    checked = ending.startswith(_MARK)
    damaged = FileFormatError(f"{path} is damaged: its content does not agree with its checksum; copy it anew")
    if checked and ending != _trailer(content):  # before anything parses it: HDF5 may hang on a changed bit
        raise damaged
    try:
        dataset = _decoded(content if checked else content + ending)
    except Exception as error:  # h5py and xarray raise many kinds
        reason = shown(error, str)
        raise FileFormatError(f"{path} is not a readable NetCDF file ({reason})") from error
    if dataset.attrs.pop(_PROMISE, None) is not None and not checked:
        raise damaged
    if not checked:
        warn_unchecked(path)
    return dataset


def _encoded(dataset: xr.Dataset) -> bytes:
    """The bytes of a NetCDF file, made in memory: on a disk that is full, HDF5 would end the process."""
    if dataset.nbytes < _LARGE and all(dataset.sizes.values()):  # to it, a dimension without length is one that grows
        with suppress(Exception):  # of each kind, for large integers and types that it does not have
            return bytes(dataset.to_netcdf(engine="scipy", format="NETCDF3_64BIT"))
    file = BytesIO()
    try:
        store = xr.backends.H5NetCDFStore(h5netcdf.File(file, "w"))
        dataset.dump_to_store(store)
        store.close()
    except Exception as error:  # of each kind, for attributes, names and types that the format does not have
        raise TypeError(f"the dataset cannot be written as NetCDF: {shown(error, str)}") from error
    return file.getvalue()


def _decoded(content: bytes) -> xr.Dataset:
    """The dataset of a file; integers as int64, of which the classic format makes int32."""
    classic = content.startswith(_CLASSIC)
    with xr.open_dataset(BytesIO(content), engine="scipy" if classic else "h5netcdf") as dataset:
        found = dataset.load()
    if not classic:
        return found
    variables = {name: _long(variable) for name, variable in found.variables.items()}
    coordinates = {name: variables.pop(name) for name in found.coords}
    return xr.Dataset(variables, coordinates, found.attrs)


def _long(variable: xr.Variable) -> xr.Variable:
    variable = variable.to_base_variable()
    return variable.astype("int64") if variable.dtype == "int32" else variable


def _trailer(content: bytes) -> bytes:
    return _MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"
