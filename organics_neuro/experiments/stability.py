"""Stability of trained circuits: leading eigenvalues over a set of inputs, and trajectories that stay bounded.

These are the measurements of Figures 5 to 7 of Rawat, Heeger & Martiniani (NeurIPS 2024, arXiv:2409.18946). For
static layers the authors' public code linearises around what its own solver returns, which for learned recurrence is
not a fixed point; here it is the steady state. For recurrent networks, which follow an input that changes, it
linearises around the states that they visit, as is done here. Results of several epochs are joined by
``xarray.concat(found, dim=pandas.Index(epochs, name="epoch"))``.
"""

import warnings

import numpy as np
import xarray as xr
from tqdm import tqdm

from organics_neuro.core import reference, theory
from organics_neuro.core.boundary import count_trials, input_sequences, positive_int
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.errors import ConvergenceError, ConvergenceWarning
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.theory.solvers import constant_inputs
from organics_neuro.core.units import seconds
from organics_neuro.experiments.results import label

#: Samples that are worked on together: enough for few calls, few enough for memory.
_CHUNK = 32


def stability(model, inputs, state=None, progress=True):
    """The leading eigenvalue of the linearised circuit for each of many inputs.

    The time of a sample grows with the cube of the number of units.

    Parameters
    ----------
    model : Circuit, JoinedCircuit, DivisiveNormalization or DivisiveNormalization2d
        A steady-state layer stands for its circuit (see `organics_neuro.transfer.steady_circuit`).
    inputs : array_like, Tensor or dict
        A batch of inputs, one sample on each row: for a circuit (samples, units), by name if it has several inputs;
        for a layer as it takes them, whatever their leading axes.
    state : dict, optional
        States of a circuit to linearise around, each (samples, units), instead of its fixed points: for a recurrent
        network, those that it visits, with the input of that step.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``leading`` and ``frequency`` with the axis sample: real part of the leading eigenvalue in 1/s (perturbations
        die out if it is negative), and its imaginary part divided by 2 pi, in Hz. NaN where no fixed point was found.

    Warns
    -----
    ConvergenceWarning
        If a fixed point was not found.
    """
    circuit, inputs, state, missing = _as_circuit(model, inputs, state)
    inputs, state = constant_inputs(circuit.dynamics, inputs), state or {}
    samples = count_trials("inputs and states", {**inputs, **circuit.dynamics.resolve_states("state", state)})
    found = np.empty(samples, dtype=complex)
    for part in _chunks(samples, progress):
        now, at = _take(inputs, samples, part), _take(state, samples, part)
        found[part] = theory.eigenvalues(circuit, now, at or None)[..., 0]  # no axis of samples if nothing is given
    found[missing] = np.nan
    found[np.isnan(found)] = complex(np.nan, np.nan)  # both parts
    variables = {"leading": ("sample", found.real), "frequency": ("sample", np.abs(found.imag) / (2 * np.pi))}
    return label(xr.Dataset(variables), circuit, "Stability")


def trajectories(circuit, x, dt=STEP_TIME, *, eigenvalues_every=None, progress=True):
    """How far the states of a circuit are from 0 while it reads input sequences.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        With one input, such as `organics_neuro.transfer.to_circuit` gives.
    x : array_like, shape (samples, steps, inputs)
        One input vector per step.
    dt : float or Brian2 quantity
        The forward Euler step, in seconds; that of ``to_circuit``.
    eigenvalues_every : int, optional
        Linearise the circuit every so many steps around the state that it visits, with the input of that step held.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``norm_y`` (and one variable for each other state) with the axes sample and step: length of the vector of all
        units, at the start and after each step. With ``eigenvalues_every`` also ``leading``, as in `stability`, with
        the axes sample and linearised_step.
    """
    dt = seconds("dt", dt)
    name, x = input_sequences(check_circuit(circuit), x, axis="samples")
    if eigenvalues_every is not None:
        positive_int("eigenvalues_every", eigenvalues_every)
    samples, steps = x.shape[:2]
    visited = np.arange(0, steps, eigenvalues_every) if eigenvalues_every else np.arange(0)
    norms = {state: np.empty((samples, steps + 1)) for state in circuit.states}
    leading = np.empty((samples, len(visited)))
    for part in _chunks(samples, progress):
        trace = reference.simulate(circuit, {name: x[part].swapaxes(0, 1)}, duration=steps * dt, dt=dt)
        for state, values in trace.items():
            norms[state][part] = np.linalg.norm(values, axis=-1).T
        for k, step in enumerate(visited):
            at = {state: values[step] for state, values in trace.items()}
            leading[part, k] = theory.eigenvalues(circuit, {name: x[part, step]}, at)[:, 0].real
    variables = {f"norm_{state}": (("sample", "step"), value) for state, value in norms.items()}
    dataset = xr.Dataset(variables, coords={"step": np.arange(steps + 1)})
    if eigenvalues_every:
        dataset = dataset.assign(leading=(("sample", "linearised_step"), leading), linearised_step=visited)
    return label(dataset, circuit, "Trajectories", dt=dt)


def _as_circuit(model, inputs, state):
    """Circuit, inputs and states of a circuit or of a steady-state layer, and which samples of a layer have no state."""
    if hasattr(model, "dynamics"):
        return model, inputs, state, []
    import torch

    from organics_neuro.nn import DivisiveNormalization2d
    from organics_neuro.nn.circuits import in_double
    from organics_neuro.transfer import steady_circuit

    circuit, z = steady_circuit(model, inputs)
    if state is not None:
        raise ValueError("a steady-state layer is linearised around its steady state; leave state out")
    x = torch.as_tensor(inputs, dtype=torch.float64, device="cpu")
    x = x.reshape(len(z), *x.shape[-3 if isinstance(model, DivisiveNormalization2d) else -1 :])
    found, missing = {name: np.ones(z.shape) for name in circuit.states}, []
    for part, steady in _steady_states(in_double(model), x):
        if steady is None:
            missing += part
        else:
            for name, values in found.items():
                values[part] = getattr(steady, name).detach().numpy().reshape(len(part), circuit.size)
    if missing:
        warnings.warn(
            f"the layer has no steady state for {len(missing)} of {len(x)} samples, or it was not found",
            ConvergenceWarning,
            stacklevel=3,
        )
    return circuit, z, found, missing


def _steady_states(layer, x):
    """Lists of samples with their steady states; None for a sample that has none, which halving the samples finds."""
    left = [list(range(len(x)))]
    while left:
        part = left.pop()
        try:
            yield part, layer.steady_state(x[part])
        except ConvergenceError:
            if len(part) == 1:
                yield part, None
            else:
                left += [part[::2], part[1::2]]


def _chunks(samples, progress):
    """Slices of the samples, with a progress bar that appears after two seconds."""
    with tqdm(total=samples, unit="sample", delay=2, disable=not progress) as bar:
        for start in range(0, samples, _CHUNK):
            yield slice(start, start + _CHUNK)
            bar.update(min(_CHUNK, samples - start))


def _take(arrays, samples, part):
    """Some samples of arrays (samples, units); an array (units,) is that of every sample."""
    return {k: np.broadcast_to(v, (samples, np.shape(v)[-1]))[part] for k, v in arrays.items()}
