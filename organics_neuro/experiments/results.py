"""Results: datasets that say where they come from, in NetCDF files that are written whole or not at all."""

from pathlib import Path
from typing import Any

import xarray as xr

from organics_neuro import __version__
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.files import replacing


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

    Parameters
    ----------
    dataset : xarray.Dataset
    path : str or Path
        Conventionally ends in ``.nc``.
    """
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(f"dataset must be an xarray.Dataset, as the experiments return, got {type(dataset).__name__}")
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")


def load(path: str | Path) -> xr.Dataset:
    """Read a dataset that `save` wrote.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If the file is corrupt or not NetCDF.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            return dataset.load()
    except (OSError, ValueError, KeyError) as error:
        raise FileFormatError(f"{path} is not a readable NetCDF file ({error})") from error
