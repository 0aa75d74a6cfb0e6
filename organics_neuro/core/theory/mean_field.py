"""Mean field of trained feedback networks (model "feedback"): which outputs are fixed points, and which of them are stable.

A network of many units has the bulk g χ, entries of χ of variance 1/units, and the vectors m = Σ_m (ρ η + r η_m) and
I = Σ_I (ρ η + r η_I) with r = sqrt(1 - ρ²), of independent standard normal entries: ρ is how far the feedback and the input
share a direction. At a fixed point with the output z the potentials are Gaussian, of mean 0 and of the variance that solves

    Δ = g² ⟨φ²⟩ + Σ_m² z² + 2 Σ_m Σ_I ρ² z + Σ_I²,        φ = tanh, averages over potentials of the variance Δ,

and all that matters of the readout n are its overlaps a_m = nᵀm/units and a_I = nᵀI/units: z = (a_m z + a_I) ⟨φ'⟩. Stability
is decided by two numbers in units of 1/tau, each of which must stay below 1: the radius g sqrt(⟨φ'²⟩) of the bulk of the
eigenvalues and the outlier that the loop adds (F. Mastrogiuseppe, S. Ostojic, Neural Computation 31, 2019).

The readout that least squares finds is not independent of the bulk: it holds φ(x0), the rates of the open loop, which the same
bulk has shaped. `least_squares` takes that into account, as the paper does not: (x0, x) are Gaussian with the covariance

    C = Σ_m² z A + Σ_m Σ_I ρ² (z + A) + Σ_I² + g² ⟨φ(x0) φ(x)⟩,        z = A ⟨φ(x0) φ(x)⟩/⟨φ(x0)²⟩.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from organics_neuro.core.boundary import number

__all__ = ["FieldPoints", "Overlaps", "Statistics", "calibrate", "classify", "closed_loop", "least_squares"]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


#: Averages over a Gaussian of standard deviation s are sums over a lattice of this distance over s, in units of s, which ends
#: after so many units: tanh has its poles iπ/2 away, so the error is exp(-π²/distance) or smaller.
_DISTANCE, _END = 0.28, 8.5
#: Iterations of the self-consistent variance and covariance, and their relative precision.
_ITERATIONS, _PRECISION = 2000, 1e-14
#: Places at which the equation for z is evaluated to find where it changes sign.
_PLACES = 401
#: Half the distance of the differences that give the slope of the loop.
_STEP = 1e-5


@dataclass(frozen=True)
class Statistics:
    """Of a random network: see the equations of this module.

    Parameters
    ----------
    g : float
        Strength of the bulk, below 1 (above, a network without loop is chaotic).
    sigma_m, sigma_i : float
        Standard deviation of the entries of m and of I.
    rho : float
        How far m and I share a direction, from 0 to 1.
    """

    g: float = 0.3
    sigma_m: float = 1.2
    sigma_i: float = 0.5
    rho: float = 0.5

    def __post_init__(self):
        number("g", self.g, "from 0 to below 1", lambda v: 0 <= v < 1)
        for name in ("sigma_m", "sigma_i"):
            number(name, getattr(self, name), "a number, 0 or larger", lambda v: v >= 0)
        number("rho", self.rho, "from 0 to 1", lambda v: 0 <= v <= 1)

    def received(self, z: float, other: float | None = None) -> float:
        """Covariance of what units receive from outside of the bulk at the outputs ``z`` and ``other`` (default: the same)."""
        other = z if other is None else other
        shared = self.sigma_m * self.sigma_i * self.rho**2
        return self.sigma_m**2 * z * other + shared * (z + other) + self.sigma_i**2

    def variance(self, z: float) -> float:
        """Δ of the potentials at the output ``z``."""
        return _solve(lambda v: self.g**2 * _mean(v, lambda x: np.tanh(x) ** 2) + self.received(z), self.received(z))


@dataclass(frozen=True)
class Overlaps:
    """How a readout lies in its network.

    Parameters
    ----------
    with_m, with_i : float
        nᵀm/units and nᵀI/units.
    """

    with_m: float
    with_i: float


@dataclass(frozen=True)
class FieldPoints:
    """Fixed points of the mean field, in the order of z.

    Attributes
    ----------
    z : ndarray, shape (points,)
        Outputs.
    outlier : ndarray, shape (points,)
        Real part of the leading eigenvalue that the loop adds, in units of 1/tau (J = -1 + outlier); of `least_squares` the
        gain of the loop at a frequency of 0, which is 1 where the outlier is.
    radius : ndarray, shape (points,)
        Of the bulk of eigenvalues around -1, in units of 1/tau.
    stable : ndarray of bool, shape (points,)
    """

    z: np.ndarray
    outlier: np.ndarray
    radius: np.ndarray
    stable: np.ndarray

    def __len__(self) -> int:
        return len(self.z)


def calibrate(
    statistics: Statistics, target: float, p: float = 1.0, p_m: float = 1.0, p_i: float = 0.3
) -> tuple[Overlaps, float]:
    """The readout n = c (p η + p_m η_m + p_i η_I) that gives ``target``, if it is fed back: its overlaps, and c.

    Parameters
    ----------
    statistics : Statistics
    target : float
    p, p_m, p_i : float
        What the readout has of the direction that m and I share, and of those that each has alone.

    Raises
    ------
    ValueError
        If such a readout sees nothing of the network in that state.
    """
    target = number("target", target, "a number", lambda v: True)
    alone = np.sqrt(1 - statistics.rho**2)
    with_m = statistics.sigma_m * (p * statistics.rho + p_m * alone)
    with_i = statistics.sigma_i * (p * statistics.rho + p_i * alone)
    seen = (with_m * target + with_i) * _mean(statistics.variance(target), _slope)
    if abs(seen) < 1e-12:
        raise ValueError(
            f"a readout with p = {p:g}, p_m = {p_m:g} and p_i = {p_i:g} sees nothing of a network whose output is {target:g}; "
            "give it another direction"
        )
    c = target / seen
    return Overlaps(c * with_m, c * with_i), c


def closed_loop(statistics: Statistics, overlaps: Overlaps) -> FieldPoints:
    """All fixed points of a network with a readout of these overlaps that is independent of the bulk.

    Parameters
    ----------
    statistics : Statistics
    overlaps : Overlaps
        Of `calibrate`, or as measured in a network (`organics_neuro.feedback.overlaps`).

    Examples
    --------
    >>> from organics_neuro.theory import mean_field as mf
    >>> found = mf.closed_loop(mf.Statistics(), mf.calibrate(mf.Statistics(), target=2.0)[0])
    >>> found.z.round(3).tolist(), found.stable.tolist()
    ([-1.627, -0.403, 2.0], [True, False, True])
    """

    def excess(z):
        return (overlaps.with_m * z + overlaps.with_i) * _mean(statistics.variance(z), _slope) - z

    # ⟨φ'⟩ is at most 1, and at most sqrt(2/(π Δ)) with Δ >= σ_m² (1 - ρ²) z²: what n sees is bounded
    zs = _roots(excess, 2 + abs(overlaps.with_i) + 2 * abs(overlaps.with_m) * (1 + 1 / max(statistics.sigma_m, 0.1)))
    variances = [statistics.variance(z) for z in zs]
    outlier = [_outlier(statistics, overlaps, z, v) for z, v in zip(zs, variances, strict=True)]
    return _points(zs, outlier, [_radius(statistics, v) for v in variances])


def least_squares(statistics: Statistics, target: float, bulk: bool = True) -> FieldPoints:
    """All fixed points of a network that was trained by least squares in the open loop.

    Parameters
    ----------
    statistics : Statistics
    target : float
        Not 0: a readout of 0 has no loop.
    bulk : bool
        Whether the bulk is the same in training and after it, as it is; without it, as if it was another one, the target
        itself is missed by some percent.

    Examples
    --------
    >>> from organics_neuro.theory import mean_field as mf
    >>> mf.least_squares(mf.Statistics(), 2.0).z.round(4).tolist()
    [-1.5615, -0.3621, 2.0]
    """
    target = number("target", target, "a number other than 0", lambda v: v != 0)
    open_loop = statistics.variance(target)
    power = _mean(open_loop, lambda x: np.tanh(x) ** 2)

    def output(z):
        variance, received = statistics.variance(z), statistics.received(z, target)
        if not bulk:
            return target * _pair_mean(open_loop, variance, received) / power
        covariance = _solve(lambda c: received + statistics.g**2 * _pair_mean(open_loop, variance, c), received)
        return target * _pair_mean(open_loop, variance, covariance) / power

    zs = _roots(lambda z: output(z) - z, abs(target) / np.sqrt(power))  # ⟨φ(x0) φ(x)⟩² is at most ⟨φ(x0)²⟩
    gain = [(output(z + _STEP) - output(z - _STEP)) / (2 * _STEP) for z in zs]
    return _points(zs, gain, [_radius(statistics, statistics.variance(z)) for z in zs])


def classify(points: FieldPoints, target: float) -> str:
    """What training for ``target`` led to, by the fixed points of the mean field.

    Returns
    -------
    str
        "unique": the target is the only attractor; "bistable": there are others; "unstable": the target is none.
    """
    nearest = np.abs(points.z - target).argmin()
    if not points.stable[nearest]:
        return "unstable"
    return "unique" if points.stable.sum() == 1 else "bistable"


# --- averages and roots ---------------------------------------------------------------------------------------------


def _slope(x):
    return 1 - np.tanh(x) ** 2


def _lattice(deviation):
    """Points and weights of an average over a Gaussian of mean 0 of this standard deviation."""
    count = int(np.ceil(_END * max(deviation, 1.0) / _DISTANCE))
    x = np.linspace(-_END, _END, 2 * count + 1)
    w = np.exp(-(x**2) / 2)
    return deviation * x, w / w.sum()


def _mean(variance, function):
    """The average of a function of a Gaussian of mean 0."""
    x, w = _lattice(np.sqrt(variance))
    return float(w @ function(x))


def _pair_mean(first, second, covariance):
    """⟨φ(x0) φ(x)⟩ of two Gaussians: that of x at given x0, then over x0, of which one sign is enough."""
    slope = covariance / first if first > 0 else 0.0
    x0, weights = _lattice(np.sqrt(first))
    half = x0 > 0
    x, w = _lattice(np.sqrt(max(second - slope * covariance, 0.0)))
    given = np.tanh(slope * x0[half, None] + x) @ w
    return float(2 * weights[half] @ (np.tanh(x0[half]) * given))


def _solve(function, start):
    """A number that is ``function`` of itself; for g < 1 the iteration is a contraction."""
    value = start
    for _ in range(_ITERATIONS):
        following = function(value)
        if abs(following - value) <= _PRECISION * max(1.0, abs(value)):
            return following
        value = following
    return value


def _roots(function: Callable[[float], float], bound: float) -> np.ndarray:
    """Where a function changes its sign between -bound and bound."""
    places = np.linspace(-1.007 * bound, bound, _PLACES)  # 0, which may be a root, is none of them
    values = [function(z) for z in places]
    found = [
        brentq(function, left, right, xtol=1e-14, rtol=1e-14)
        for left, right, a, b in zip(places, places[1:], values, values[1:], strict=False)
        if a * b < 0 or a == 0
    ]
    return np.array(found)


def _radius(statistics, variance):
    return statistics.g * np.sqrt(_mean(variance, lambda x: _slope(x) ** 2))


def _outlier(statistics, overlaps, z, variance):
    """The larger eigenvalue of how a change of (Δ, z) changes both."""
    rate, slope = np.tanh, _slope
    curved = _mean(variance, lambda x: slope(x) ** 2 - 2 * (rate(x) * slope(x)) * rate(x))  # φ'² + φ φ''
    third = _mean(variance, lambda x: slope(x) * (6 * rate(x) ** 2 - 2))  # φ'''
    by_variance = statistics.g**2 * curved
    by_output = 2 * statistics.sigma_m**2 * z + 2 * statistics.sigma_m * statistics.sigma_i * statistics.rho**2
    b = (overlaps.with_m * z + overlaps.with_i) * third / 2
    k = overlaps.with_m * _mean(variance, slope)
    matrix = np.array([[by_variance, by_output], [b * by_variance, b * by_output + k]])
    return np.linalg.eigvals(matrix).real.max()


def _points(z, outlier, radius):
    outlier, radius = np.array(outlier), np.array(radius)
    return FieldPoints(z, outlier, radius, (outlier < 1) & (radius < 1))
