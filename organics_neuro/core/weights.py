"""Weights of ring circuits, normalization pools and random recurrence."""

from typing import Any

import numpy as np
from scipy.special import gammaln

from organics_neuro.core.boundary import flag, not_negative_int, number, optional_seed, positive_int
from organics_neuro.core.memory import check_memory
from organics_neuro.core.operators import Circulant, Dense
from organics_neuro.core.units import magnitude, seconds

__all__ = ["gaussian_pool", "memory_recurrence", "random_recurrence", "ring_encoder", "ring_recurrence"]


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
