"""Surround tuning: the response to a patch against the angle of a grating around it."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts, patch
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.protocol import TURNS, contrast, offsets, on_sheet, superpose
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, responses, suppression


def draw(dataset: xr.Dataset, ax: Any = None):
    """Suppression of the measured unit against the angle between surround and center, one curve for each contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.surround_tuning`, or what is left of it after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes(ax)
    draw_curves(ax, dataset["suppression"], "angle")
    ax.axhline(0, color="black", lw=0.8, ls="--")
    ax.set(
        xlabel="angle between surround and center (degrees on the circle)",
        ylabel="suppression by the surround",
        title=dataset.attrs.get("title", ""),
    )
    ax.set_xticks(range(-180, 181, 90))
    legend(ax)
    return ax


@experiment(
    "Surround orientation tuning",
    axes={"surround": ("surround contrast", "1"), "angle": ("angle between surround and center", "degree"), **AXES},
    columns={
        **COLUMNS,
        "alone": ("response to the center alone", "1"),
        "suppression": ("1 - response with surround/response without", "1"),
    },
    engine={"duration": 0.5, "window": 0.1, "dt": DT},
    source=(
        "Cavanaugh, Bair & Movshon (2002), Selectivity and spatial distribution of signals from the receptive field "
        "surround in macaque V1 neurons, Journal of Neurophysiology 88:2547-2556"
    ),
    plot=draw,
)
def surround_tuning(
    circuit: Any,
    surrounds: ArrayLike,
    angles: ArrayLike = TURNS,
    engine: Any = "brian",
    *,
    center: float = 0.3,
    center_angle: float = 180.0,
    radius: float = 2.0,
    gap: float = 0.0,
    outer: float = np.inf,
) -> xr.Dataset:
    """Show a patch in the middle of a sheet and a grating around it, and turn the grating.

    Parameters
    ----------
    circuit : Circuit
        With positions and orientations, as `organics_neuro.sheet` makes it. Surrounds are tuned if the pool is: see its
        argument ``pool_angle``.
    surrounds : array_like, shape (surrounds,)
        Contrasts of the surround.
    angles : array_like
        Of the surround, from that of the center, in degrees on the circle of preferred angles: 180 is orthogonal.
    engine : str or Engine
        Simulators show all combinations as trials of one network and average at the end; "theory" takes the fixed point.
    center, center_angle : float
        Contrast and angle of the patch.
    radius, gap, outer : float
        In positions: of the patch, between the patch and its surround, and of the surround.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit with the axes surround, angle and unit, ``settled``, and, for the unit in the middle
        that the patch drives most and the first output, ``alone``, the
        response to the patch alone, and ``suppression`` (surround, angle), the fraction of the response
        to the patch alone that the surround takes away. Angles are those that the encoder knows.

    Warns
    -----
    ConvergenceWarning
        If outputs had not settled by the end, or a fixed point was not found.
    """
    on_sheet(circuit)
    surrounds, strength = check_contrasts("surrounds", surrounds), contrast("center", center)

    def annulus(angle: float) -> np.ndarray:
        return patch(circuit, outer, angle, inner=radius + gap)

    turned, shown, _ = offsets(circuit, angles, center_angle, annulus)
    _, _, target = offsets(circuit, [0.0], center_angle, lambda angle: patch(circuit, radius, angle))
    inputs = superpose({name: strength * value for name, value in target.items()}, surrounds, shown)
    dataset = responses(circuit, engine, inputs, {"surround": surrounds, "angle": turned}, target)
    alone = responses(circuit, engine, {n: strength * v[None] for n, v in target.items()}, {"surround": [0.0]}, target)
    facts = {"center": f"contrast {strength:g} at {center_angle:g} degrees, radius {radius:g}, gap {gap:g}"}
    return suppression(dataset, alone).assign_attrs(facts)
