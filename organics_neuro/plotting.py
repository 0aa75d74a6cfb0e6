"""Pictures of what the experiments return; every function takes a dataset, draws on matplotlib axes and returns them."""

import numpy as np

from organics_neuro.core.boundary import known_name
from organics_neuro.core.errors import missing_extra
from organics_neuro.experiments import fit_naka_rushton, naka_rushton

try:
    import matplotlib.pyplot as plt
except ImportError as error:
    raise missing_extra("organics_neuro.plotting", "matplotlib", "plot") from error

_FITS = ("naka_rushton",)


def contrast_response(dataset, fit=None, unit=None, state="y", ax=None):
    """Rate of one unit against contrast, one curve for each mask contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.contrast_response`.
    fit : {"naka_rushton"}, optional
        Draw fitted functions through the points, with their parameters in the legend.
    unit : int, optional
        By default the one that the stimulus drives most.
    state : str
        Whose rate to show.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if fit is not None:
        known_name("fit", fit, _FITS)
    rates = dataset[known_name("variable", f"rate_{state}", dataset.data_vars)]
    unit, units = rates.attrs["preferred_unit"] if unit is None else unit, rates.shape[-1]
    if not 0 <= unit < units:
        raise ValueError(f"unit = {unit} must be from 0 to {units - 1}: the dataset has {units} units")
    rates = rates[..., unit]
    ax = plt.subplots(figsize=(5, 3.6), layout="constrained")[1] if ax is None else ax
    for k, mask in enumerate(dataset.mask.values):
        curve, color = rates.sel(mask=mask), _shade(k, dataset.sizes["mask"])
        label = "no mask" if mask == 0 else f"mask {mask:g}"
        contrast = dataset.contrast.values
        shown = contrast > 0
        if fit:
            found = fit_naka_rushton(contrast, curve.values)
            fine = np.geomspace(contrast[shown].min(), contrast.max(), 200)
            ax.plot(fine, naka_rushton(fine, **found), color=color)
            label += f": $c_{{50}}$ = {found['c50']:.2g}, n = {found['exponent']:.2g}"
        ax.plot(contrast[shown], curve.values[shown], "o", ms=4, color=color, label=label)
    ax.set(xscale="log", xlabel="stimulus contrast", ylabel="firing rate (normalized)", title=dataset.attrs["title"])
    ax.legend(frameon=False, fontsize="small")
    return ax


def power_spectrum(dataset, theory=None, signal="coherent", ax=None):
    """Power against frequency, one curve for each contrast.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.power_spectrum`.
    theory : xarray.Dataset, optional
        The same with ``engine="theory"``, drawn as lines over the measured curves.
    signal : {"coherent", "mean"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    known_name("signal", signal, dataset.data_vars)
    if theory is not None and not np.isin(dataset.contrast, theory.contrast).all():
        raise ValueError(f"theory must have the contrasts {dataset.contrast.values}, got {theory.contrast.values}")
    ax = plt.subplots(figsize=(5, 3.6), layout="constrained")[1] if ax is None else ax
    for k, contrast in enumerate(dataset.contrast.values):
        color, label = _shade(k, dataset.sizes["contrast"]), f"contrast {contrast:g}"
        ax.plot(
            dataset.frequency,
            dataset[signal].sel(contrast=contrast),
            color=color,
            alpha=1 if theory is None else 0.45,
            lw=2.5,
            label=label,
        )
        if theory is not None:
            ax.plot(theory.frequency, theory[signal].sel(contrast=contrast), color=color, lw=1)
    ax.set(xscale="log", yscale="log", xlabel="frequency (Hz)", ylabel="power (1/Hz)", title=dataset.attrs["title"])
    ax.legend(frameon=False, fontsize="small")
    return ax


def stability(dataset, bins=40, ax=None):
    """Leading eigenvalues: a histogram over samples, or their range over training.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.stability`; with an axis epoch, results of several epochs are drawn against
        it: the largest, the median and the range over samples.
    bins : int
        Of the histogram.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if "leading" not in dataset or "sample" not in dataset["leading"].dims:
        raise ValueError(
            "dataset must have the variable 'leading' with the axis 'sample', as experiments.stability gives"
        )
    leading = dataset["leading"]
    ax = plt.subplots(figsize=(5, 3.6), layout="constrained")[1] if ax is None else ax
    if "epoch" not in leading.dims:
        ax.hist(leading.values[np.isfinite(leading.values)], bins=bins, color=_shade(0, 1))
        ax.axvline(0, color="black", lw=1, ls="--")
        ax.set(xlabel="real part of the leading eigenvalue (1/s)", ylabel="samples", title=dataset.attrs["title"])
        return ax
    low, middle, high = (leading.quantile(q, "sample") for q in (0, 0.5, 1))
    ax.fill_between(leading.epoch, low, high, color=_shade(1, 2), alpha=0.3, lw=0)
    ax.plot(leading.epoch, high, "o-", ms=3, color=_shade(0, 2), label="largest")
    ax.plot(leading.epoch, middle, color=_shade(1, 2), label="median")
    ax.axhline(0, color="black", lw=1, ls="--")
    ax.set(xlabel="epoch", ylabel="real part of the leading eigenvalue (1/s)", title=dataset.attrs["title"])
    ax.legend(frameon=False, fontsize="small")
    return ax


def trajectories(dataset, state="y", ax=None):
    """Length of the vector of a state against time, one curve for each sample.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `organics_neuro.experiments.trajectories`.
    state : str
        By full name.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    norms = dataset[known_name("variable", f"norm_{state}", dataset.data_vars)].transpose("step", "sample")
    ax = plt.subplots(figsize=(5, 3.6), layout="constrained")[1] if ax is None else ax
    ax.plot(dataset.step, norms, color=_shade(0, 1), lw=0.8, alpha=max(0.1, 1 / norms.sizes["sample"] ** 0.5))
    ax.set(xlabel="step", ylabel=f"length of {state}", title=dataset.attrs["title"])
    return ax


def _shade(k, count):
    """The k-th of ``count`` colours, dark to light."""
    return plt.get_cmap("viridis")(0.85 * k / max(count - 1, 1))
