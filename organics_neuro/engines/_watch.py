"""A simulation that leaves the finite numbers ends with an error that says where, when and why."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from organics_neuro.core import theory
from organics_neuro.core.theory.stability import shortest_time_constant

#: States of circuits that are linearised to find out why; more take long.
_LARGEST = 300
#: Numbers beyond which the circuit is not linearised: it left its range long ago.
_HUGE = 1e6


def check_finite(run: Any, traces: Mapping[str, np.ndarray], method: str | None) -> None:
    """Raise `FloatingPointError` if one of ``traces``, each (samples, trials, units), is not finite.

    Parameters
    ----------
    run : Run
    traces : dict of ndarray
        States or outputs by full name.
    method : str, optional
        The integration scheme, if it is known.
    """
    wrong = {name: trace for name, trace in traces.items() if not np.isfinite(trace).all()}
    if not wrong:
        return
    first = {name: np.argwhere(~np.isfinite(trace))[0] for name, trace in wrong.items()}
    name = min(first, key=lambda key: first[key][0])
    sample, trial, unit = (int(k) for k in first[name])
    time = 1e3 * run.samples[sample] * run.dt
    raise FloatingPointError(
        f"{name} of unit {unit} in trial {trial} is {wrong[name][sample, trial, unit]} {'at' if run.every else 'by'} {time:g} ms; "
        + _reason(run, {key: trace[:sample, trial] for key, trace in traces.items()}, trial, sample, method)
    )


def _reason(run: Any, before: Mapping[str, np.ndarray], trial: int, sample: int, method: str | None) -> str:
    shortest, tau = shortest_time_constant(run.circuit, run.inputs)
    if run.dt > shortest:
        return f"dt = {run.dt:g} s is larger than the time constant {tau} = {shortest:g} s, use a smaller dt"
    leading, bound = _linearised(run, before, trial, sample, method)
    if leading > 0:
        return (
            f"there the circuit itself grows (leading eigenvalue {leading:.3g}/s), whatever the step: look at its weights, "
            "parameters and inputs"
        )
    if bound < run.dt:
        return f"dt = {run.dt:g} s is above the largest step {bound:.3g} s that is stable with {method!r}, use a smaller dt"
    return f"use a smaller dt than {run.dt:g} s; if that does not help, look at the weights, parameters and inputs"


def _linearised(run: Any, before: Mapping[str, np.ndarray], trial: int, sample: int, method: str | None) -> tuple:
    """Leading eigenvalue and largest stable step where the circuit last had moderate states; NaN where not known."""
    unknown = np.nan, np.nan
    if set(before) != set(run.circuit.states) or run.circuit.dynamics.size > _LARGEST:
        return unknown
    usable = [k for k in range(sample) if all(np.abs(trace[k]).max() < _HUGE for trace in before.values())]
    if not usable:
        return unknown
    state = {name: trace[usable[-1]] for name, trace in before.items()}
    now = {
        name: value[min(trial, len(value) - 1)] if value.ndim == 2 else value
        for name, value in (
            (name, value[usable[-1]] if value.ndim == 3 else value) for name, value in run.inputs_at_samples().items()
        )
    }
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            leading = theory.eigenvalues(run.circuit, now, state)[0].real
            bound = theory.largest_stable_dt(run.circuit, now, method, state) if method else np.nan
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return unknown
    return leading, bound or np.nan
