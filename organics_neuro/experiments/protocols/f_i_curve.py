"""f–I curve: firing rates against a constant drive, of neurons that a circuit drives or of the circuit itself."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import known_name
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.reference import DT
from organics_neuro.core.units import magnitude
from organics_neuro.experiments.drawing import axes, draw_curves, legend
from organics_neuro.experiments.protocol import name_among
from organics_neuro.experiments.registry import experiment
from organics_neuro.experiments.responses import AXES, COLUMNS, of_unit, prefer, responses, ylabel

#: A rate has begun at this part of the largest, and its gain is the slope between these parts.
_BEGUN, _SLOPE = 0.01, (0.2, 0.8)


def draw(dataset: xr.Dataset, output: str | None = None, unit: int | None = None, ax: Any = None):
    """Rate of one unit against the drive.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.f_i_curve`, or a sweep of it.
    output : str, optional
        Which column to show; by default the one that was described.
    unit : int, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    known = [str(name) for name, value in dataset.data_vars.items() if "preferred_unit" in value.attrs]
    shown: str = known_name("output", dataset.attrs.get("described", known[0]) if output is None else output, known)
    ax = axes(ax)
    draw_curves(ax, of_unit(dataset, shown, unit), "drive")
    ax.set(xlabel="drive", ylabel=ylabel(dataset[shown]), title=dataset.attrs.get("title", ""))
    legend(ax)
    return ax


@experiment(
    "f–I curve",
    axes={"drive": ("drive of all units", "1"), **AXES},
    columns={
        "rheobase": ("drive at which the rate begins", "1"),
        "gain": ("slope of the rate in the middle of its range", "1"),
        **COLUMNS,
    },
    engine={"duration": 1.0, "window": 0.8, "dt": DT},
    source="Holt & Koch (1997), Shunting inhibition does not have a divisive effect on firing rates, Neural Computation 9:1001-1013",
    plot=draw,
)
def f_i_curve(
    circuit: Any,
    drives: ArrayLike,
    engine: Any = "theory",
    *,
    input: str | None = None,
    output: str | None = None,
    unit: int = 0,
) -> xr.Dataset:
    """Measure firing rates at several constant drives, the same for all units.

    Neurons are those of `organics_neuro.engines.Network` with ``measure=["lif.firing_rate"]``: spikes are counted over the
    window of the engine, so a rate is known to 1/window. Other engines measure the outputs of the circuit.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    drives : array_like, shape (drives,)
        Values of the input, in increasing order.
    engine : str or Engine
    input : str, optional
        Which input is set, by full name; the first by default. The others are 0.
    output : str, optional
        Which column is described, by full name; by default the first of those that the engine measures beside the
        circuit, or the first output.
    unit : int
        Whose rate is described.

    Returns
    -------
    xarray.Dataset
        Each output with the axes drive and unit, and ``settled`` (drive). Of one unit of one output: ``rheobase``, the
        drive at which the rate reaches a hundredth of the largest, and ``gain``, the slope of a line through the rates
        from a fifth to four fifths of it, in its unit; NaN where there is no such point.
    """
    dynamics: Any = check_circuit(circuit).dynamics
    drives = magnitude("drives", drives, "1")
    if drives.ndim != 1 or len(drives) < 2 or np.any(np.diff(drives) <= 0):
        raise ValueError(f"drives must be two numbers or more in increasing order, got {drives.tolist()}")
    name = name_among("input", input, dynamics.inputs)
    sizes = {key: np.shape(value)[-1] for key, value in dynamics.resolve_inputs(None).items()}
    shown = {key: np.multiply.outer(drives * (key == name), np.ones(sizes[key])) for key in dynamics.inputs}
    dataset = responses(circuit, engine, shown, {"drive": drives})
    known = [str(key) for key, value in dataset.data_vars.items() if "preferred_unit" in value.attrs]
    first = next((key for key in known if key in engine.beside), known[0])
    described: str = known_name("output", first if output is None else output, known)
    dataset = prefer(dataset, unit)
    rate = of_unit(dataset, described, unit)
    rheobase, gain = _describe(drives, rate.values)
    return dataset.assign(rheobase=rheobase, gain=((), gain, {"units": rate.attrs["units"]})).assign_attrs(
        described=described
    )


def _describe(drive: np.ndarray, rate: np.ndarray) -> tuple[float, float]:
    """Where the rate begins, and its slope in the middle."""
    top = rate.max()
    if top <= 0:
        return np.nan, np.nan
    k = int(np.argmax(rate > _BEGUN * top))
    begins = np.nan  # it has begun before the first drive
    if k > 0:
        begins = np.interp(_BEGUN * top, rate[k - 1 : k + 1], drive[k - 1 : k + 1])
    middle = (rate >= _SLOPE[0] * top) & (rate <= _SLOPE[1] * top)
    gain = np.polyfit(drive[middle], rate[middle], 1)[0] if middle.sum() > 1 else np.nan
    return float(begins), float(gain)
