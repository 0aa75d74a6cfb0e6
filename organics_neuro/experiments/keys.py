"""The content of a measurement as a key: the same experiment on the same circuit with the same arguments has the same."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from organics_neuro import __version__
from organics_neuro.core.circuits.base import AnyCircuit
from organics_neuro.core.units import is_quantity
from organics_neuro.engines import Engine
from organics_neuro.experiments.registry import Experiment


def content_key(experiment: Experiment, arguments: Mapping[str, Any]) -> str:
    """The key of a measurement, as text.

    Raises
    ------
    TypeError
        For an argument that has no content that could be told, such as a file that is open.
    """
    bound = experiment.signature.bind(**arguments)
    bound.apply_defaults()
    content = {name: _content(name, value) for name, value in bound.arguments.items() if name != "progress"}
    text = json.dumps([experiment.name, __version__, content], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32]


def _content(name: str, value: Any) -> Any:
    """A value as JSON can hold it; arrays by their hash."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, AnyCircuit):
        return ["circuit", value.key]
    if isinstance(value, Engine):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _content(name, each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, {f.name: _content(name, getattr(value, f.name)) for f in fields(value)}]
    if is_quantity(value) and not isinstance(value, type):
        return [_content(name, np.asarray(value)), str(value.dim)]
    if callable(value):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu().numpy()
    array = np.asarray(value) if not isinstance(value, (list, tuple)) else _as_array(value)
    if array is not None and array.dtype.kind in "biufc":
        return _hashed(array)
    if isinstance(value, (list, tuple)):
        return [_content(name, each) for each in value]
    raise TypeError(f"the argument {name!r} is a {type(value).__name__}, which has no content that could name a file")


def _as_array(values: Any) -> np.ndarray | None:
    try:
        return np.asarray(values)
    except ValueError:  # lists of several lengths
        return None


def _hashed(array: np.ndarray) -> Any:
    if array.ndim == 0:
        return float(array) if array.dtype.kind != "c" else str(array)
    plain = np.ascontiguousarray(array.astype(complex if array.dtype.kind == "c" else float))
    return ["array", list(plain.shape), sha256(plain.tobytes()).hexdigest()]
