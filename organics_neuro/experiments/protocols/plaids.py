"""Plaids: the population response to two gratings as a sum of those to each, in which the stronger one wins."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, curves, labels, legend, logarithmic, shade
from organics_neuro.experiments.protocol import AngleStimulus, contrast, name_among, offsets, scaled, superpose
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, responses

#: The weights of the two gratings, and how they are drawn.
_WEIGHTS = {"weight_test": ("test", "o-"), "weight_mask": ("mask", "s--")}


def draw(dataset: xr.Dataset, ax: Any = None):
    """The weights of the two gratings against the contrast of the mask.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.plaids`, a sweep of it, or what is left after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, shown = axes(ax), dataset.sel(mask=dataset["mask"] > 0)  # 0 has no place on a logarithmic axis
    for name, (what, style) in _WEIGHTS.items():
        lines = curves(shown[name], "mask")
        for k, (curve, label) in enumerate(zip(lines, labels(lines), strict=True)):
            several = f"{what}, {label}" if len(lines) > 1 else what
            ax.plot(curve["mask"], curve, style, ms=4, color=shade(k, len(lines)), label=several)
    if np.ndim(test := dataset.attrs.get("test_contrast", np.nan)) == 0 and np.isfinite(test):
        ax.axvline(test, color="0.6", lw=1, ls=":")
    logarithmic(ax, shown["mask"].values)
    ax.set(
        xlabel="contrast of the mask",
        ylabel="weight of the response to the grating alone",
        title=dataset.attrs.get("title", ""),
        ylim=(0, None),
    )
    legend(ax)
    return ax


@experiment(
    "Plaids and winner-take-all",
    axes={"mask": ("contrast of the mask", "1"), **AXES},
    columns={
        **COLUMNS,
        "weight_test": ("weight of the response to the test alone", "1"),
        "weight_mask": ("weight of the response to the mask alone", "1"),
        "explained": ("part of the squared response that the sum explains", "1"),
    },
    engine={"duration": 0.5, "window": 0.1, "dt": DT},
    source=(
        "Busse, Wade & Carandini (2009), Representation of concurrent stimuli by population activity in visual cortex, "
        "Neuron 64:931-942"
    ),
    plot=draw,
)
def plaids(
    circuit: Any,
    masks: ArrayLike,
    engine: Any = "brian",
    *,
    test: float = 0.12,
    test_angle: float = 180.0,
    mask_angle: float = 180.0,
    output: str | None = None,
    stimulus: AngleStimulus = None,
) -> xr.Dataset:
    """Describe the response of all units to a plaid as a weighted sum of the responses to its two gratings.

    The weights are those of least squares over units. Gratings of the same contrast weigh the same; of unequal ones
    the stronger weighs more than its share, and takes all in the end.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    masks : array_like, shape (masks,)
        Contrasts of the mask; at 0 its weight is not known, and NaN.
    engine : str or Engine
        Simulators show all combinations as trials of one network and average at the end; "theory" takes the fixed point.
    test, test_angle : float
        Contrast and angle of the test.
    mask_angle : float
        Of the mask, from that of the test, in degrees on the circle of preferred angles: 180 is orthogonal.
    output : str, optional
        Whose responses are described, by full name; the first by default.
    stimulus : callable, optional
        As for `orientation_tuning`.

    Returns
    -------
    xarray.Dataset
        Each output of the circuit with the axes mask and unit, its response to the plaid; over mask ``weight_test`` and
        ``weight_mask``, ``explained`` and ``settled``.

    Warns
    -----
    ConvergenceWarning
        If outputs had not settled by the end, or a fixed point was not found.
    """
    masks, strength = check_contrasts("masks", masks), contrast("test", test)
    _, shown, target = offsets(circuit, [mask_angle], test_angle, stimulus)
    alone = {name: strength * value for name, value in target.items()}
    other = scaled({name: value[0] for name, value in shown.items()}, masks)
    both = superpose(alone, masks, shown)
    inputs = {name: np.concatenate([alone[name][None], other[name], both[name]]) for name in both}
    every = responses(circuit, engine, inputs, {"shown": np.arange(1 + 2 * len(masks))}, target)
    plaid = every.isel(shown=slice(1 + len(masks), None)).rename(shown="mask").assign_coords(mask=masks)
    known = [str(name) for name, value in every.data_vars.items() if "preferred_unit" in value.attrs]
    name = name_among("output", output, known)
    found = every[name].values
    columns = [_weights(found[0], found[1 + k], found[1 + len(masks) + k]) for k in range(len(masks))]
    names = ("weight_test", "weight_mask", "explained")
    plaid = plaid.assign({key: ("mask", [each[k] for each in columns]) for k, key in enumerate(names)})
    facts = {"test_contrast": strength, "test_angle": test_angle, "mask_angle": mask_angle, "output": name}
    return plaid.assign_attrs(facts)


def _weights(test: np.ndarray, mask: np.ndarray, both: np.ndarray) -> tuple[float, float, float]:
    """Weights of two responses (units,) in a third, and the part of its square that they explain."""
    parts = np.stack([test, mask], axis=1)
    if not np.isfinite([test, mask, both]).all() or np.linalg.matrix_rank(parts) < 2:
        return np.nan, np.nan, np.nan
    (first, second), *_ = np.linalg.lstsq(parts, both, rcond=None)
    left = both - parts @ [first, second]
    return float(first), float(second), float(1 - left @ left / (both @ both))
