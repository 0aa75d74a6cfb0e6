"""Complex values of pairs of real variables: ``y`` stands for ``y_re`` and ``y_im`` where a circuit has these."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from organics_neuro.core.errors import shown

#: How the names of the two parts end.
PARTS = ("_re", "_im")


def split_complex(given: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """``given`` with each value of a pair, under the pair's name, as its two real parts.

    Parameters
    ----------
    given : dict
        Arrays, numbers or operators by name; a real one under the name of a pair has no imaginary part.
    known : collection of str
        The names that there are: "y" is a pair if "y_re" and "y_im" are among them and "y" is not.
    """
    result: dict[str, Any] = {}
    for name, value in given.items():
        if name in known or not all(f"{name}{part}" in known for part in PARTS):
            result[name] = value
            continue
        real, imaginary = _halves(value)
        for part, half in zip(PARTS, (real, imaginary), strict=True):
            if f"{name}{part}" in given:
                raise ValueError(f"{name!r} and {name + part!r} are both given; give the pair or its parts")
            result[f"{name}{part}"] = half
    return result


def _halves(value: Any) -> tuple[Any, Any]:
    """Real and imaginary part; of what is no number, itself, so that it is refused as in any other place."""
    with suppress(ValueError):  # lists of several lengths
        value = np.asarray(value) if isinstance(value, (list, tuple)) else value
    is_complex = value.is_complex() if hasattr(value, "is_complex") else np.iscomplexobj(value)  # tensors have it
    if is_complex:
        return value.real, value.imag
    return value, 0 * value if hasattr(value, "__mul__") else value


def join_complex(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` by name, with each pair ``y_re``, ``y_im`` as one complex array ``y``; all else stays as it is."""
    if not isinstance(values, Mapping):
        raise TypeError(f"values must be a dictionary by name, got {shown(values)}")
    result: dict[str, Any] = {}
    for name, value in values.items():
        base, part = name[:-3], name[-3:]
        if part in PARTS and all(f"{base}{p}" in values for p in PARTS):
            result[base] = values[f"{base}_re"] + 1j * values[f"{base}_im"]
        else:
            result[name] = value
    return result
