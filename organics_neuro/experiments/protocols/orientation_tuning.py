"""Orientation tuning: responses against the angle of a grating, at several contrasts."""

from typing import Any

import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.fits import fit_von_mises, half_width, von_mises
from organics_neuro.experiments.protocol import AngleStimulus, combinations, gratings
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, fitted, measured, middle_unit, prefer, responses, ylabel

_FIT = ("amplitude", "kappa", "preferred")


def draw(dataset: xr.Dataset, output: str | None = None, unit: int | None = None, ax: Any = None):
    """The tuning curve of one unit at each contrast, with the von Mises functions that were fitted to it.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.orientation_tuning`, or what is left of it after a selection.
    output : str, optional
        Which column to show, by full name; the first by default.
    unit : int, optional
        By default the one that was measured; the curves of another one are drawn without fits.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    values, ax = measured(dataset, output, unit), axes(ax)
    found = {name: dataset[name] for name in (*_FIT, "half_width")} if unit is None and output is None else {}
    note = ": {half_width:.1f}°" if found else ""
    draw_curves(ax, values, "angle", von_mises if found else None, found, note)
    ax.set(
        xlabel="angle of the grating (degrees on the circle)",
        ylabel=ylabel(values),
        title=dataset.attrs.get("title", ""),
        xticks=range(0, 361, 90),
    )
    legend(ax, loc="upper left", title="half width" if found else None, title_fontsize="small")
    return ax


@experiment(
    "Orientation tuning",
    axes={"contrast": ("stimulus contrast", "1"), "angle": ("angle of the grating", "degree"), **AXES},
    columns={
        **COLUMNS,
        "half_width": ("half of the width at half of the height", "degree"),
        "amplitude": ("amplitude of the von Mises function", "1"),
        "kappa": ("concentration of the von Mises function", "1"),
        "preferred": ("angle of the largest response", "degree"),
        "r2": ("fraction of the variance that the fit explains", "1"),
    },
    engine={"duration": 0.5, "window": 0.1, "dt": DT},
    source="Heeger (1992), Normalization of cell responses in cat striate cortex, Visual Neuroscience 9:181-197",
    plot=draw,
)
def orientation_tuning(
    circuit: Any,
    contrasts: ArrayLike,
    angles: ArrayLike | None = None,
    engine: Any = "brian",
    *,
    unit: int | None = None,
    stimulus: AngleStimulus = None,
) -> xr.Dataset:
    """Tuning curves at several contrasts: with a uniform pool their width does not depend on contrast.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
    angles : array_like, optional
        In degrees on the circle of preferred angles (for orientation, 360° stand for 180° of the visual field). By
        default up to 72 angles around the circle. Where the encoder knows fewer, the next smaller one is shown, and is
        what the dataset says.
    engine : str or Engine
        Simulators show all combinations as trials of one network and average at the end; "theory" takes the fixed point.
    unit : int, optional
        The unit whose curve is described; by default the one that prefers 180°, in the middle of a sheet.
    stimulus : callable, optional
        What to show at contrast 1 instead of a full-field grating: a function of the angle that returns a stimulus or
        inputs by name. Circuits that have no stimuli of their own, such as joined ones, need it.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit with the axes contrast, angle and unit, and ``settled``. For the measured unit (the
        attribute ``preferred_unit``) and the first output, over contrast: ``half_width`` at half of the height,
        and ``amplitude``, ``kappa``, ``preferred``, ``r2`` of a von Mises function. NaN where there is no response.

    Warns
    -----
    ConvergenceWarning
        If outputs had not settled by the end, or a fixed point was not found.
    """
    contrasts = check_contrasts("contrasts", contrasts)
    angles, shown = gratings(circuit, angles, stimulus)
    inputs = combinations(contrasts, shown)
    dataset = responses(circuit, engine, inputs, {"contrast": contrasts, "angle": angles})
    dataset = prefer(dataset, middle_unit(circuit) if unit is None else unit)
    curve = measured(dataset)
    width = fitted(curve, "angle", lambda angle, rate: {"half_width": half_width(angle, rate)})
    return dataset.assign({**width, **fitted(curve, "angle", fit_von_mises)})
