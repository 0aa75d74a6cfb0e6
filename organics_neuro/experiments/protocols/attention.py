"""Attention: how a field of gains changes the contrast response, from contrast gain to response gain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core import stimuli
from organics_neuro.core.boundary import known_name, list_of, number
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.naka_rushton import fit_naka_rushton, naka_rushton
from organics_neuro.experiments.protocol import Stimulus, held, on_sheet, pattern, scaled
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, fitted, measured, responses, ylabel

_FIT = ("r_max", "c50", "exponent")


def draw(dataset: xr.Dataset, output: str | None = None, unit: int | None = None, ax: Any = None):
    """The contrast response of one unit with and without attention, with fitted Naka-Rushton functions.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.attention`, or what is left of it after a selection.
    output : str, optional
        Which column to show, by full name; the first by default.
    unit : int, optional
        By default the one that the stimulus drives most.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    values, ax = measured(dataset, output, unit), axes(ax)
    values = values.sel(contrast=values.contrast > 0)  # 0 has no place on a logarithmic axis
    ax.set_xscale("log")
    found = {name: dataset[name] for name in _FIT} if output is None and unit is None else {}
    draw_curves(
        ax, values, "contrast", naka_rushton if found else None, found, ", $c_{{50}}$ = {c50:.2g}" if found else ""
    )
    ax.set(xlabel="stimulus contrast", ylabel=ylabel(values), title=dataset.attrs.get("title", ""))
    ax.set_ylim(bottom=0)
    legend(ax)
    return ax


@experiment(
    "Attention",
    axes={"contrast": ("stimulus contrast", "1"), "attention": ("where attention is", "1"), **AXES},
    columns={
        **COLUMNS,
        "r_max": ("largest response of the Naka-Rushton function", "1"),
        "c50": ("contrast of half of it", "1"),
        "exponent": ("exponent of the Naka-Rushton function", "1"),
        "contrast_gain": ("c50 without attention/c50 with attention", "1"),
        "response_gain": ("largest response with attention/without", "1"),
        "gain": ("gain of each unit under attention", "1"),
    },
    engine={"duration": 0.5, "window": 0.1, "dt": DT},
    source="Reynolds & Heeger (2009), The normalization model of attention, Neuron 61:168-185",
    plot=draw,
)
def attention(
    circuit: Any,
    contrasts: ArrayLike,
    engine: Any = "brian",
    *,
    strength: float = 2.0,
    field: float = np.inf,
    gains: Sequence[str] = ("b",),
    angle: float = 180.0,
    radius: float | None = None,
    stimulus: Stimulus = None,
) -> xr.Dataset:
    """Contrast responses with and without a field of gains around what is attended.

    A field larger than the stimulus and its pool multiplies drive and pool: contrast gain. A small one on a large stimulus
    multiplies the drive alone: response gain.

    Parameters
    ----------
    circuit : Circuit
    contrasts : array_like, shape (contrasts,)
        At least three above 0, on both sides of half of the largest response.
    engine : str or Engine
        Simulators show all combinations as trials of one network and average at the end; "theory" takes the fixed point.
    strength : float
        By what the gains are multiplied in the middle of the field.
    field : float
        Standard deviation of the Gaussian field: in positions on a sheet, in degrees on the circle of preferred angles
        otherwise; infinity for all units alike.
    gains : sequence of str
        Parameters that attention multiplies. In the two-type circuit b divides c50 and b0 multiplies it.
    angle : float
        Of the grating, and what is attended on a circle of preferred angles. On a sheet it is the middle.
    radius : float, optional
        Show a patch of this radius on a sheet, instead of a full-field grating.
    stimulus : array_like or dict, optional
        What to show at contrast 1 instead, as for `contrast_response`.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit with the axes attention ("away", "attended"), contrast and unit, ``settled``, and
        ``gain`` (unit), what the field multiplies by. Of the unit that the stimulus drives most and the first output,
        over attention: ``r_max``, ``c50`` and ``exponent`` of Naka-Rushton functions; and ``contrast_gain`` and
        ``response_gain``, the ratios of c50 and r_max that attention makes.

    Warns
    -----
    ConvergenceWarning
        If outputs had not settled by the end, or a fixed point was not found.
    """
    contrasts = check_contrasts("contrasts", contrasts)
    if radius is not None:
        if stimulus is not None:
            raise ValueError("give radius or stimulus, not both: a stimulus has its own size")
        stimulus = stimuli.patch(circuit, radius, angle)
    test = pattern(circuit, stimulus, angle)
    multiplier = gain_field(circuit, strength, field, angle)
    given, both = held(circuit, stimulus), scaled(test, np.tile(contrasts, 2))
    gains = gain_names(gains, circuit)
    for name in gains:
        usual = np.broadcast_to(given.get(name, circuit.parameters[name]), (circuit.size,))
        both[name] = np.repeat([usual, multiplier * usual], len(contrasts), axis=0)
    conditions = {"attention": ["away", "attended"], "contrast": contrasts}
    dataset = responses(circuit, engine, {**given, **both}, conditions, test)
    fits = fitted(measured(dataset), "contrast", fit_naka_rushton)
    dataset = dataset.assign({**fits, "gain": ("unit", multiplier)})
    if "c50" in fits:
        away, attended = (dataset.sel(attention=where, drop=True) for where in conditions["attention"])
        ratios = {"contrast_gain": away.c50 / attended.c50, "response_gain": attended.r_max / away.r_max}
        dataset = dataset.assign({name: value.drop_attrs() for name, value in ratios.items()})
    return dataset.assign_attrs(gains=", ".join(gains))


def gain_names(gains: Any, circuit: Circuit) -> list[str]:
    """Parameters that attention multiplies, as a list."""
    names = [gains] if isinstance(gains, str) else list_of("gains", gains)
    return [known_name("parameter in gains", name, circuit.model.parameters) for name in names]


def gain_field(circuit: Any, strength: float, field: float, angle: float) -> np.ndarray:
    """What the gains are multiplied by, (units,)."""
    strength = number("strength", strength, "a number above 0", lambda s: s > 0)
    field = number("field", field, "a number above 0, or infinity", lambda f: f > 0, infinite=True)
    if not isinstance(circuit, Circuit):
        raise TypeError(
            f"circuit must be one Circuit, got {type(circuit).__name__}; attend in a part: circuit.parts[name]"
        )
    if np.isinf(field):
        return np.full(circuit.size, strength)
    prefers = stimuli.preferred(circuit)
    if not prefers:
        raise ValueError(
            "it is not known what the units of this circuit prefer, so attention must have an infinite field"
        )
    if "y" in prefers:
        row, column = stimuli.middle(on_sheet(circuit))
        distance = np.hypot(prefers["y"] - row, prefers["x"] - column)
    else:
        distance = (prefers["angle"] - angle + 180) % 360 - 180
    return 1 + (strength - 1) * np.exp(-((distance / field) ** 2) / 2)
