"""The Naka-Rushton function, the standard description of a contrast response."""

import numpy as np
from scipy.optimize import curve_fit

from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.units import magnitude, real_numbers


def naka_rushton(contrast, r_max, c50, exponent):
    """``r_max contrast^n / (contrast^n + c50^n)`` with n = ``exponent``."""
    # written with the ratio, so that a high power does not overflow
    with np.errstate(divide="ignore"):
        return r_max / (1 + (c50 / np.asarray(contrast, dtype=float)) ** exponent)


def fit_naka_rushton(contrast, rate):
    """Fit the Naka-Rushton function by least squares.

    Parameters
    ----------
    contrast, rate : array_like, shape (contrasts,)
        At least three contrasts above 0 and their responses.

    Returns
    -------
    dict
        ``r_max`` (in units of the rate), ``c50`` (a contrast), ``exponent``.

    Raises
    ------
    TypeError
        If they do not hold real numbers.
    ValueError
        If there are too few points, or none responds.
    ConvergenceError
        If no parameters were found.
    """
    contrast, rate = magnitude("contrast", contrast, "1"), real_numbers("rate", rate)
    use = contrast > 0
    if contrast.ndim != 1 or contrast.shape != rate.shape or use.sum() < 3:
        raise ValueError(
            f"a fit needs at least three contrasts above 0 and as many rates, got the shapes {contrast.shape} and {rate.shape}"
        )
    contrast, rate = contrast[use], rate[use]
    if not np.all(np.isfinite(rate)) or rate.max() <= 0:
        raise ValueError("the Naka-Rushton function cannot be fitted: no response is above 0, or one is not finite")

    def model(c, log_max, log_c50, log_exponent):  # logarithms keep the parameters positive
        return naka_rushton(c, np.exp(log_max), np.exp(log_c50), np.exp(log_exponent))

    half = contrast[np.argmin(np.abs(rate - rate.max() / 2))]
    start = np.log([rate.max(), half, 2.0])
    try:
        found, _ = curve_fit(model, contrast, rate, p0=start, maxfev=20000)
    except RuntimeError as error:
        raise ConvergenceError(
            f"no Naka-Rushton function was found for these responses ({error}); plot them first"
        ) from error
    r_max, c50, exponent = np.exp(found)
    return {"r_max": float(r_max), "c50": float(c50), "exponent": float(exponent)}
