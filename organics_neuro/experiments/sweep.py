"""Sweeps: any experiment over a grid of parameters, circuits, seeds or arguments, with a file for each point.

A point is named by its content (experiment, circuit, arguments, version of the package), so a sweep that was stopped
goes on where it was, and loses at most the points in hand.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from tqdm import tqdm

from organics_neuro.core.boundary import known_name, positive_int, shown
from organics_neuro.core.errors import ConvergenceWarning, FileFormatError
from organics_neuro.core.files import make_folder
from organics_neuro.experiments.keys import content_key
from organics_neuro.experiments.points import combine
from organics_neuro.experiments.registry import Experiment, find
from organics_neuro.experiments.results import load, save
from organics_neuro.experiments.settings import CIRCUIT, arguments_of, parameters_of


@dataclass(frozen=True)
class _Axis:
    """What varies along one axis of a sweep: labels for the dataset, and what they stand for."""

    name: str
    labels: list
    values: list


def sweep(
    name: str | Experiment,
    circuits: Any = None,
    grid: Mapping[str, Any] | None = None,
    path: str | Path = "sweep",
    workers: Any = 2,
    *,
    failures: str = "raise",
    progress: bool = True,
    **arguments: Any,
) -> xr.Dataset:
    """Run an experiment at every point of a grid.

    Parameters
    ----------
    name : str or Experiment
        See `organics_neuro.experiments.list`.
    circuits : Circuit, JoinedCircuit, or a sequence or dictionary of them
        Several make an axis "circuit", labelled by number or by the names of the dictionary.
    grid : dict
        Values by what varies: an argument of the experiment ("angle"), an argument of its engine ("seed"), or a parameter
        of the circuit ("sigma", "e.sigma" of a part). Values are a sequence, or a dictionary by label for values that
        are no numbers or texts.
    path : path
        Folder of the points, one NetCDF file each. Points that are there are not measured again.
    workers : int or dask.distributed.Client
        Processes of joblib; 1 measures in this one. A client needs the extra "cluster", and its workers a folder ``path``
        that all share; they must load Brian2 in their main thread: ``LocalCluster(preload=["brian2"])``.
    failures : {"raise", "skip"}
        What happens, once all other points are measured, if some failed: an error, or NaN in their place with a warning.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.
    **arguments
        Further arguments of the experiment.

    Returns
    -------
    xarray.Dataset
        All points together. Whatever varied is a coordinate, provenance included.

    Raises
    ------
    ValueError, TypeError
        For a grid that does not fit the experiment and the circuits, before anything is measured.
    RuntimeError
        If points failed.

    Examples
    --------
    ::

        ds = on.experiments.sweep(
            "contrast_response", on.ring(), {"sigma": [0.1, 0.2], "b": [0.5, 1]}, "rings", contrasts=[0.1, 1], engine="theory"
        )
        ds.rate_y.sel(sigma=0.1, b=1)
    """
    known_name("failures", failures, ("raise", "skip"))
    experiment = name if isinstance(name, Experiment) else find(name)
    axes, arguments = _axes(circuits, grid or {}, arguments)
    points = [
        arguments_of(experiment, {**arguments, **dict(zip((a.name for a in axes), values, strict=True))})
        for values in product(*(axis.values for axis in axes))
    ]
    make_folder(path)
    files = [Path(path) / f"{content_key(experiment, point)}.nc" for point in points]
    missing = {file: point for file, point in zip(files, points, strict=True) if not _is_there(file)}
    errors = _measure_all(experiment, missing, workers, len(files), progress)
    if errors and (failures == "raise" or len(errors) == len({*files})):
        raise RuntimeError(_failure(errors, files, axes, path))
    if errors:
        warnings.warn(f"{len(errors)} of {len(files)} points failed, they are NaN", ConvergenceWarning, stacklevel=2)
    if not axes:
        return load(files[0])
    datasets = np.empty(len(files), dtype=object)
    for k, file in enumerate(files):
        datasets[k] = None if file in errors else load(file)
    units = parameters_of(points[0].get(experiment.first))
    shape = tuple(len(axis.values) for axis in axes)
    return combine(datasets.reshape(shape), [(axis.name, axis.labels, units.get(axis.name, "1")) for axis in axes])


def _failure(errors: Mapping[Path, str], files: list[Path], axes: list[_Axis], path: Any) -> str:
    file, error = next(iter(errors.items()))
    labels = list(product(*(axis.labels for axis in axes)))[files.index(file)]
    where = ", ".join(f"{axis.name} = {label}" for axis, label in zip(axes, labels, strict=True)) or "the only point"
    return f"{len(errors)} of {len(files)} points failed, the first at {where}: {error}; the others are in {path}"


# --- what varies ----------------------------------------------------------------------------------------------------


def _axes(circuits: Any, grid: Any, arguments: Mapping[str, Any]) -> tuple[list[_Axis], dict[str, Any]]:
    """The axes, and the arguments of all points: with the circuit, if there is one."""
    if not isinstance(grid, Mapping):
        raise TypeError(f"grid must be a dictionary of what varies, got {type(grid).__name__}")
    axes = [_axis(name, values) for name, values in grid.items()]
    if isinstance(circuits, (Mapping, Sequence)):
        return [_axis(CIRCUIT, circuits), *axes], dict(arguments)
    return axes, dict(arguments) if circuits is None else {CIRCUIT: circuits, **arguments}


def _axis(name: str, values: Any) -> _Axis:
    if isinstance(values, Mapping):
        labels, given = list(values), list(values.values())
    elif isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"the grid gives {name!r} the value {shown(values)}, but must give a list of values")
    else:
        given = list(values)
        labels = [_label(value) for value in given]
        if any(label is None for label in labels):
            labels = list(range(len(given)))
    if not given:
        raise ValueError(f"the grid gives {name!r} no values")
    return _Axis(name, labels, given)


def _label(value: Any) -> Any:
    """A number or a text that stands for a value; None if there is none."""
    if isinstance(value, (bool, str)):
        return value
    plain = np.asarray(value) if np.ndim(value) == 0 and not hasattr(value, "dynamics") else np.asarray([object()])
    return plain.item() if plain.dtype.kind in "biuf" else None


# --- measuring ------------------------------------------------------------------------------------------------------


def _is_there(file: Path) -> bool:
    """Whether a point was measured; a file that cannot be read does not count."""
    if not file.is_file():
        return False
    try:
        load(file)
    except FileFormatError:
        return False
    return True


def _measure_all(
    experiment: Experiment, missing: Mapping[Path, dict], workers: Any, total: int, progress: bool
) -> dict[Path, str]:
    """Measure points and write their files; what went wrong, by file."""
    errors = {}
    done = total - len(missing)
    with tqdm(total=total, initial=done, unit="point", delay=2, disable=not progress, desc=experiment.name) as bar:
        for file, error in _results(experiment, missing, workers):
            if error is not None:
                errors[file] = error
            bar.update()
    return errors


def _results(experiment: Experiment, missing: Mapping[Path, dict], workers: Any) -> Iterator[tuple[Path, str | None]]:
    calls = [(experiment, file, point) for file, point in missing.items()]
    if hasattr(workers, "submit"):
        yield from _on_cluster(workers, calls)
        return
    if positive_int("workers", workers) == 1 or len(missing) < 2:
        yield from (_measure(*each) for each in calls)
        return
    from joblib import Parallel, delayed

    pool: Callable[..., Any] = Parallel(n_jobs=min(workers, len(missing)), return_as="generator_unordered")
    results: Any = pool(delayed(_measure)(*each) for each in calls)
    yield from results


def _on_cluster(client: Any, calls: list[tuple[Experiment, Path, dict]]) -> Iterator[tuple[Path, str | None]]:
    """Points as a cluster completes them. What a worker that died had in hand is measured again by another one."""
    from distributed import as_completed

    futures = {client.submit(_measure, *call, pure=False): call[1] for call in calls}
    for future in as_completed(futures):
        error = future.exception()  # of the cluster itself: one of a point is among the results
        yield future.result() if error is None else (futures[future], f"{type(error).__name__}: {error}")


def _measure(experiment: Experiment, file: Path, point: dict) -> tuple[Path, str | None]:
    """Measure a point and write its file; what went wrong, if something did."""
    try:
        save(experiment(**point), file)
    except (ArithmeticError, RuntimeError, MemoryError, ValueError) as error:
        return file, f"{type(error).__name__}: {error}"
    return file, None
