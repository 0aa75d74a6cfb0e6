"""Contrast response: firing rates against the contrast of a stimulus, with and without a mask."""

import warnings

import numpy as np
import xarray as xr

from organics_neuro.core import theory
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.names import Name
from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.core.units import seconds
from organics_neuro.experiments.protocol import check_engine, pattern, scaled, unit_axis
from organics_neuro.experiments.results import label

#: Rates count as settled if they drift by less than this fraction of the largest rate over the averaging window.
_DRIFT = 1e-3


def contrast_response(
    circuit,
    contrasts,
    masks=(0.0,),
    engine="brian",
    *,
    angle=180.0,
    mask_angle=0.0,
    stimulus=None,
    mask_stimulus=None,
    duration=0.5,
    window=0.1,
    dt=DT,
    device="runtime",
    report=None,
):
    """Measure firing rates for all combinations of stimulus and mask contrasts.

    Stimulus and mask add up linearly in the input; the circuit normalizes. By default both are gratings, the mask
    orthogonal to the stimulus (180° away on the circle of preferred angles).

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts, masks : array_like, shape (contrasts,) and (masks,)
        Contrasts of stimulus and mask.
    engine : {"brian", "theory"}
        "brian" simulates, all combinations as trials of one network, and averages the rates at the end; "theory"
        takes the rates at the fixed point.
    angle, mask_angle : float
        In degrees on the circle of preferred angles.
    stimulus, mask_stimulus : array_like or dict, optional
        What to show at contrast 1 instead of gratings: a stimulus (see `organics_neuro.stimuli`), or inputs by name.
    duration, window, dt : float or Brian2 quantity
        For "brian": length of the simulation, of the averaging window at its end, and the time step, in seconds.
    device : {"runtime", "cpp"}
        For "brian".
    report : str, optional
        How Brian2 shows progress: "text" or "stdout".

    Returns
    -------
    xarray.Dataset
        ``rate_y`` (and one variable for each other rate that the model declares) with the axes mask, contrast and
        unit, and ``settled`` (mask, contrast). Each rate has the attribute ``preferred_unit``: the unit that the
        stimulus drives most. Save the dataset with `organics_neuro.experiments.save`.

    Warns
    -----
    ConvergenceWarning
        If rates had not settled by the end, or a fixed point was not found.
    """
    check_engine(engine)
    contrasts, masks = check_contrasts("contrasts", contrasts), check_contrasts("masks", masks)
    duration, window, dt = seconds("duration", duration), seconds("window", window), seconds("dt", dt)
    test = pattern(circuit, stimulus, angle, "stimulus")
    mask = pattern(circuit, mask_stimulus, mask_angle, "mask_stimulus")
    grid = np.stack(np.meshgrid(contrasts, masks), axis=-1).reshape(-1, 2)  # mask is the slow axis
    tests, background = scaled(test, grid[:, 0]), scaled(mask, grid[:, 1])
    inputs = {name: tests[name] + background[name] for name in test}
    if engine == "theory":
        rates, settled = _theory(circuit, inputs)
    else:
        rates, settled = _brian(circuit, inputs, duration, window, dt, device, report)
    shape = (len(masks), len(contrasts))
    variables = {}
    for state, value in rates.items():
        value = value.reshape(*shape, -1)
        preferred = _preferred_unit(circuit, test, state, value[masks.argmin(), contrasts.argmax()])
        variables[f"rate_{state}"] = (("mask", "contrast", unit_axis(state)), value, {"preferred_unit": preferred})
    variables["settled"] = (("mask", "contrast"), settled.reshape(shape))
    dataset = xr.Dataset(variables, coords={"contrast": contrasts, "mask": masks})
    dataset = dataset.assign_coords({d: np.arange(n) for d, n in dataset.sizes.items() if d.endswith("unit")})
    how = {"duration": duration, "window": window, "dt": dt} if engine == "brian" else {}
    return label(dataset, circuit, "Contrast response", engine=engine, **how)


def _preferred_unit(circuit, test, state, strongest):
    """The unit of a state that the stimulus drives most; where it has no drive of its own, the one that responds most."""
    population = Name.parse(state).population
    drives = [
        v for name, v in test.items() if Name.parse(name).population == population and name not in circuit.external
    ]
    drive = sum(np.abs(v) for v in drives)
    return int(np.argmax(drive if np.any(drive) else strongest))


def _theory(circuit, inputs):
    point = theory.fixed_point(circuit, inputs)
    return circuit.dynamics.rates(point.state), np.asarray(point.converged)


def _brian(circuit, inputs, duration, window, dt, device, report):
    from organics_neuro.brian import simulate

    if window > duration:
        raise ValueError(f"window = {window:g} s must be at most the duration, {duration:g} s")
    every = max(1, round(1e-3 / dt))
    states = simulate(circuit, inputs, duration, dt, every=every, device=device, report=report)
    samples = max(2, round(window / (every * dt)))
    rates = circuit.dynamics.rates({name: value[-samples:] for name, value in states.items()})
    half = samples // 2
    drift = np.max(
        [np.abs(r[half:].mean(0) - r[:half].mean(0)).max(-1) / max(r.max(), 1e-300) for r in rates.values()], axis=0
    )
    settled = drift < _DRIFT
    if not settled.all():
        warnings.warn(
            f"{(~settled).sum()} of {settled.size} responses had not settled after {duration:g} s (drift up to {drift.max():.1%}); "
            "use a longer duration, or a longer window if the circuit oscillates",
            ConvergenceWarning,
            stacklevel=3,
        )
    return {name: value.mean(axis=0) for name, value in rates.items()}, settled
