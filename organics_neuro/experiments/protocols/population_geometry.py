"""Population geometry: the ring that responses to all angles make, in how many dimensions, and how noise lies along it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.experiments.drawing import axes, legend, shade
from organics_neuro.experiments.protocol import AngleStimulus, combinations, gratings, name_among
from organics_neuro.experiments.registry import experiment

#: Principal components that are kept.
_COMPONENTS = 3


def draw(dataset: xr.Dataset, ax: Any = None):
    """The responses to all angles on the first two principal components, one ring for each contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.population_geometry`, or what is left of it after a selection.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax, dataset = axes(ax), dataset if "contrast" in dataset.dims else dataset.expand_dims("contrast")
    for k in range(dataset.sizes["contrast"]):
        here = dataset.isel(contrast=k)
        ring = here["projection"].transpose("angle", "component").values
        closed = np.concatenate([ring, ring[:1]])
        label = f"contrast {here['contrast'].item():g}: {here['signal_dimension'].item():.1f} dimensions"
        ax.plot(closed[:, 0], closed[:, 1], "o-", ms=3, color=shade(k, dataset.sizes["contrast"]), label=label)
    ax.set(
        xlabel="first principal component",
        ylabel="second principal component",
        title=dataset.attrs.get("title", ""),
        aspect="equal",
    )
    ax.margins(0.1, 0.5)
    legend(ax, loc="upper center")
    return ax


@experiment(
    "Population geometry",
    axes={
        "contrast": ("stimulus contrast", "1"),
        "angle": ("angle of the grating", "degree"),
        "component": ("principal component", "1"),
    },
    columns={
        "projection": ("response on the principal components", "1"),
        "signal_dimension": ("participation ratio of the responses to all angles", "1"),
        "noise_dimension": ("participation ratio of the noise around a response", "1"),
        "information": ("linear Fisher information about the angle", "1/degree^2"),
    },
    source=(
        "Averbeck, Latham & Pouget (2006), Neural correlations, population coding and computation, Nature Reviews "
        "Neuroscience 7:358-366; Gao et al. (2017), A theory of multineuronal dimensionality, dynamics and measurement, "
        "bioRxiv 214262"
    ),
    engine={"duration": 10.0, "window": 0.1, "dt": 1e-4, "trials": 8, "transient": 0.3},
    plot=draw,
)
def population_geometry(
    circuit: Any,
    contrasts: ArrayLike,
    noise: Mapping | None = None,
    engine: Any = "theory",
    *,
    angles: ArrayLike | None = None,
    stimulus: AngleStimulus = None,
    state: str | None = None,
) -> xr.Dataset:
    """Dimensions of signal and noise, and what both say of the angle.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    contrasts : array_like, shape (contrasts,)
    noise : dict, optional
        As for `power_spectrum`; without it, dimension and information of the noise are NaN.
    engine : str or Engine
        "theory" linearises around fixed points; simulators measure covariances over time and trials, which takes more
        samples than there are units.
    angles : array_like, optional
        At least three, evenly around the circle; up to 36 by default.
    stimulus : callable, optional
        As for `orientation_tuning`.
    state : str, optional
        By full name; the first by default.

    Returns
    -------
    xarray.Dataset
        ``projection`` (contrast, angle, component) on the components of each contrast's responses; over contrast
        ``signal_dimension``; over contrast and angle ``noise_dimension`` and ``information``, f'ᵀ C⁻¹ f' with the derivative
        f' of the mean response by the angle and the covariance C of the noise at a time.
    """
    levels = check_contrasts("contrasts", contrasts)
    states: Any = check_circuit(circuit).states
    name = name_among("state", state, states)
    shown, each = gratings(circuit, np.arange(0, 360, 10.0) if angles is None else angles, stimulus)
    if len(shown) < 3:
        raise ValueError(f"angles must be at least three, got {len(shown)}")
    inputs, shape = combinations(levels, each), (len(levels), len(shown))
    if noise is None and not engine.brings_noise:
        mean, covariance = engine.settle(circuit, inputs).states[name], None
    else:
        found = engine.fluctuations(circuit, inputs, noise, name)
        mean, covariance = found.mean, found.covariance.reshape(*shape, found.mean.shape[-1], -1)
    mean = mean.reshape(*shape, -1)
    around = mean - mean.mean(axis=1, keepdims=True)
    _, sizes, directions = np.linalg.svd(around, full_matrices=False)
    kept = min(_COMPONENTS, directions.shape[1])
    slopes = _slopes(mean, shown)
    dimension, information = np.full((2, *shape), np.nan)
    if covariance is not None:
        dimension = _participation(np.linalg.eigvalsh(covariance))
        information = np.einsum("cai,cai->ca", slopes, np.linalg.solve(covariance, slopes[..., None])[..., 0])
    variables = {
        "projection": (("contrast", "angle", "component"), around @ directions[:, :kept].swapaxes(1, 2)),
        "signal_dimension": ("contrast", _participation(sizes**2)),
        "noise_dimension": (("contrast", "angle"), dimension),
        "information": (("contrast", "angle"), information),
    }
    coordinates = {"contrast": levels, "angle": shown, "component": np.arange(kept)}
    given = "none" if noise is None else str(dict(noise))
    return xr.Dataset(variables, coords=coordinates, attrs={"state": name, "noise": given})


def _participation(values: np.ndarray) -> np.ndarray:
    """(Σλ)²/Σλ² of eigenvalues (..., n): how many dimensions of equal size they amount to."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return values.sum(axis=-1) ** 2 / (values**2).sum(axis=-1)


def _slopes(mean: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Derivatives of (contrasts, angles, units) by the angle in degrees, around the circle: those of Fourier's series."""
    count = len(angles)
    if not np.allclose(np.diff(angles), 360 / count):
        return np.gradient(mean, angles, axis=1)
    order = np.fft.rfftfreq(count, 1 / count)
    order[-1] *= count % 2  # of the highest order the phase is not known
    spectrum = np.fft.rfft(mean, axis=1) * (1j * np.deg2rad(1.0) * order)[:, None]
    return np.fft.irfft(spectrum, count, axis=1)
