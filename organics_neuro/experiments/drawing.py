"""What the plots share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core.errors import missing_extra

#: Characters of a text that is too long for a legend.
_LONG = 24


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


def labels(lines: Sequence[xr.DataArray]) -> list[str]:
    """What tells curves apart: their scalar coordinates that differ; all of a single curve. Units are left out."""
    scalars = [key for key, c in lines[0].coords.items() if c.ndim == 0 and c.dtype.kind in "ifU"]
    values = {str(key): [line.coords[key].item() for line in lines] for key in scalars if not str(key).endswith("unit")}
    values = {key: found for key, found in values.items() if max(len(str(value)) for value in found) < _LONG}
    shown = [key for key, found in values.items() if len(lines) == 1 or len(set(found)) > 1]
    shown = shown or [key for key in values if key in ("mask", "contrast")]
    return [", ".join(_label(key, values[key][k]) for key in shown) for k in range(len(lines))]


def _label(key: str, value: Any) -> str:
    if key == "mask" and value == 0:
        return "no mask"
    return f"{key} {value}" if isinstance(value, str) else f"{key} {value:g}"


def legend(ax: Any) -> None:
    """A legend, if curves have labels."""
    if any(ax.get_legend_handles_labels()[1]):
        ax.legend(frameon=False, fontsize="small")
