"""Spike-triggered average: what a circuit was shown, on average, before the neurons beside it fired."""

from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core.boundary import check_index, check_seed, number, positive_int
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.units import seconds
from organics_neuro.experiments.drawing import axes, pyplot
from organics_neuro.experiments.protocol import in_steps, long_name, name_among, time_step
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, ax: Any = None):
    """The average stimulus, time before the spike against units.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.spike_triggered_average`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, average = axes(ax), dataset["average"].transpose("stimulus_unit", "lag")
    largest = float(abs(average).max()) or 1.0
    image = ax.pcolormesh(
        -1e3 * dataset["lag"], dataset["stimulus_unit"], average, cmap="RdBu_r", vmin=-largest, vmax=largest
    )
    pyplot().colorbar(image, ax=ax, label="average stimulus (standard deviations)")
    ax.set(xlabel="time before the spike (ms)", ylabel="unit of the stimulus", title=dataset.attrs.get("title", ""))
    return ax


@experiment(
    "Spike-triggered average",
    axes={"lag": ("time from the stimulus to the spike", "s"), "stimulus_unit": ("unit that was driven", "1")},
    columns={
        "average": ("average stimulus before a spike, in its standard deviations", "1"),
        "error": ("standard error of the average", "1"),
        "latency": ("lag of the largest average", "s"),
        "rate": ("mean rate", "1"),
    },
    engine={"duration": 10.0, "dt": 1e-3, "transient": 0.1},
    source="Chichilnisky (2001), A simple white noise analysis of neuronal light responses, Network 12:199-213",
    plot=draw,
)
def spike_triggered_average(
    circuit: Any,
    engine: Any = "reference",
    *,
    mean: float = 0.0,
    deviation: float = 1.0,
    hold: Any = None,
    lags: int = 20,
    input: str | None = None,
    output: str | None = None,
    unit: int = 0,
    trials: int = 1,
    seed: int = 0,
) -> xr.Dataset:
    """Drive each unit with white noise of its own and average it before the spikes of one unit.

    With rates in place of spikes (an output of the circuit) the average is weighted by the rate, as of infinitely many
    Poisson neurons of that rate. For a linear filter that drives spikes through any static nonlinearity it is
    proportional to the filter.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    engine : str or Engine
        A simulator. Spikes are those of `organics_neuro.engines.Network` with ``measure=["cells.firing_rate"]``, on the
        device "runtime".
    mean, deviation : float
        Of the noise, which is Gaussian.
    hold : float or Brian2 quantity, optional
        Seconds for which each value of the noise is shown, in whole steps; one step by default.
    lags : int
        How many values before the spike are averaged.
    input : str, optional
        Which input gets the noise, by full name; the first by default. The others are 0.
    output : str, optional
        Whose spikes, by full name; by default the first that the engine measures beside the circuit, or the first output.
    unit : int
        Of the output.
    trials : int
        Repetitions with other noise.
    seed : int
        For the stimulus; spikes have that of the engine.

    Returns
    -------
    xarray.Dataset
        ``average`` (lag, stimulus_unit), minus the mean and in standard deviations of the noise: at lag 0 the value that
        is shown as the spike is fired. Its standard ``error``, if the stimulus did not matter; ``latency``, the lag of
        the largest average; ``rate``, the mean.

    Raises
    ------
    ValueError
        For arguments that do not fit, or if there are no spikes.
    """
    dynamics: Any = check_circuit(circuit).dynamics
    deviation = number("deviation", deviation, "one number above 0", lambda d: d > 0)
    mean = number("mean", mean, "one number", lambda _: True)
    lags, trials, seed = positive_int("lags", lags), positive_int("trials", trials), check_seed(seed)
    name = name_among("input", input, dynamics.inputs)
    known = [str(key) for key in (*engine.beside, *dynamics.channels, *circuit.states)]
    spikes = name_among("output", output, known)
    dt = time_step(engine, circuit)
    every = 1 if hold is None else _whole(seconds("hold", hold), dt)
    units = dynamics.resolve_inputs(None)[name].shape[-1]
    values = in_steps("duration", engine.duration + engine.transient, dt, trials * units) // every
    before = -(-in_steps("transient", engine.transient, dt, 1) // every) + lags
    if values <= before + 1:
        raise ValueError(f"a duration of {engine.duration:g} s is too short for {lags} lags; give the engine more")
    noise = np.random.default_rng(seed).standard_normal((values, trials, units))
    shown = np.repeat(mean + deviation * noise, every, axis=0)
    found = engine.simulate(circuit, {name: shown}, values * every * dt, record=[spikes], every=every)[spikes]
    unit = check_index("unit", unit, found.shape[-1], "units")
    rate = found[1:, :, unit]  # from one sample to the next, in which one value was shown
    weights = rate[before:]
    if not weights.sum() > 0:
        raise ValueError(f"unit {unit} of {spikes} did not fire; give it more mean, deviation or time")
    average = np.stack(
        [np.einsum("st,stu->u", weights, noise[before - lag : values - lag]) / weights.sum() for lag in range(lags)]
    )
    error = np.sqrt((weights**2).sum()) / weights.sum()
    lag = np.arange(lags) * every * dt
    latency = lag[np.abs(average).max(axis=1).argmax()]
    attributes = {"units": engine.beside.get(spikes, "1"), "long_name": f"mean of {long_name(spikes)}"}
    return xr.Dataset(
        {
            "average": (("lag", "stimulus_unit"), average),
            "error": float(error),
            "latency": float(latency),
            "rate": ((), float(weights.mean()), attributes),
        },
        coords={"lag": lag, "stimulus_unit": np.arange(units)},
    ).assign_attrs(output=spikes, measured_unit=unit)


def _whole(time: float, dt: float) -> int:
    """A time in steps."""
    steps = in_steps("hold", time, dt, 1)
    if steps < 1 or not np.isclose(steps * dt, time, rtol=1e-6):
        raise ValueError(f"hold = {time:g} s must be a multiple of the step, {dt:g} s")
    return steps
