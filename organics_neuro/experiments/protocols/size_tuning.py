"""Size tuning: responses against the radius of a patch, or of a hole in a grating (annulus), at several contrasts."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import known_name, shown
from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts, patch
from organics_neuro.core.units import magnitude
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.fits import (
    difference_of_gaussians,
    fit_difference_of_gaussians,
    fit_ratio_of_gaussians,
    ratio_of_gaussians,
)
from organics_neuro.experiments.protocol import combinations, on_sheet, pattern
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, fitted, measured, middle_unit, prefer, responses, ylabel

_SHAPES = ("disc", "annulus")
#: Functions that are fitted to responses to discs, by the prefix of their parameters.
_FITS = {
    "dog": (difference_of_gaussians, fit_difference_of_gaussians, "difference of Gaussians"),
    "rog": (ratio_of_gaussians, fit_ratio_of_gaussians, "ratio of Gaussians"),
}
_PARAMETERS = ("excitation", "inhibition", "width", "surround")


def draw(
    dataset: xr.Dataset, fit: str | None = "rog", output: str | None = None, unit: int | None = None, ax: Any = None
):
    """The response of one unit against radius, one curve for each contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.size_tuning`, or what is left of it after a selection.
    fit : {"dog", "rog"}, optional
        The fitted function to draw through the points, if it was fitted.
    output : str, optional
        Which column to show, by full name; the first by default.
    unit : int, optional
        By default the one that was measured.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if fit is not None:
        known_name("fit", fit, _FITS)
    values, ax = measured(dataset, output, unit), axes(ax)
    has_fit = fit is not None and output is None and unit is None and f"{fit}_width" in dataset
    found = {name: dataset[f"{fit}_{name}"] for name in _PARAMETERS} if has_fit else {}
    draw_curves(ax, values, "radius", _beyond(_FITS[fit][0]) if fit and found else None, found)
    title = dataset.attrs.get("title", "")
    hole = dataset.attrs.get("shape") == "annulus"
    ax.set(
        xlabel="inner radius of the annulus (positions)" if hole else "radius (positions)",
        ylabel=ylabel(values),
        title="Annulus tuning" if hole else f"{title}, fits: {_FITS[fit][2]}" if fit and found else title,
    )
    ax.set_ylim(bottom=0)
    legend(ax)
    return ax


def _beyond(function):
    """A function of the radius of what is shown: positions are half a position larger than their distance."""

    def of_radius(radius, excitation, inhibition, width, surround):
        return function(radius + 0.5, excitation, inhibition, width, surround)

    return of_radius


@experiment(
    "Size tuning",
    axes={"contrast": ("stimulus contrast", "1"), "radius": ("radius", "1"), **AXES},
    columns={
        **COLUMNS,
        "peak_radius": ("radius of the largest response", "1"),
        "suppression_index": ("1 - response to the largest/largest response", "1"),
        **{
            f"{prefix}_{name}": (f"{name} of the {what}", "1")
            for prefix, (_, _, what) in _FITS.items()
            for name in _PARAMETERS
        },
        **{
            f"{prefix}_r2": (f"fraction of the variance that the {w} explains", "1")
            for prefix, (_, _, w) in _FITS.items()
        },
    },
    engine={"duration": 0.5, "window": 0.1, "dt": DT},
    source=(
        "Cavanaugh, Bair & Movshon (2002), Nature and interaction of signals from the receptive field center and "
        "surround in macaque V1 neurons, Journal of Neurophysiology 88:2530-2546"
    ),
    plot=draw,
)
def size_tuning(
    circuit: Any,
    radii: ArrayLike,
    contrasts: ArrayLike = (0.1, 0.3, 1.0),
    engine: Any = "brian",
    *,
    shape: str = "disc",
    angle: float = 180.0,
    unit: int | None = None,
) -> xr.Dataset:
    """Responses to patches of several sizes and contrasts: surround suppression.

    Parameters
    ----------
    circuit : Circuit
        With positions, as `organics_neuro.sheet` makes it.
    radii : array_like, shape (radii,)
        In positions: a patch shows what is not farther from the middle of the sheet.
    contrasts : array_like, shape (contrasts,)
    engine : str or Engine
        Simulators show all combinations as trials of one network and average at the end; "theory" takes the fixed point.
    shape : {"disc", "annulus"}
        Whether a disc of that radius is shown, or all of the sheet but it.
    angle : float
        Of the grating, in degrees on the circle of preferred angles.
    unit : int, optional
        The unit whose curve is described; by default the one in the middle that prefers the angle.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit with the axes contrast, radius and unit, and ``settled``. For discs also, of the
        measured unit and the first output, over contrast: ``peak_radius``, ``suppression_index``, and the parameters of
        two functions of the radius (plus half a position): ``dog_...``, a difference of Gaussian integrals, and
        ``rog_...``, their ratio. They have several minima: look at ``dog_r2`` and ``rog_r2``. NaN where no function was
        found, or where there are fewer than five radii.

    Warns
    -----
    ConvergenceWarning
        If outputs had not settled by the end, or a fixed point was not found.
    """
    on_sheet(circuit)
    known_name("shape", shape, _SHAPES)
    contrasts, sizes = check_contrasts("contrasts", contrasts), magnitude("radii", radii, "1")
    if sizes.ndim != 1 or not sizes.size:
        raise ValueError(f"radii must be a list of numbers, got {shown(radii)}")
    each = [_shown(circuit, shape, radius, angle) for radius in sizes.tolist()]
    inputs = combinations(contrasts, {name: np.stack([one[name] for one in each]) for name in each[0]})
    dataset = responses(circuit, engine, inputs, {"contrast": contrasts, "radius": sizes})
    dataset = prefer(dataset, middle_unit(circuit, angle) if unit is None else unit).assign_attrs(shape=shape)
    return dataset if shape == "annulus" else dataset.assign(_described(measured(dataset)))


def _shown(circuit: Any, shape: str, radius: float, angle: float) -> dict[str, np.ndarray]:
    grating = patch(circuit, radius, angle) if shape == "disc" else patch(circuit, np.inf, angle, inner=radius)
    return pattern(circuit, grating, angle)


def _described(curve: xr.DataArray) -> dict[str, tuple]:
    def describe(radius, rate):
        largest = rate[radius.argmax()]
        index = 1 - largest / rate.max() if rate.max() > 0 else np.nan
        return {"peak_radius": radius[rate.argmax()], "suppression_index": index}

    found = fitted(curve, "radius", describe)
    for prefix, (_, fit, _) in _FITS.items():
        found |= fitted(curve, "radius", lambda radius, rate, fit=fit: fit(radius + 0.5, rate), f"{prefix}_")
    return found
