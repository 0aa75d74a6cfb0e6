"""Power spectrum: how noise makes a circuit fluctuate around its response to a stimulus."""

import numpy as np
import xarray as xr
from scipy.signal import welch

from organics_neuro.core import theory
from organics_neuro.core.boundary import known_name, number
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.core.units import magnitude, seconds
from organics_neuro.experiments.protocol import check_engine, pattern, scaled
from organics_neuro.experiments.results import label

#: Highest frequency of a spectrum, in Hz.
_HIGHEST = 500


def power_spectrum(
    circuit,
    contrasts,
    noise,
    engine="brian",
    *,
    state="y",
    angle=180.0,
    stimulus=None,
    frequencies=None,
    trials=16,
    duration=4.0,
    dt=5e-5,
    resolution=2.0,
    settle=0.3,
    device="runtime",
    seed=None,
    report=None,
):
    """Power spectral density of a state at several contrasts.

    Two signals are analysed: the *coherent* mode, the sum over units weighted by their drive (normalized to length
    1), in which the circuit's resonance lives, and the *mean* of the units. In the mean, noise that is private to
    each unit hides the resonance.

    Parameters
    ----------
    circuit : Circuit
        With as many units as its input has values (so that the drive can weight the units).
    contrasts : array_like, shape (contrasts,)
    noise : dict
        Amplitude of white noise by state, as for `CircuitGroup` and `organics_neuro.theory.power_spectrum`.
    engine : {"brian", "theory"}
        "brian" simulates and uses Welch's method; "theory" linearises around the fixed point.
    state : str
        Which state to analyse.
    angle, stimulus
        As for `contrast_response`.
    frequencies : array_like, optional
        For "theory", in Hz; by default those that "brian" measures.
    trials, duration, dt
        For "brian": noise samples per contrast, length in seconds after the circuit has settled, and time step.
    resolution : float or Brian2 quantity
        Distance of the frequencies, in Hz.
    settle : float or Brian2 quantity
        For "brian": seconds before the recording starts, several of the slowest time constants of the circuit.
    device, seed, report
        For "brian", as for `organics_neuro.brian.simulate`.

    Returns
    -------
    xarray.Dataset
        ``coherent`` and ``mean`` with the axes contrast and frequency: two-sided power per Hz, so that the integral
        over positive and negative frequencies is the variance.
    """
    check_engine(engine)
    contrasts = check_contrasts("contrasts", contrasts)
    known_name("state", state, check_circuit(circuit).states)
    resolution = number(
        "resolution",
        magnitude("resolution", resolution, "hertz").tolist(),
        f"one frequency above 0 and up to {_HIGHEST} Hz",
        lambda f: 0 < f <= _HIGHEST,
    )
    drive = pattern(circuit, stimulus, angle, "stimulus")
    name, shown = next(iter(drive.items()))
    units = circuit.states[state]
    if len(drive) != 1 or shown.shape != (units,):
        raise ValueError(
            f"the input {name!r} has shape {shown.shape}, but must be one input with the {units} units of {state!r}"
        )
    if not shown.any():
        raise ValueError("the stimulus is 0 everywhere, so it does not say which units belong to the coherent mode")
    readouts = {"coherent": shown / np.linalg.norm(shown), "mean": np.full(units, 1 / units)}
    inputs = scaled(drive, contrasts)
    if engine == "theory":
        if frequencies is None:
            frequencies = np.arange(resolution, _HIGHEST + resolution / 2, resolution)
        frequencies = magnitude("frequencies", frequencies, "hertz")
        power = _theory(circuit, inputs, frequencies, noise, state, readouts)
        how = {}
    else:
        duration, dt = seconds("duration", duration), seconds("dt", dt)
        settle = magnitude("settle", settle, "second").tolist()
        settle = number("settle", settle, "one time that is not negative, in seconds", lambda t: t >= 0)
        options = {"noise": noise, "device": device, "seed": seed, "report": report}
        frequencies, power = _brian(circuit, inputs, state, readouts, trials, settle, duration, dt, resolution, options)
        how = {"trials": trials, "duration": duration, "dt": dt, "seed": "none" if seed is None else seed}
    dataset = xr.Dataset(
        {key: (("contrast", "frequency"), value) for key, value in power.items()},
        coords={"contrast": contrasts, "frequency": ("frequency", frequencies, {"units": "Hz"})},
    )
    return label(dataset, circuit, "Power spectrum", engine=engine, state=state, noise=str(noise), **how)


def _theory(circuit, inputs, frequencies, noise, state, readouts):
    power = {key: [] for key in readouts}
    name, series = next(iter(inputs.items()))
    for value in series:
        spectrum = theory.power_spectrum(circuit, {name: value}, frequencies, noise)
        for key, readout in readouts.items():
            power[key].append(spectrum.project({state: readout}))
    return {key: np.array(rows) for key, rows in power.items()}


def _brian(circuit, inputs, state, readouts, trials, settle, duration, dt, resolution, options):
    from organics_neuro.brian import simulate

    if duration * resolution < 1:
        raise ValueError(
            f"duration = {duration:g} s is too short for a resolution of {resolution:g} Hz; use at least {1 / resolution:g} s"
        )
    repeated = {name: np.repeat(value, trials, axis=0) for name, value in inputs.items()}
    every = max(1, round(2.5e-4 / dt))  # fast enough that little power above the Nyquist frequency folds back
    rate = 1 / (every * dt)
    trace = simulate(circuit, repeated, settle + duration, dt, record=[state], every=every, **options)[state]
    trace = trace[round(settle * rate) :]
    power = {}
    for key, readout in readouts.items():
        frequencies, density = welch(trace @ readout, rate, nperseg=round(rate / resolution), axis=0)
        shown = (frequencies > 0) & (frequencies <= _HIGHEST)  # the mean is removed, so 0 Hz says nothing
        density = density[shown] / 2  # one-sided to two-sided
        power[key] = density.reshape(len(density), -1, trials).mean(axis=-1).T
    return frequencies[shown], power
