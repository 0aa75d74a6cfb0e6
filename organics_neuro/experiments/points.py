"""The points of a sweep as one dataset, in which whatever varied is a coordinate."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr


def combine(datasets: np.ndarray, axes: Sequence[tuple[str, list, str]]) -> xr.Dataset:
    """Datasets on a grid as one.

    Parameters
    ----------
    datasets : ndarray of object
        One for each point; None for one that is missing, which becomes NaN.
    axes : sequence of (str, list, str)
        Name, labels and unit of each axis of ``datasets``.

    Raises
    ------
    ValueError
        If an axis has the name of something in the datasets.
    """
    first = next(each for each in datasets.flat if each is not None)
    taken = [name for name, _, _ in axes if name in first.variables or name in first.dims]
    if taken:
        raise ValueError(f"{taken[0]!r} cannot be swept over: the datasets have something of that name")
    dims = [name for name, _, _ in axes]
    kept, varied = _attributes(datasets, dims)
    nothing, filled = xr.full_like(first.astype(float), np.nan), np.empty(datasets.shape, dtype=object)
    for index in np.ndindex(datasets.shape):
        filled[index] = nothing if datasets[index] is None else datasets[index]
    how: dict[str, Any] = {"data_vars": "all", "coords": "minimal", "compat": "override", "join": "outer"}
    joined = xr.combine_nested(filled.tolist(), concat_dim=dims, combine_attrs="drop", **how)
    joined = joined.transpose(*dims, ...).assign_coords(
        {name: (name, labels, {"units": unit}) for name, labels, unit in axes}
    )
    for name, variable in joined.variables.items():
        if name in first.variables:
            variable.attrs = {k: v for k, v in first[name].attrs.items() if f"{name}.{k}" not in varied}
    return joined.assign_coords(varied).assign_attrs(kept)


def _attributes(datasets: np.ndarray, dims: list[str]) -> tuple[dict, dict]:
    """Attributes that all datasets share, and those that vary as coordinates; of variables as ``variable.attribute``."""
    found = [None if each is None else _all_attributes(each) for each in datasets.flat]
    names = list(dict.fromkeys(name for each in found if each is not None for name in each))
    kept, varied = {}, {}
    for name in names:
        missing = _missing(next(each[name] for each in found if each is not None and name in each))
        values = np.array([missing if each is None else each.get(name, missing) for each in found]).reshape(
            datasets.shape
        )
        present = [each[name] for each in found if each is not None and name in each]
        if all(np.array_equal(value, present[0]) for value in present):
            if "." not in name or name in next(e for e in datasets.flat if e is not None).attrs:
                kept[name] = present[0]
        elif values.ndim == len(dims):
            varied[f"{name}_repr" if name in dims else name] = _squeezed(values, dims)
    return kept, varied


def _all_attributes(dataset: xr.Dataset) -> dict[str, Any]:
    own = {f"{name}.{key}": value for name, v in dataset.variables.items() for key, value in v.attrs.items()}
    return {**own, **dataset.attrs}


def _missing(example: Any) -> Any:
    return "" if isinstance(example, str) else -1 if isinstance(example, (int, np.integer)) else np.nan


def _squeezed(values: np.ndarray, dims: list[str]) -> tuple[list[str], np.ndarray]:
    """Values without the axes along which they do not vary."""
    left = list(dims)
    for dim in dims:
        axis = left.index(dim)
        if (values == values.take([0], axis=axis)).all():
            values = values.take(0, axis=axis)
            left.remove(dim)
    return left, values
