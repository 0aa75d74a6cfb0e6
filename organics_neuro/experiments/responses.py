"""Steady responses to many conditions as one dataset, and what is read off for the unit that is measured."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import stimuli
from organics_neuro.core.boundary import check_index, known_name
from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.names import Name
from organics_neuro.experiments.protocol import (
    Inputs,
    long_name,
    most_driven,
    unit_axis,
    with_preferences,
    with_units,
)

#: Names and long names of the coordinates that outputs of steady responses have.
AXES = {
    "unit": ("unit", "1"),
    "preferred_angle": ("preferred angle", "degree"),
    "position_y": ("row of the receptive field", "1"),
    "position_x": ("column of the receptive field", "1"),
}
COLUMNS = {"settled": ("whether the circuit had come to rest", "1")}


def responses(
    circuit: Any,
    engine: Any,
    inputs: Inputs,
    axes: Mapping[str, ArrayLike],
    shown: Inputs | None = None,
    best: tuple[int, ...] = (),
) -> xr.Dataset:
    """Where a circuit settles in each of many conditions.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    engine : Engine
    inputs : dict of ndarray
        Inputs (conditions, units), in the order of all combinations of ``axes``, the last of which varies fastest; and
        parameters that stay as they are.
    axes : dict of array_like
        Coordinates by the name of the axis.
    shown : dict of ndarray, optional
        The stimulus (units,) that tells which unit it drives most.
    best : tuple of int
        Index of the condition whose response tells it for outputs of which the stimulus does not; by default that of each
        unit to which it responds most.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit (its states if it has none), and what the engine measures beside it, with the axes and
        its unit, with the attribute ``preferred_unit``; and ``settled``.
    """
    found, dims = engine.settle(circuit, inputs), tuple(axes)
    shape = tuple(len(np.asarray(values)) for values in axes.values())
    variables, units = {}, {name: engine.beside[name] for name in found.beside}
    for name, value in {**(found.outputs or found.states), **found.beside}.items():
        value = value.reshape(*shape, -1)
        attributes = {
            "preferred_unit": most_driven(circuit, shown, name, value[best].reshape(-1, value.shape[-1]).max(axis=0)),
            "long_name": long_name(name),
            "units": units.get(name, "1"),
        }
        full = Name.parse(name)
        population = circuit.populations.get(full.population)  # none for what is beside the circuit
        own = population is None or population.size == value.shape[-1]
        variables[str(name)] = ((*dims, unit_axis(name) if own else _channel_axis(full)), value, attributes)
    variables["settled"] = (dims, found.settled.reshape(shape))
    return with_preferences(with_units(xr.Dataset(variables, coords=dict(axes))), circuit)


def _channel_axis(name: Name) -> str:
    """Name of the axis of an output that weights read into channels of its own."""
    return "_".join(part for part in (name.population, name.variable, "channel") if part)


def middle_unit(circuit: Any, angle: float = 180.0) -> int | None:
    """The unit that prefers ``angle``, or the next to it, in the middle of the circuit; None where nothing is known."""
    prefers = stimuli.preferred(circuit)
    if not prefers:
        return None
    distance = np.zeros(circuit.size)
    if "angle" in prefers:
        distance += np.abs((prefers["angle"] - angle + 180) % 360 - 180) / 360  # less than a position
    for name in ("y", "x"):
        if name in prefers:
            distance += np.abs(prefers[name] - (prefers[name].max() + 1) // 2)
    return int(np.argmin(np.round(distance, 9)))


def measured(dataset: xr.Dataset, output: str | None = None, unit: int | None = None) -> xr.DataArray:
    """An output of one unit, without its unit's axis.

    Parameters
    ----------
    dataset : xarray.Dataset
        From an experiment that uses `responses`, a sweep of it, or what is left after a selection.
    output : str, optional
        By full name; the first by default.
    unit : int, optional
        By default the preferred one, which may differ between the points of a sweep.
    """
    outputs = [
        str(name)
        for name, value in dataset.data_vars.items()
        if "preferred_unit" in value.attrs or f"{name}.preferred_unit" in dataset.coords
    ]
    if not outputs:
        raise ValueError("dataset must hold an output of an experiment, with the attribute 'preferred_unit'")
    chosen: str = known_name("output", outputs[0] if output is None else output, outputs)
    return of_unit(dataset, chosen, unit)


def of_unit(dataset: xr.Dataset, output: str, unit: int | None) -> xr.DataArray:
    """The output of one unit; of each point's own preferred unit where that differs."""
    values = dataset[output]
    axis = next((axis for axis in (unit_axis(output), _channel_axis(Name.parse(output))) if axis in values.dims), None)
    if axis is None:  # one unit was selected
        return values
    preferred = f"{output}.preferred_unit"
    if unit is None and preferred in dataset.coords:
        return values.isel({axis: dataset[preferred]})
    unit = check_index(
        "unit", int(values.attrs.get("preferred_unit", 0)) if unit is None else unit, values.sizes[axis], "units"
    )
    if axis in values.coords and unit in values[axis].values:  # after a selection, units keep their numbers
        return values.isel({axis: int(np.flatnonzero(values[axis].values == unit)[0])})
    return values.isel({axis: unit})


def ylabel(values: xr.DataArray) -> str:
    """What an output is, and its unit, for an axis of a plot."""
    unit = values.attrs.get("units", "1")
    return f"{values.attrs.get('long_name', values.name)} ({'normalized' if unit == '1' else unit})"


def prefer(dataset: xr.Dataset, unit: int | None) -> xr.Dataset:
    """The dataset with ``unit`` as the preferred one of each output that has as many units; as it is for None."""
    if unit is not None:
        check_index(
            "unit", unit, max((v.sizes[v.dims[-1]] for v in dataset.data_vars.values() if v.dims), default=0), "units"
        )
    for value in dataset.data_vars.values():
        if unit is not None and "preferred_unit" in value.attrs and unit < value.sizes[value.dims[-1]]:
            value.attrs["preferred_unit"] = unit
    return dataset


def fitted(
    values: xr.DataArray, along: str, fit: Callable[..., dict[str, float]], prefix: str = ""
) -> dict[str, tuple]:
    """Parameters of a function that is fitted along one axis, each over the other axes; NaN where none was found."""
    dims = tuple(d for d in values.dims if d != along)
    found: dict[str, np.ndarray] = {}
    shape = tuple(values.sizes[d] for d in dims)
    for index in np.ndindex(*shape):
        curve = values.isel(dict(zip(dims, index, strict=True)))
        try:
            parameters = fit(curve[along].values, curve.values)
        except (ConvergenceError, ValueError):
            continue
        for key, value in parameters.items():
            found.setdefault(f"{prefix}{key}", np.full(shape, np.nan))[index] = value
    return {key: (dims, value) for key, value in found.items()}


def suppression(dataset: xr.Dataset, alone: xr.Dataset) -> xr.Dataset:
    """The dataset with ``alone``, the measured unit's response to a test alone, and the part of it that was lost."""
    before = float(measured(alone).item())
    now = measured(dataset)
    lost = 1 - now / before if before > 0 else xr.full_like(now, np.nan)
    return dataset.assign(alone=before, suppression=lost.drop_vars(set(lost.coords) - set(lost.dims)).drop_attrs())
