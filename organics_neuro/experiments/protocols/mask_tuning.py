"""Mask tuning: the response to a grating against the angle of a mask on top of it (cross-orientation suppression)."""

from typing import Any

import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.protocol import TURNS, AngleStimulus, contrast, offsets, superpose
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, measured, responses, suppression, ylabel


def draw(dataset: xr.Dataset, output: str | None = None, unit: int | None = None, ax: Any = None):
    """The response of one unit against the angle between mask and test, one curve for each mask contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.mask_tuning`, or what is left of it after a selection.
    output : str, optional
        Which column to show, by full name; the first by default.
    unit : int, optional
        By default the one that the test drives most.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    values, ax = measured(dataset, output, unit), axes(ax)
    draw_curves(ax, values, "angle")
    if output is None and unit is None and dataset["alone"].ndim == 0:
        ax.axhline(dataset["alone"], color="black", lw=1, ls="--", label="test alone")
    ax.set(
        xlabel="angle between mask and test (degrees on the circle)",
        ylabel=ylabel(values),
        title=dataset.attrs.get("title", ""),
    )
    ax.set_ylim(bottom=0)
    ax.set_xticks(range(-180, 181, 90))
    legend(ax)
    return ax


@experiment(
    "Mask orientation tuning",
    axes={"mask": ("mask contrast", "1"), "angle": ("angle between mask and test", "degree"), **AXES},
    columns={
        **COLUMNS,
        "alone": ("response to the test alone", "1"),
        "suppression": ("1 - response with mask/response without", "1"),
    },
    engine={"duration": 0.5, "window": 0.1, "dt": DT},
    source="Heeger (1992), Normalization of cell responses in cat striate cortex, Visual Neuroscience 9:181-197",
    plot=draw,
)
def mask_tuning(
    circuit: Any,
    masks: ArrayLike,
    angles: ArrayLike = TURNS,
    engine: Any = "brian",
    *,
    test: float = 0.1,
    test_angle: float = 180.0,
    stimulus: AngleStimulus = None,
) -> xr.Dataset:
    """Superimpose a mask on a grating and turn the mask.

    Test and mask add up in the input; the mask both drives the unit, where it is near its preferred angle, and
    normalizes it.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    masks : array_like, shape (masks,)
        Contrasts of the mask; 0 shows the test alone.
    angles : array_like
        Of the mask, from that of the test, in degrees on the circle of preferred angles: 180 is orthogonal.
    engine : str or Engine
        Simulators show all combinations as trials of one network and average at the end; "theory" takes the fixed point.
    test, test_angle : float
        Contrast and angle of the test.
    stimulus : callable, optional
        As for `orientation_tuning`.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit with the axes mask, angle and unit, ``settled``, and, for the unit that the test drives
        most and the first output, ``alone``, the
        response to the test alone, and ``suppression`` (mask, angle), the fraction of the response to the test alone that the
        mask takes away; negative where the mask adds to it. Angles are those that the encoder knows.

    Warns
    -----
    ConvergenceWarning
        If outputs had not settled by the end, or a fixed point was not found.
    """
    masks, strength = check_contrasts("masks", masks), contrast("test", test)
    turned, shown, target = offsets(circuit, angles, test_angle, stimulus)
    inputs = superpose({name: strength * value for name, value in target.items()}, masks, shown)
    dataset = responses(circuit, engine, inputs, {"mask": masks, "angle": turned}, target)
    alone = responses(circuit, engine, {n: strength * v[None] for n, v in target.items()}, {"mask": [0.0]}, target)
    return suppression(dataset, alone).assign_attrs(test=f"contrast {strength:g} at {test_angle:g} degrees")
