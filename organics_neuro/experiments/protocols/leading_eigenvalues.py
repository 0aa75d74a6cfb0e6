"""Leading eigenvalues of a circuit, hand-made or trained, over many inputs.

These are the measurements of Figures 5 to 7 of Rawat, Heeger & Martiniani (NeurIPS 2024, arXiv:2409.18946). For
static layers the authors' public code linearises around what its own solver returns, which for learned recurrence is
not a fixed point; here it is the steady state. For recurrent networks, which follow an input that changes, it
linearises around the states that they visit, as is done here. Results of several epochs are joined by
``xarray.concat(found, dim=pandas.Index(epochs, name="epoch"))``.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from organics_neuro.core import theory
from organics_neuro.core.boundary import count_trials
from organics_neuro.core.errors import ConvergenceError, ConvergenceWarning
from organics_neuro.core.theory.problems import constant_inputs
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.protocol import chunks
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, bins: int = 40, ax: Any = None):
    """Leading eigenvalues: a histogram over samples, or their range over training.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.leading_eigenvalues`; with an axis epoch, results of several epochs are drawn
        against it: the largest, the median and the range over samples.
    bins : int
        Of the histogram.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if "leading" not in dataset or "sample" not in dataset["leading"].dims:
        raise ValueError(
            "dataset must have the variable 'leading' with the axis 'sample', as experiments.leading_eigenvalues gives"
        )
    leading, title = dataset["leading"], dataset.attrs.get("title", "")
    ax = axes(ax)
    if "epoch" not in leading.dims:
        ax.hist(leading.values[np.isfinite(leading.values)], bins=bins, color=shade(0, 1))
        ax.axvline(0, color="black", lw=1, ls="--")
        ax.set(xlabel="real part of the leading eigenvalue (1/s)", ylabel="samples", title=title)
        return ax
    low, middle, high = (leading.quantile(q, "sample") for q in (0, 0.5, 1))
    ax.fill_between(leading.epoch, low, high, color=shade(1, 2), alpha=0.3, lw=0)
    ax.plot(leading.epoch, high, "o-", ms=3, color=shade(0, 2), label="largest")
    ax.plot(leading.epoch, middle, color=shade(1, 2), label="median")
    ax.axhline(0, color="black", lw=1, ls="--")
    ax.set(xlabel="epoch", ylabel="real part of the leading eigenvalue (1/s)", title=title)
    legend(ax)
    return ax


@experiment(
    "Leading eigenvalues",
    axes={"sample": ("sample", "1"), "epoch": ("epoch", "1")},
    columns={
        "leading": ("real part of the leading eigenvalue", "1/s"),
        "frequency": ("frequency of the leading mode", "Hz"),
    },
    source="Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946",
    figure="5, 6 and 7",
    plot=draw,
)
def leading_eigenvalues(model: Any, inputs: Any, state: Mapping | None = None, *, progress: bool = True) -> xr.Dataset:
    """The leading eigenvalue of the linearised circuit for each of many inputs.

    The time of a sample grows with the cube of the number of units.

    Parameters
    ----------
    model : Circuit, JoinedCircuit or layer
        A steady-state layer, such as `organics_neuro.nn.DivisiveNormalization`, stands for its circuit (see
        `organics_neuro.transfer.steady_circuit`).
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
    found: Any = np.empty(samples, dtype=complex)
    for part in chunks(samples, progress):
        now, at = _take(inputs, samples, part), _take(state, samples, part)
        found[part] = theory.eigenvalues(circuit, now, at or None)[..., 0]  # no axis of samples if nothing is given
    found[missing] = np.nan
    found[np.isnan(found)] = complex(np.nan, np.nan)  # both parts
    variables = {"leading": ("sample", found.real), "frequency": ("sample", np.abs(found.imag) / (2 * np.pi))}
    return xr.Dataset(variables, attrs={"circuit": repr(circuit)})


def _as_circuit(model, inputs, state):
    """Circuit, inputs and states of a circuit or of a steady-state layer, and which samples of a layer have no state."""
    if hasattr(model, "dynamics"):
        return model, inputs, state, []
    import torch

    from organics_neuro.nn.copies import in_double
    from organics_neuro.transfer import steady_circuit

    circuit, z = steady_circuit(model, inputs)
    if state is not None:
        raise ValueError("a steady-state layer is linearised around its steady state; leave state out")
    x = torch.as_tensor(inputs, dtype=torch.float64, device="cpu")
    x = x.reshape(len(z), *x.shape[-model.feature_axes :])
    found, missing = {name: np.ones(z.shape) for name in circuit.states}, []
    for part, steady in _steady_states(in_double(model), x):
        if steady is None:
            missing += part
        else:
            for name, values in found.items():
                values[part] = getattr(steady, name).detach().numpy().reshape(len(part), z.shape[-1])
    if missing:
        warnings.warn(
            f"the layer has no steady state for {len(missing)} of {len(x)} samples, or it was not found",
            ConvergenceWarning,
            stacklevel=4,
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


def _take(arrays, samples, part):
    """Some samples of arrays (samples, units); an array (units,) is that of every sample."""
    return {k: np.broadcast_to(v, (samples, np.shape(v)[-1]))[part] for k, v in arrays.items()}
