"""Functions that describe tuning curves, and their fits by least squares.

Orientation: von Mises. Size: the difference of two Gaussian integrals (DeAngelis, Freeman & Ohzawa 1994) and their ratio
(Cavanaugh, Bair & Movshon 2002). Amplitudes and widths are positive.
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import erf

from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.units import real_numbers

#: Largest concentration of a von Mises function that counts as one: a half width of about a degree.
_NARROW = 1e4


def von_mises(angle, amplitude, kappa, preferred):
    """``amplitude exp(kappa (cos(angle - preferred) - 1))``, with angles in degrees once around the circle."""
    return amplitude * np.exp(kappa * (np.cos(np.deg2rad(np.asarray(angle, dtype=float) - preferred)) - 1))


def difference_of_gaussians(radius, excitation, inhibition, width, surround):
    """``excitation erf(radius/width) - inhibition erf(radius/surround)``."""
    radius = np.asarray(radius, dtype=float)
    return excitation * erf(radius / width) - inhibition * erf(radius / surround)


def ratio_of_gaussians(radius, excitation, inhibition, width, surround):
    """``excitation erf(radius/width)^2/(1 + inhibition erf(radius/surround)^2)``."""
    radius = np.asarray(radius, dtype=float)
    return excitation * erf(radius / width) ** 2 / (1 + inhibition * erf(radius / surround) ** 2)


def fit_von_mises(angle: ArrayLike, rate: ArrayLike) -> dict[str, float]:
    """Fit a von Mises function.

    Parameters
    ----------
    angle, rate : array_like, shape (angles,)
        At least four angles in degrees, once around the circle, and the responses.

    Returns
    -------
    dict
        ``amplitude`` (in units of the rate), ``kappa``, ``preferred`` (degrees), ``r2``.

    Raises
    ------
    ValueError
        If there are too few points, or none responds.
    ConvergenceError
        If no parameters were found.
    """
    angle, rate = _checked("angle", angle, rate, 4)

    def model(x, log_amplitude, log_kappa, preferred):
        return von_mises(x, np.exp(log_amplitude), np.exp(np.minimum(log_kappa, np.log(_NARROW))), preferred)

    starts = [[np.log(rate.max()), np.log(kappa), angle[rate.argmax()]] for kappa in (2.0, 10.0)]
    (amplitude, kappa, preferred), r2 = _best(model, angle, rate, starts, "von Mises function")
    found = {"amplitude": np.exp(amplitude), "kappa": np.exp(kappa), "preferred": preferred % 360}
    return {**{key: float(value) for key, value in found.items()}, "r2": r2}


def fit_difference_of_gaussians(radius: ArrayLike, rate: ArrayLike) -> dict[str, float]:
    """Fit `difference_of_gaussians` to at least five sizes; returns its arguments by name, and ``r2``."""
    return _fit_sizes(
        difference_of_gaussians, "difference of Gaussians", radius, rate, lambda peak: (1.5 * peak, 0.7 * peak)
    )


def fit_ratio_of_gaussians(radius: ArrayLike, rate: ArrayLike) -> dict[str, float]:
    """Fit `ratio_of_gaussians` to at least five sizes; returns its arguments by name, and ``r2``."""
    return _fit_sizes(ratio_of_gaussians, "ratio of Gaussians", radius, rate, lambda peak: (2 * peak, 2.0))


def _fit_sizes(function, what, radius, rate, amplitudes):
    radius, rate = _checked("radius", radius, rate, 5)

    def model(x, *logarithms):
        return function(x, *np.exp(np.clip(logarithms, -50, 50)))

    peak = max(float(radius[rate.argmax()]), float(np.min(radius[radius > 0])))
    spreads = [(peak * narrow, peak * wide) for narrow in (0.5, 1.0) for wide in (2.0, 5.0)]
    starts = [np.log([*amplitudes(rate.max()), *widths]) for widths in spreads]
    found, r2 = _best(model, radius, rate, starts, what)
    names = ("excitation", "inhibition", "width", "surround")
    values = np.exp(np.clip(found, -50, 50)).tolist()
    return {**dict(zip(names, values, strict=True)), "r2": r2}


def half_width(angle: ArrayLike, rate: ArrayLike) -> float:
    """Half of the width of a tuning curve at half of its height, in degrees, between samples by a cubic spline.

    Parameters
    ----------
    angle, rate : array_like, shape (angles,)
        At least four angles in degrees, in any order.

    Returns
    -------
    float
        NaN where the curve does not fall to half of its height on both sides.
    """
    angle, rate = _checked("angle", angle, rate, 4)
    peak = angle[rate.argmax()]
    around = np.round((angle - peak + 180) % 360 - 180, 6) % 360  # 180 and -180, or 0 and 360, are one angle
    offset, first = np.unique(np.where(around >= 180, around - 360, around), return_index=True)
    rate = rate[first]
    crossings = CubicSpline(offset, rate - rate.max() / 2).roots(extrapolate=False)
    left, right = crossings[crossings < 0], crossings[crossings > 0]
    return float((right.min() - left.max()) / 2) if len(left) and len(right) else float("nan")


def _checked(name: str, x: ArrayLike, rate: ArrayLike, least: int) -> tuple[np.ndarray, np.ndarray]:
    x, rate = real_numbers(name, x), real_numbers("rate", rate)
    if x.ndim != 1 or x.shape != rate.shape or len(np.unique(x)) < least:
        raise ValueError(
            f"a fit needs at least {least} different values of {name} and as many rates, got the shapes {x.shape} and "
            f"{rate.shape}"
        )
    if not np.all(np.isfinite(rate)) or rate.max() <= 0:
        raise ValueError(f"nothing can be fitted over {name}: no response is above 0, or one is not finite")
    return x, rate


def _best(model: Callable, x: np.ndarray, rate: np.ndarray, starts: Sequence, what: str) -> tuple[np.ndarray, float]:
    """The parameters with the smallest error of all starts, and the fraction of the variance that they explain."""
    found = []
    for start in starts:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", OptimizeWarning)  # the covariance of the parameters is not asked for
                parameters, _ = curve_fit(model, x, rate, p0=start, maxfev=5000)
        except RuntimeError:
            continue
        found.append((float(np.sum((model(x, *parameters) - rate) ** 2)), parameters))
    if not found:
        raise ConvergenceError(f"no {what} was found for these responses; plot them first")
    error, parameters = min(found, key=lambda each: each[0])
    return parameters, 1 - error / max(float(np.sum((rate - rate.mean()) ** 2)), 1e-300)
