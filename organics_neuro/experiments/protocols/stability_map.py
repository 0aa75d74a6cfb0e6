"""Stability map: the leading eigenvalue of the fixed point over the strength of recurrence and of the input."""

import warnings
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from tqdm import tqdm

from organics_neuro.core import theory
from organics_neuro.core.boundary import known_name, shown
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.core.operators import Dense
from organics_neuro.core.units import real_numbers
from organics_neuro.experiments.drawing import axes
from organics_neuro.experiments.protocol import Stimulus, held, pattern, scaled
from organics_neuro.experiments.registry import experiment


def draw(dataset: xr.Dataset, ax: Any = None):
    """The time constant of the slowest mode, in colour; unstable points are hatched, and unknown ones white.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.stability_map`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Patch

    ax, leading = axes(ax), dataset["leading"].transpose("strength", "input")
    known, stable = np.isfinite(leading.values), leading.values < 0
    slowness = np.where(stable, 1e3 / np.abs(np.where(known, leading.values, 1.0)), np.nan)
    x, y = leading["input"].values, leading["strength"].values
    handles = []
    if np.isfinite(slowness).any():
        mesh = ax.pcolormesh(x, y, slowness, norm=LogNorm(), cmap="cividis", shading="nearest", rasterized=True)
        ax.figure.colorbar(mesh, ax=ax, label="slowest time constant (ms)")
    if (known & ~stable).any():
        unstable = np.ma.masked_where(~known | stable, np.ones(leading.shape))
        ax.pcolor(x, y, unstable, cmap="Greys", vmin=0, vmax=4, hatch="////", shading="nearest", edgecolors="0.4", lw=0)
        handles.append(Patch(facecolor="0.75", hatch="////", edgecolor="0.4", label="unstable fixed point"))
    if not known.all():
        handles.append(Patch(facecolor="white", edgecolor="0.5", label="no fixed point found"))
    for scale, values in ((ax.set_xscale, x), (ax.set_yscale, y)):
        if len(values) > 2 and (values > 0).all() and np.ptp(np.diff(values)) > 1e-6 * np.ptp(values):
            scale("log")
    ax.set(xlabel="length of the input", ylabel="strength of the recurrence", title=dataset.attrs.get("title", ""))
    if handles:
        ax.legend(handles=handles, fontsize="small", loc="upper right")
    return ax


@experiment(
    "Stability map",
    axes={"strength": ("strength of the recurrence", "1"), "input": ("length of the input", "1")},
    columns={
        "leading": ("real part of the leading eigenvalue", "1/s"),
        "frequency": ("frequency of the leading mode", "Hz"),
        "converged": ("whether a fixed point was found", "1"),
        "departure": ("distance from the state without recurrence between units, relative to its length", "1"),
        "euler_step": ("largest step at which forward Euler is stable", "s"),
    },
    source=(
        "Morone et al. (2026), PNAS 123(30) e2601841123: normalization breaks down, and the circuit slows down, as the "
        "recurrence grows"
    ),
    plot=draw,
)
def stability_map(
    circuit: Any,
    strengths: ArrayLike,
    inputs: ArrayLike,
    *,
    weights: str = "W_r",
    stimulus: Stimulus = None,
    progress: bool = True,
) -> xr.Dataset:
    """How fast the slowest mode of a circuit is, from identity recurrence to the recurrence that it has, and beyond.

    At strength s the recurrence is I + s (W_r - I). At each point of the map the fixed point is the one to which the circuit
    leads from where it starts, as far as `organics_neuro.theory.fixed_point` finds it. The step of an integrator makes no
    oscillations in the map; ``euler_step`` says from which step on forward Euler would make some.

    Parameters
    ----------
    circuit : Circuit
        Its recurrence is that of strength 1; see `organics_neuro.weights.random_recurrence`.
    strengths : array_like, shape (strengths,)
        In rising order, 0 or larger.
    inputs : array_like, shape (inputs,)
        Lengths of the input, its root of the sum of squares, above 0, in rising order.
    weights : str
        Name of the recurrent weights.
    stimulus : array_like or dict, optional
        The input whose length varies, as for `contrast_response`; by default the same for all units.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        With the axes strength and input: ``leading`` and ``frequency`` of the leading eigenvalue, ``converged``,
        ``departure`` from the fixed point with identity recurrence, and ``euler_step``. NaN where no fixed point was found:
        there the circuit may oscillate or grow without bounds, which `organics_neuro.simulate` shows.
    """
    if not isinstance(circuit, Circuit):
        raise TypeError(f"circuit must be one Circuit, got {type(circuit).__name__}")
    name: str = known_name("weights", weights, circuit.weights)
    steps, lengths = _rising("strengths", strengths), _rising("inputs", inputs, above=True)
    base = circuit.weights[name].to_dense()
    if base.shape[0] != base.shape[1]:
        raise ValueError(f"the weights {name!r} have shape {base.shape}, but recurrence has as many sources as targets")
    z = scaled(_shown(circuit, stimulus), lengths) | held(circuit, stimulus)
    columns = ("leading", "frequency", "departure", "euler_step", "converged")
    found = {key: np.full((len(steps), len(lengths)), np.nan) for key in columns}
    with warnings.catch_warnings(), tqdm(total=len(steps), unit="strength", delay=2, disable=not progress) as bar:
        warnings.simplefilter("ignore", ConvergenceWarning)  # the dataset says where no fixed point was found
        origin = theory.fixed_point(_of_strength(circuit, name, base, 0.0), z).state
        for row, strength in enumerate(steps):
            now = _of_strength(circuit, name, base, strength)
            point = theory.fixed_point(now, z)
            for key, values in _describe(now, z, point.state, origin).items():
                found[key][row] = np.where(point.converged, values, np.nan)
            found["converged"][row] = point.converged
            bar.update()
    variables: dict[str, Any] = {key: (("strength", "input"), value) for key, value in found.items()}
    dataset = xr.Dataset(variables, coords={"strength": steps, "input": lengths})
    return dataset.assign(converged=dataset.converged.astype(bool))


def _of_strength(circuit: Circuit, name: str, base: np.ndarray, strength: float) -> Circuit:
    identity = np.eye(len(base))
    return circuit.replace(weights={name: Dense(identity + strength * (base - identity))})


def _describe(circuit: Circuit, z: Any, state: Any, origin: Any) -> dict[str, np.ndarray]:
    leading = theory.eigenvalues(circuit, z, state)[..., 0]
    far = np.concatenate([state[key] - origin[key] for key in state], axis=-1)
    length = np.linalg.norm(np.concatenate([origin[key] for key in state], axis=-1), axis=-1)
    step = np.asarray(theory.largest_stable_dt(circuit, z, "euler", state))
    return {
        "leading": leading.real,
        "frequency": np.abs(leading.imag) / (2 * np.pi),
        "departure": np.linalg.norm(far, axis=-1) / length,
        "euler_step": np.where(leading.real < 0, step, np.nan),
    }


def _shown(circuit: Circuit, stimulus: Stimulus) -> dict[str, np.ndarray]:
    """Inputs of length 1."""
    if stimulus is None:
        inputs = [key for key in circuit.inputs if key not in circuit.external]
        if len(inputs) != 1 or circuit.external:
            raise ValueError(f"this circuit has the inputs {', '.join(circuit.inputs)}; give stimulus")
        return {inputs[0]: np.full(circuit.size, circuit.size**-0.5)}
    found = pattern(circuit, stimulus, 180.0)
    length = np.sqrt(sum(float(np.sum(value**2)) for value in found.values()))
    if not length > 0:
        raise ValueError("the stimulus is 0 everywhere, so it has no length that could vary")
    return {key: value / length for key, value in found.items()}


def _rising(name: str, values: ArrayLike, above: bool = False) -> np.ndarray:
    found = real_numbers(name, values)
    low = found.ndim == 1 and found.size and (found.min() <= 0 if above else found.min() < 0)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all() or low or (np.diff(found) <= 0).any():
        kind = "above 0" if above else "0 or larger"
        raise ValueError(f"{name} must be numbers in rising order, {kind}, got {shown(values)}")
    return found
