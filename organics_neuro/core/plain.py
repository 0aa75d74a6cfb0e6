"""Dataclasses as plain data and back, by their fields and type hints, and the key of a record.

A record is what a file holds: arrays by name, and metadata that JSON can hold. New fields of a declaration need no code
here. What comes back from a file has the types that the fields declare, or is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from organics_neuro.core.errors import unknown_name


def to_plain(value: Any) -> Any:
    """``value`` as dictionaries, lists, strings, numbers and None. Quantities become numbers in SI units."""
    if is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(part) for part in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iuf":
        return np.asarray(value).item()
    raise TypeError(f"{type(value).__name__} has no form as plain data")


def from_plain(cls: type, data: Any) -> Any:
    """The dataclass that `to_plain` wrote; fields that are missing take their defaults.

    Raises
    ------
    ValueError
        If the data does not have the fields of ``cls``, or a field has another type.
    """
    return _decode(cls, data, cls.__name__)


def check_fields(instance: Any, where: str) -> None:
    """Raise `TypeError` unless the fields of a dataclass have the types that it declares for them."""
    hints = get_type_hints(type(instance))
    for f in fields(instance):
        try:
            _decode(hints[f.name], getattr(instance, f.name), f"{where}: {f.name}")
        except ValueError as error:
            raise TypeError(str(error)) from None


def digest(arrays: Mapping[str, np.ndarray], metadata: Any) -> str:
    """The sha256 of a record: the same for equal values, however the arrays lie in memory."""
    result = hashlib.sha256(json.dumps(metadata, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        kind = "<f8" if array.dtype.kind == "f" else "<i8"
        array = np.ascontiguousarray(array, dtype=kind) + np.array(0, kind)  # -0.0 is 0.0
        result.update(f"\n{name} {kind} {array.shape}\n".encode())
        result.update(array.tobytes())
    return result.hexdigest()


def _decode(hint: Any, value: Any, where: str) -> Any:
    if hint in (Any, object):
        return value
    if get_origin(hint) in (Union, UnionType):
        return _decode_union(get_args(hint), value, where)
    if is_dataclass(hint):
        return _decode_fields(hint, value, where)
    origin = get_origin(hint) or hint
    if origin in (Sequence, tuple, list):
        return _decode_sequence(get_args(hint), value, where)
    if origin in (Mapping, dict):
        return _decode_mapping(get_args(hint), value, where)
    return _decode_number(hint, value, where)


def _decode_fields(cls: type, value: Any, where: str) -> Any:
    if isinstance(value, cls):
        check_fields(value, where)
        return value
    if not isinstance(value, Mapping):
        raise _wrong(where, f"a {cls.__name__}", value)
    hints, known = get_type_hints(cls), {f.name: f for f in fields(cls)}
    for name in value:
        if name not in known:
            raise ValueError(f"{where}: {unknown_name('field', name, known)}")
    for name, f in known.items():
        if name not in value and f.default is MISSING and f.default_factory is MISSING:
            raise ValueError(f"{where}: the field {name!r} is missing")
    return cls(**{name: _decode(hints[name], part, f"{where}, {name}") for name, part in value.items()})


def _decode_union(hints: tuple, value: Any, where: str) -> Any:
    if value is None and NoneType in hints:
        return None
    structured = is_dataclass(value) or isinstance(value, Mapping)
    for hint in hints:
        if hint is not NoneType and structured == (is_dataclass(hint) or get_origin(hint) is Mapping):
            return _decode(hint, value, where)
    raise _wrong(where, " or ".join(getattr(hint, "__name__", str(hint)) for hint in hints), value)


def _decode_sequence(hints: tuple, value: Any, where: str) -> tuple:
    if not isinstance(value, (list, tuple)):
        raise _wrong(where, "a list", value)
    return tuple(_decode(hints[0] if hints else object, part, where) for part in value)


def _decode_mapping(hints: tuple, value: Any, where: str) -> dict:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _wrong(where, "a dictionary by name", value)
    return {name: _decode(hints[1] if hints else object, part, f"{where} {name!r}") for name, part in value.items()}


def _decode_number(hint: type, value: Any, where: str) -> Any:
    kinds = {float: Real, int: Integral}
    if isinstance(value, bool) != (hint is bool) or not isinstance(value, kinds.get(hint, hint)):
        raise _wrong(where, {"str": "text", "bool": "true or false"}.get(hint.__name__, "a number"), value)
    return value


def _wrong(where: str, wanted: str, value: Any) -> ValueError:
    return ValueError(f"{where} must be {wanted}, got {type(value).__name__}")
