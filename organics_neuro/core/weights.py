"""Weights of ring circuits, normalization pools and random recurrence."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from organics_neuro.core.boundary import check_units_axis, flag, not_negative_int, number, optional_seed, positive_int
from organics_neuro.core.errors import shown
from organics_neuro.core.memory import check_memory
from organics_neuro.core.operators import Circulant, Dense
from organics_neuro.core.units import magnitude, seconds

__all__ = [
    "gaussian_pool",
    "memory_recurrence",
    "normalization_from_wilson_cowan",
    "normalization_input",
    "random_recurrence",
    "ring_encoder",
    "ring_recurrence",
    "wilson_cowan_from_normalization",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


#: Half of the symmetric nine-tap quadrature-mirror kernel of the ring model (centre last), as in the authors'
#: public code (martiniani-lab/dynamic-divisive-norm).
_QMF_HALF = (0.02807382, -0.060944743, -0.073386624, 0.41472545, 0.7973934)


def ring_recurrence(n: int) -> Circulant:
    """Recurrent weights on a ring of ``n`` units, a `Circulant` with singular values at most 1.

    The nine-tap kernel is made circulant and its eigenvalues are clipped to [-1, 1]: those at 1 span the patterns
    that recurrence sustains.

    Parameters
    ----------
    n : int
        Number of units, at least 9.
    """
    check_memory(f"a ring of {positive_int('n', n)} units", 8 * n, "use fewer units")
    if n < len(_QMF_HALF) * 2 - 1:
        raise ValueError(f"n = {n} is too small for the nine-tap ring kernel; use n >= 9")
    column = np.zeros(n)
    column[:5] = _QMF_HALF[::-1]
    column[-4:] = _QMF_HALF[:-1]
    spectrum = np.fft.rfft(column).real  # the column is even, so the eigenvalues are real
    return Circulant(np.fft.irfft(np.clip(spectrum, -1, 1), n))


def ring_encoder(n: int, m: int = 360) -> np.ndarray:
    """Input weights of a ring of ``n`` units for ``m`` stimulus angles, shape (n, m).

    Each unit has a raised-cosine tuning curve around its preferred angle. The power of the cosine is chosen such
    that the drive of every stimulus lies in the span of the recurrent modes with eigenvalue 1, and the scale such
    that the squared drives sum to 1 for every angle.

    Parameters
    ----------
    n : int
        Number of units.
    m : int
        Number of angles, evenly spaced over the circle.
    """
    n, m = positive_int("n", n), positive_int("m", m)
    check_memory(f"an encoder of {n} units for {m} angles", 3 * 8 * n * m, "use fewer units or angles")
    spectrum = np.fft.fft(ring_recurrence(n).column).real
    dimension = int(np.sum(np.abs(spectrum - 1) < 1e-3))
    power = dimension - 1
    # Σ_j cos^2p over n evenly spaced angles is n (2p)! / (4^p p!²), for n > p
    log_energy = np.log(n) + gammaln(2 * power + 1) - 2 * power * np.log(2) - 2 * gammaln(power + 1)
    distance = 2 * np.pi * (np.arange(m)[None, :] / m - np.arange(n)[:, None] / n)
    return np.abs(np.cos(distance / 2)) ** power * np.exp(-log_energy / 2)


def gaussian_pool(n: int, width: float, m: int | None = None) -> Circulant | Dense:
    """A normalization pool that falls off with distance on the ring: exp(-d²/(2 (width n)²)).

    Parameters
    ----------
    n : int
        Number of source units.
    width : float
        Standard deviation as a fraction of the ring.
    m : int, optional
        Number of target units, if not ``n``.

    Returns
    -------
    Circulant (or `Dense` if ``m`` differs from ``n``)
    """
    width = number("width", width, "larger than 0", lambda w: w > 0)
    n = positive_int("n", n)
    m = n if m is None else positive_int("m", m)
    check_memory(f"a pool of {n} units onto {m}", 3 * 8 * n * m, "use fewer units, or a Convolution or Sparse pool")
    distance = np.abs(np.arange(m)[:, None] * (n / m) - np.arange(n))
    distance = np.minimum(distance, n - distance)
    pool = np.exp(-(distance**2) / (2 * (width * n) ** 2))
    return Circulant(pool[:, 0]) if m == n else Dense(pool)


def random_recurrence(
    n: int, delta: float, symmetric: bool = False, seed: int | np.random.Generator | None = None
) -> Dense:
    """Recurrence that is the identity plus Gaussian noise, W_r = I + G with G_ij ~ N(0, delta/√n).

    Parameters
    ----------
    n : int
    delta : float
        Not negative. The eigenvalues fill a disc of this radius around 1; if symmetric, the interval 1 ± √2 delta.
    symmetric : bool
    seed : int or numpy.random.Generator, optional
    """
    n, delta = positive_int("n", n), number("delta", delta, "0 or larger", lambda d: d >= 0)
    check_memory(f"recurrence among {n} units", 3 * 8 * n * n, "use fewer units")
    random = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(optional_seed(seed))
    noise = random.normal(0, delta / np.sqrt(n), (n, n))
    if flag("symmetric", symmetric):
        noise = (noise + noise.T) / 2
    return Dense(np.eye(n) + noise)


def memory_recurrence(
    n: int, modes: int = 4, tau_y: Any = 10e-3, frequency: Any = 0.0, velocity: float = 0.0
) -> dict[str, Circulant]:
    """Weights of the model "working_memory" on a ring: they hold patterns, turn their phase, or move them.

    Parameters
    ----------
    n : int
        Number of units.
    modes : int
        Patterns are held up to this spatial frequency; all others decay.
    tau_y : float or Brian2 quantity
        Time constant of the circuit, in seconds.
    frequency : float or Brian2 quantity
        How often the phase of what is held goes around, in Hz; twice of it is a time warp by 2.
    velocity : float
        How fast a pattern moves around the ring, in degrees per second.

    Returns
    -------
    dict of Circulant
        ``W_r_re`` and ``W_r_im``, the two parts of ``W_r``.

    Examples
    --------
    >>> import organics_neuro as on
    >>> memory = on.Circuit("working_memory", on.weights.memory_recurrence(36, frequency=1.0))
    """
    n = positive_int("n", n)
    if not_negative_int("modes", modes) > (n - 1) // 2:
        raise ValueError(f"modes = {modes} must be at most {(n - 1) // 2}: a ring of {n} units has no others")
    tau = seconds("tau_y", tau_y)
    omega = 2 * np.pi * float(magnitude("frequency", frequency, "hertz"))
    speed = np.deg2rad(number("velocity", velocity, "a number of degrees per second", lambda v: True))
    k = np.fft.fftfreq(n, 1 / n)
    column = np.fft.ifft(np.where(np.abs(k) <= modes, 1 + 1j * tau * (omega - speed * k), 0))
    return {"W_r_re": Circulant(column.real), "W_r_im": Circulant(column.imag)}


# --- divisive normalization as the steady state of Wilson-Cowan dynamics --------------------------------------------


def wilson_cowan_from_normalization(
    kappa: ArrayLike,
    b: ArrayLike,
    H: ArrayLike,
    e: ArrayLike,
    f: Callable[[np.ndarray], np.ndarray],
    exact: bool = True,
) -> dict[str, Any]:
    """Leak and weights of Wilson-Cowan dynamics that settle where divisive normalization is, at one stimulus.

    Normalization is x = κ e/(b + H e), and the dynamics are dx/dt = e - α x - W f(x). With α = b/κ and
    W = D[x/κ] H D[e/f(x)] both have the same x, for this e alone: the weights depend on the signal.

    Parameters
    ----------
    kappa, b : array_like of shape (units,) or float
        Positive.
    H : array_like, shape (units, units)
        Not negative.
    e : array_like, shape (units,)
        The stimulus, positive.
    f : callable
        What a unit sends, of an array; positive for positive x.
    exact : bool
        If not, W of first order in H, as in a series of the inverse: W = D[x/κ] H D[b/κ] D[x/f(x)].

    Returns
    -------
    dict
        ``alpha`` of shape (units,), ``W`` of shape (units, units), and the steady state ``x`` of shape (units,).

    Examples
    --------
    >>> import numpy as np
    >>> import organics_neuro as on
    >>> found = on.weights.wilson_cowan_from_normalization(1.0, 0.5, 0.1 * np.ones((2, 2)), [1.0, 0.5], np.sqrt)
    >>> start = {"x": found["x"]}  # without a floor there is no slope at 0
    >>> circuit = on.Circuit("wilson_cowan", {"W": found["W"]}, initial=start, alpha=found["alpha"], p=0.5, floor_f=0.0)
    >>> on.theory.fixed_point(circuit, [1.0, 0.5]).state["x"].round(6), found["x"].round(6)
    (array([1.538462, 0.769231]), array([1.538462, 0.769231]))
    """
    e = _positive("e", e)
    kappa, b, H = _normalization(kappa, b, H, len(e))
    x = kappa * e / (b + H @ e)
    sent = _sent(f, x)
    source = e / sent if flag("exact", exact) else b / kappa * x / sent
    return {"alpha": b / kappa, "W": (x / kappa)[:, None] * H * source, "x": x}


def normalization_from_wilson_cowan(
    alpha: ArrayLike,
    W: ArrayLike,
    x: ArrayLike,
    e: ArrayLike,
    f: Callable[[np.ndarray], np.ndarray],
    kappa: ArrayLike = 1.0,
) -> dict[str, np.ndarray]:
    """The divisive normalization that Wilson-Cowan dynamics settle at, at one stimulus: the inverse of the above.

    b = κ α and H = D[κ/x] W D[f(x)/e]; ``kappa`` is free, as one constant of three is.

    Parameters
    ----------
    alpha : array_like of shape (units,) or float
    W : array_like, shape (units, units)
    x, e : array_like, shape (units,)
        A steady state, and its stimulus, both positive.
    f : callable
    kappa : array_like of shape (units,) or float

    Returns
    -------
    dict
        ``b`` of shape (units,) and ``H`` of shape (units, units), with x = κ e/(b + H e).
    """
    x, e = _positive("x", x), _positive("e", e)
    kappa, b, H = _normalization(kappa, alpha, W, len(x), names=("kappa", "alpha", "W"))
    residual = np.abs(e - b * x - H @ _sent(f, x)).max()
    if residual > 1e-6 * max(e.max(), 1.0):
        raise ValueError(
            f"x is no steady state of e - alpha x - W f(x), whose residual is {residual:.2g}; give that of "
            "organics_neuro.theory.fixed_point"
        )
    return {"b": kappa * b, "H": (kappa / x)[:, None] * H * (_sent(f, x) / e)}


def normalization_input(kappa: ArrayLike, b: ArrayLike, H: ArrayLike, x: ArrayLike) -> np.ndarray:
    """The stimulus e of a normalized response x = κ e/(b + H e), by one linear solution.

    Parameters
    ----------
    kappa, b, H : as in `wilson_cowan_from_normalization`
    x : array_like, shape (units,)
    """
    x = check_units_axis("x", x, len(np.atleast_1d(x)))
    kappa, b, H = _normalization(kappa, b, H, len(x))
    return np.linalg.solve(np.eye(len(x)) - (x / kappa)[:, None] * H, b / kappa * x)


def _positive(name, value):
    value = check_units_axis(name, value, len(np.atleast_1d(value)))
    if value.ndim != 1 or not (value > 0).all():
        raise ValueError(f"{name} must be positive, of shape (units,), got {shown(value, str)}")
    return value


def _normalization(kappa, b, H, n, names=("kappa", "b", "H")):
    """Checked constants: κ and b of shape (units,), and the matrix."""
    kappa, b = (_positive(name, np.broadcast_to(value, n)) for name, value in zip(names, (kappa, b), strict=False))
    H = magnitude(names[2], H, "1")
    if H.shape != (n, n):
        raise ValueError(f"{names[2]} must have shape ({n}, {n}), one row and column per unit, got {H.shape}")
    return kappa, b, H


def _sent(f, x):
    sent = np.asarray(f(x), float)
    if sent.shape != x.shape or not (sent > 0).all():
        raise ValueError(f"f must give one positive number for each unit, got {shown(sent, str)}")
    return sent
