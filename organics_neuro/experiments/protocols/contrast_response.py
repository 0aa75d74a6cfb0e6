"""Contrast response: outputs against the contrast of a stimulus, with and without a mask."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import known_name
from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, curves, labels, legend, shade
from organics_neuro.experiments.naka_rushton import fit_naka_rushton, naka_rushton
from organics_neuro.experiments.protocol import Stimulus, held, orthogonal, pattern, scaled
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, of_unit, responses, ylabel

_FITS = ("naka_rushton",)


def draw(
    dataset: xr.Dataset, fit: str | None = None, unit: int | None = None, output: str | None = None, ax: Any = None
):
    """An output of one unit against contrast, one curve for each mask contrast and whatever else varies.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.contrast_response`, or what is left of it after a selection.
    fit : {"naka_rushton"}, optional
        Draw fitted functions through the points, with their parameters in the legend.
    unit : int, optional
        By default the one that the stimulus drives most.
    output : str, optional
        Which column to show, by full name; the first by default.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if fit is not None:
        known_name("fit", fit, _FITS)
    columns = [
        str(name) for name, value in dataset.data_vars.items() if "contrast" in value.dims and value.dtype.kind == "f"
    ]
    if not columns:
        raise ValueError("dataset must have the axis 'contrast', as experiments.contrast_response gives")
    column: str = known_name("output", columns[0] if output is None and columns else output, columns)
    lines = curves(of_unit(dataset, column, unit), "contrast")
    ax = axes(ax)
    shown = 0
    for k, (curve, label) in enumerate(zip(lines, labels(lines), strict=True)):
        color, fitted = shade(k, len(lines)), None
        order = np.argsort(curve.contrast.values, kind="stable")
        contrast, values = curve.contrast.values[order], curve.values[order]
        if fit:
            fitted = fit_naka_rushton(contrast, values)
            fine = np.geomspace(contrast[contrast > 0].min(), contrast.max(), 200)
            ax.plot(fine, naka_rushton(fine, **fitted), color=color)
            label += f": $c_{{50}}$ = {fitted['c50']:.2g}, n = {fitted['exponent']:.2g}"
        positive = contrast > 0
        shown += positive.sum()
        ax.plot(
            contrast[positive],
            values[positive],
            "o" if fitted or len(values) < 2 else "o-",
            ms=4,
            color=color,
            label=label,
        )
    ax.set(xlabel="stimulus contrast", ylabel=ylabel(dataset[column]), title=dataset.attrs.get("title", ""))
    if shown:
        ax.set_xscale("log")
    legend(ax)
    return ax


@experiment(
    "Contrast response",
    axes={"contrast": ("stimulus contrast", "1"), "mask": ("mask contrast", "1"), **AXES},
    columns=COLUMNS,
    engine={"duration": 0.5, "window": 0.1, "dt": DT},
    source="Heeger (1992), Normalization of cell responses in cat striate cortex, Visual Neuroscience 9:181-197",
    plot=draw,
)
def contrast_response(
    circuit: Any,
    contrasts: ArrayLike,
    masks: ArrayLike = (0.0,),
    engine: Any = "brian",
    *,
    angle: float = 180.0,
    mask_angle: float | None = None,
    stimulus: Stimulus = None,
    mask_stimulus: Stimulus = None,
) -> xr.Dataset:
    """Measure outputs, such as firing rates, for all combinations of stimulus and mask contrasts.

    Stimulus and mask add up linearly in the input; the circuit normalizes. By default both are gratings, the mask
    orthogonal to the stimulus: 180° away on the circle of preferred angles, whatever the angle of the stimulus.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts, masks : array_like, shape (contrasts,) and (masks,)
        Contrasts of stimulus and mask.
    engine : str or Engine
        Simulators show all combinations as trials of one network and average at the end; "theory" takes the fixed point.
    angle, mask_angle : float
        In degrees on the circle of preferred angles; the mask's is by default orthogonal to the stimulus.
    stimulus, mask_stimulus : array_like or dict, optional
        What to show at contrast 1 instead of gratings: a stimulus (see `organics_neuro.stimuli`), or inputs by name.
        Parameters among the inputs of ``stimulus`` stay as they are at every contrast: ``{"b": gains}`` is a grating, seen
        with these gains.
        Without a mask of one's own, the mask is the stimulus turned by 180°.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit (``rate_y``; the states of a circuit that declares no outputs) with the axes mask,
        contrast and unit, and ``settled`` (mask, contrast). Each output has the attribute ``preferred_unit``: the unit
        that the stimulus drives most. The attribute ``assumed`` says which mask was shown.

    Warns
    -----
    ConvergenceWarning
        If outputs had not settled by the end, or a fixed point was not found.
    """
    contrasts, masks = check_contrasts("contrasts", contrasts), check_contrasts("masks", masks)
    test = pattern(circuit, stimulus, angle)
    if mask_stimulus is not None or mask_angle is not None:
        mask = pattern(circuit, mask_stimulus, 0.0 if mask_angle is None else mask_angle, "mask_stimulus")
        assumed = ""
    elif masks.any():
        mask, assumed = orthogonal(circuit, stimulus, angle)
    else:
        mask, assumed = {name: np.zeros_like(value) for name, value in test.items()}, ""
    grid = np.stack(np.meshgrid(contrasts, masks), axis=-1).reshape(-1, 2)  # mask is the slow axis
    tests, background = scaled(test, grid[:, 0]), scaled(mask, grid[:, 1])
    inputs = {name: tests[name] + background[name] for name in test} | held(circuit, stimulus)
    alone = int(masks.argmin()), int(contrasts.argmax())
    dataset = responses(circuit, engine, inputs, {"mask": masks, "contrast": contrasts}, test, best=alone)
    return dataset.assign_attrs({"assumed": assumed} if assumed else {})
