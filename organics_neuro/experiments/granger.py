"""Granger causality from spectra: the spectral matrix is factorized, then each direction is compared with what it would be alone."""

import numpy as np

from organics_neuro.core.errors import ConvergenceError

#: Relative change of the factor at which Wilson's iteration stops, and when it has failed.
_PRECISION, _ITERATIONS = 1e-9, 200


def granger(spectra: np.ndarray, first: int = 0, second: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Granger causality between two signals at each frequency (Geweke 1982; from spectra: Dhamala, Rangarajan & Ding 2008).

    Parameters
    ----------
    spectra : ndarray of complex, shape (frequencies, 2, 2)
        Cross-spectra ⟨x x'*⟩, two-sided, at 0, f, 2f, ... up to half of the sampling rate.

    Returns
    -------
    forward, backward : ndarray, shape (frequencies,)
        From the first to the second signal and back; 0 where a signal says nothing about the other's future.

    Raises
    ------
    ConvergenceError
        If the spectra have no factor, as where both signals have the same noise.
    """
    transfer, covariance = factorize(spectra)
    ways = []
    for source, target in ((first, second), (second, first)):
        own, other, both = covariance[target, target], covariance[source, source], covariance[source, target]
        whole = spectra[:, target, target].real
        from_source = (other - both**2 / own) * np.abs(transfer[:, target, source]) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            ways.append(-np.log1p(-np.clip(from_source / whole, 0, 1)))
    return ways[0], ways[1]


def factorize(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transfer functions H and covariance C of innovations with ``spectra = H C Hᴴ``, by Wilson's iteration (1972).

    Parameters
    ----------
    spectra : ndarray of complex, shape (frequencies, signals, signals)
        As for `granger`.

    Returns
    -------
    transfer : ndarray of complex, shape (frequencies, signals, signals)
        Causal, with a causal inverse, and the identity at the lag 0.
    covariance : ndarray, shape (signals, signals)
    """
    scale = np.sqrt(np.abs(np.einsum("fii->fi", spectra)).mean(axis=0))
    known = spectra / (scale[:, None] * scale)  # signals of equal power
    circle = np.concatenate([known, known[-2:0:-1].conj()])  # negative frequencies
    identity = np.eye(known.shape[1])
    try:
        start = np.linalg.cholesky(np.fft.ifft(circle, axis=0)[0].real)
        factor = np.broadcast_to(start, circle.shape).astype(complex)
        for _ in range(_ITERATIONS):
            inverse = np.linalg.inv(factor)
            new = factor @ _causal(inverse @ circle @ inverse.conj().swapaxes(1, 2) + identity)
            moved = np.abs(new - factor).max() / np.abs(new).max()
            factor = new
            if moved < _PRECISION:
                break
        else:
            raise ConvergenceError(
                "the factor of the spectra was not found; give a finer resolution or a higher frequency"
            )
    except np.linalg.LinAlgError:
        raise ConvergenceError(
            "the spectra have no factor: the signals fluctuate as one; give each area noise of its own"
        ) from None
    first = np.fft.ifft(factor, axis=0)[0].real
    transfer = factor[: len(spectra)] @ np.linalg.inv(first)
    ratio = scale[:, None] / scale
    return transfer * ratio, first @ first.T * (scale[:, None] * scale)


def _causal(values: np.ndarray) -> np.ndarray:
    """The part of a function on the circle (frequencies, n, n) that lies at lags above 0, and half of that at 0."""
    lags = np.fft.ifft(values, axis=0)
    lags[0] = np.tril(lags[0] / 2)
    half = len(lags) // 2
    lags[half] /= 2
    lags[half + 1 :] = 0
    return np.fft.fft(lags, axis=0)
