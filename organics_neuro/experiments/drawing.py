"""What the plots share."""

from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core.errors import missing_extra


def pyplot() -> Any:
    """`matplotlib.pyplot`, or an error that says how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise missing_extra("organics_neuro.plotting", "matplotlib", "plot") from error
    return plt


def axes(ax: Any = None) -> Any:
    """``ax``, or the axes of a new figure."""
    return pyplot().subplots(figsize=(5, 3.6), layout="constrained")[1] if ax is None else ax


def shade(k: int, count: int) -> Any:
    """The k-th of ``count`` colours, dark to light, which colour-blind readers tell apart."""
    return pyplot().get_cmap("viridis")(0.85 * k / max(count - 1, 1))


def curves(values: xr.DataArray, along: str) -> list[xr.DataArray]:
    """One-dimensional pieces of ``values`` along one axis, for all combinations of the others, in order.

    Axes that were selected away, or that hold a label twice, do not matter.
    """
    others = [d for d in values.dims if d != along]
    if along not in values.dims:
        raise ValueError(
            f"dataset must have the axis {along!r}, but {values.name!r} has {', '.join(map(str, values.dims)) or 'none'}"
        )
    indices = np.ndindex(*(values.sizes[d] for d in others))
    return [values.isel(dict(zip(others, index, strict=True))) for index in indices]


def named(curve: xr.DataArray, names: dict[str, str]) -> str:
    """A label for a curve: the scalar coordinates that ``names`` lists, each with its word; empty if it has none."""
    return ", ".join(
        f"{word} {curve[key].item():g}" for key, word in names.items() if key in curve.coords and curve[key].ndim == 0
    )
