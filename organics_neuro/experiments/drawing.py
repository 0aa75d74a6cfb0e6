"""What the plots share."""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
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
    """What tells curves apart: their scalar coordinates that differ; all of a single curve. Units, and what they prefer, are left out."""
    scalars = [key for key, c in lines[0].coords.items() if c.ndim == 0 and c.dtype.kind in "ifU"]
    named = [
        key for key in scalars if not str(key).endswith("unit") and not str(key).startswith(("preferred_", "position_"))
    ]
    values = {str(key): [line.coords[key].item() for line in lines] for key in named}
    values = {key: found for key, found in values.items() if max(len(str(value)) for value in found) < _LONG}
    shown = [key for key, found in values.items() if len(lines) == 1 or len(set(found)) > 1]
    shown = shown or [key for key in values if key in ("mask", "contrast")]
    return [", ".join(_label(key, values[key][k]) for key in shown) for k in range(len(lines))]


def _label(key: str, value: Any) -> str:
    if key == "mask" and value == 0:
        return "no mask"
    return f"{key}: {value}" if isinstance(value, str) else f"{key} {value:g}"


def draw_curves(
    ax: Any,
    values: xr.DataArray,
    along: str,
    function: Callable[..., Any] | None = None,
    parameters: Mapping[str, xr.DataArray] | None = None,
    note: str = "",
) -> None:
    """Measured points along one axis, one curve for each combination of the others, with fitted functions through them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : xarray.DataArray
    along : str
    function : callable, optional
        ``function(x, **parameters)``: what was fitted. Without it, or where nothing was found, points are connected.
    parameters : mapping of str to DataArray, optional
        The arguments of the function by name, over the other axes.
    note : str
        Format of an addition to the legend, such as ", half width {half_width:.1f}°", with names of ``parameters``.
    """
    parameters = parameters or {}
    lines = curves(values, along)
    known = curves(values.assign_coords({f"fit_{k}": v.drop_vars(v.coords) for k, v in parameters.items()}), along)
    for k, (curve, each, label) in enumerate(zip(lines, known, labels(lines), strict=True)):
        order = np.argsort(curve[along].values, kind="stable")
        x, y = curve[along].values[order], curve.values[order]
        found = {name: each.coords[f"fit_{name}"].item() for name in parameters}
        fits = function is not None and bool(np.all(np.isfinite([*found.values()])))
        if fits:
            wanted = {name: value for name, value in found.items() if name in signature(function).parameters}
            spaced = np.geomspace if ax.get_xscale() == "log" else np.linspace
            fine = spaced(x.min(), x.max(), 400)
            ax.plot(fine, function(fine, **wanted), color=shade(k, len(lines)), lw=1.5)
        if note and np.all(np.isfinite([*found.values()])):
            label += note.format(**found)
        ax.plot(x, y, "o" if fits or len(x) < 2 else "o-", ms=4, color=shade(k, len(lines)), label=label)


def logarithmic(ax: Any, values: Any) -> None:
    """A logarithmic x axis, with labels at the values that were measured if they are few."""
    ax.set_xscale("log")
    shown = np.unique(values)
    if len(shown) < 8:
        ax.set_xticks(shown, [f"{value:g}" for value in shown])
        ax.minorticks_off()


def legend(ax: Any, **options: Any) -> None:
    """A legend, if curves have labels; ``options`` as matplotlib takes them."""
    if any(ax.get_legend_handles_labels()[1]):
        ax.legend(frameon=False, fontsize="small", **options)
