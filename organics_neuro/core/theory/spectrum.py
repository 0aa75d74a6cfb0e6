"""Noise around a stable fixed point: power spectral density and covariance of the linearised circuit.

Processes ζ of unit strength drive the states through a matrix G (`organics_neuro.Noise` says how they come in). With J the
Jacobian and S_ζ the spectrum of the processes (1 if they are white), the spectrum of the states is S(f) = H S_ζ Hᴴ with
H(f) = (iω - J)⁻¹ G and ω = 2πf. Both J and G hold e^(-iωd) where a coupling has the delay d. The covariance P solves
J P + P Jᵀ + G Cᵀ + C Gᵀ = 0 with C = ⟨x ζᵀ⟩: G/2 for white noise, (1/τ - J)⁻¹ G/2 for the correlation time τ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from organics_neuro.core.boundary import check_units_axis, known_name, shown
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.noise import resolve_noise
from organics_neuro.core.theory.delays import generator
from organics_neuro.core.theory.fixed_point import solve
from organics_neuro.core.theory.large import check_room
from organics_neuro.core.theory.problems import constant_inputs, pose
from organics_neuro.core.theory.responses import NoisyCircuit
from organics_neuro.core.units import magnitude

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from organics_neuro.core.circuits import AnyCircuit

#: What a spectrum is asked for: one unit of a state, or a weighted sum over units.
Signal = tuple[str, int] | Mapping[str, Any]


class Spectrum:
    """Power spectral density of a circuit, made by `power_spectrum`: two-sided, per Hz.

    ``spectrum["y"]`` is the spectrum of each unit of the state ``y``, shape (frequencies, units), in squared units of
    the state per Hz. The integral over all frequencies, negative ones included, is the variance.

    Attributes
    ----------
    frequencies : ndarray, shape (frequencies,)
        In Hz.
    states : dict of str to slice
        Where each state lies along the axes of `matrix`.
    """

    def __init__(self, frequencies: np.ndarray, states: Mapping[Any, slice], linear: NoisyCircuit, pairs: Any) -> None:
        self.frequencies, self.states = frequencies, states
        self._linear, self._pairs = linear, pairs

    def _auto(self, readout: np.ndarray) -> np.ndarray:
        transfers = self._linear.transfers(readout, self.frequencies)
        return np.array([(np.abs(transfer) ** 2).sum(axis=1) for transfer in transfers])

    def __getitem__(self, state: str) -> np.ndarray:
        known_name("state", state, self.states)
        check_room(self._linear.dynamics, "the spectrum of each unit")
        return self._auto(np.eye(self._linear.size)[self.states[state]])

    @cached_property
    def matrix(self) -> np.ndarray:
        """Auto- and cross-spectra of all units, complex, shape (frequencies, size, size); `cross` gives chosen ones."""
        check_room(self._linear.dynamics, "the matrix of spectra")
        transfers = self._linear.transfers(np.eye(self._linear.size), self.frequencies)
        return np.array([transfer @ transfer.conj().T for transfer in transfers])

    def project(self, weights: Mapping[str, ArrayLike]) -> np.ndarray:
        """Spectrum of a weighted sum over units, such as an electrode records.

        Noise that is private to each unit averages out in a mean over the units, and with it the resonance that they
        share; a weighting by the drive z (the coherent mode) shows it.

        Parameters
        ----------
        weights : dict
            Weights by state, each a number or of shape (units,); states not named do not count.

        Returns
        -------
        ndarray, shape (frequencies,)
        """
        return self._auto(self._readout(weights)[None])[:, 0]

    def cross(self, pairs: Sequence[tuple[Signal, Signal]] | None = None) -> np.ndarray:
        """Cross-spectra ``⟨x x'*⟩`` of pairs of signals.

        Parameters
        ----------
        pairs : sequence of pairs, optional
            By default those that `power_spectrum` was given. A signal is one unit, ``("y", 18)``, or a weighted sum over
            units as `project` takes it, ``{"y": weights}``.

        Returns
        -------
        ndarray of complex, shape (frequencies, pairs)
        """
        return self._pair_spectra(pairs)[0]

    def coherence(self, pairs: Sequence[tuple[Signal, Signal]] | None = None) -> np.ndarray:
        """Squared coherence ``|S_xx'|²/(S_xx S_x'x')`` of pairs of signals, as for `cross`.

        Returns
        -------
        ndarray, shape (frequencies, pairs)
            Between 0 and 1; NaN where a signal has no power.
        """
        cross, first, second = self._pair_spectra(pairs)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.abs(cross) ** 2 / (first * second)

    def phase(self, pairs: Sequence[tuple[Signal, Signal]] | None = None) -> np.ndarray:
        """Phase of the cross-spectra of pairs of signals in degrees, as for `cross`; positive where the first is ahead.

        Returns
        -------
        ndarray, shape (frequencies, pairs)
            Between -180 and 180; it means something where there is coherence.
        """
        return np.rad2deg(np.angle(self.cross(pairs)))

    def _pair_spectra(self, pairs: Sequence | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cross-spectra of pairs, and the spectra of their first and second signals, each (frequencies, pairs)."""
        first, second = self._check_pairs(self._pairs if pairs is None else pairs)
        cross, autos = [], []
        for transfer in self._linear.transfers(np.concatenate([first, second]), self.frequencies):
            x, other = transfer[: len(first)], transfer[len(first) :]
            cross.append((x * other.conj()).sum(axis=1))
            autos.append([(np.abs(x) ** 2).sum(axis=1), (np.abs(other) ** 2).sum(axis=1)])
        autos = np.array(autos)
        return np.array(cross), autos[:, 0], autos[:, 1]

    def _check_pairs(self, pairs: Any) -> tuple[np.ndarray, np.ndarray]:
        """Readouts of the first and of the second signals, each (pairs, size)."""
        if not isinstance(pairs, Sequence) or not len(pairs) or not all(_is_pair(pair) for pair in pairs):
            raise ValueError(
                f"pairs must be a list of pairs of signals, such as [(('y', 0), ('y', 1))], got {shown(pairs)}"
            )
        first, second = zip(*pairs, strict=True)
        return np.array([self._readout(s) for s in first]), np.array([self._readout(s) for s in second])

    def _readout(self, signal: Any) -> np.ndarray:
        """The weights (size,) of a signal."""
        readout = np.zeros(self._linear.size)
        if isinstance(signal, Mapping):
            for name, value in signal.items():
                where = self.states[known_name("state in weights", name, self.states)]
                readout[where] = check_units_axis(f"weights of {name!r}", value, where.stop - where.start)
            return readout
        name, unit = signal
        where = self.states[known_name("state in pairs", name, self.states)]
        units = where.stop - where.start
        if not isinstance(unit, (int, np.integer)) or not 0 <= unit < units:
            raise ValueError(f"the signal {shown(signal)} needs a unit from 0 to {units - 1} of the state {name!r}")
        readout[where.start + unit] = 1
        return readout


def power_spectrum(
    circuit: AnyCircuit,
    z: ArrayLike | Mapping | None,
    frequencies: ArrayLike,
    noise: Mapping,
    state: Mapping | None = None,
    *,
    pairs: Sequence[tuple[Signal, Signal]] | None = None,
) -> Spectrum:
    """Power spectral density of the linearised circuit, driven by noise.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like, dict or None
        Input of shape (units,).
    frequencies : array_like, shape (frequencies,)
        In Hz.
    noise : dict
        By full name of a state or an input: a `organics_neuro.Noise`, or its amplitude η alone, a number or of shape
        (units,), for white noise that is independent from unit to unit. An expression, as in ``{"y": "abs(y)"}``, counts
        with its value at the fixed point.
    state : dict, optional
        The fixed point around which to linearise; by default the one that `fixed_point` finds.
    pairs : sequence of pairs, optional
        Signals whose `Spectrum.cross` and `Spectrum.coherence` are wanted: ``[(("y", 18), ("y", 20))]``.

    Returns
    -------
    Spectrum
        It computes what it is asked for. `Spectrum.project`, `Spectrum.cross` and `Spectrum.coherence` of a few signals
        need no matrix in a circuit of more than 300 states, unless it has delays.

    Raises
    ------
    ValueError
        For noise of an unknown name, of a wrong shape, negative or not finite; if the fixed point is unstable (noise
        then grows without bound) or none was found.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.Circuit("two_type", size=1, tau_a=2e-3)
    >>> spectrum = on.theory.power_spectrum(circuit, [1.0], [20, 50, 200], noise={"y": 1e-3})
    >>> int(spectrum.frequencies[spectrum["y"][:, 0].argmax()])
    50
    """
    frequencies = check_frequencies(frequencies)
    linear = linearise(circuit, z, noise, state)
    spectrum = Spectrum(frequencies, circuit.dynamics.slices, linear, pairs)
    if pairs is not None:
        spectrum._check_pairs(pairs)
    return spectrum


def coherence(
    circuit: AnyCircuit,
    z: ArrayLike | Mapping | None,
    frequencies: ArrayLike,
    noise: Mapping,
    pairs: Sequence[tuple[Signal, Signal]],
    state: Mapping | None = None,
) -> np.ndarray:
    """Squared coherence of pairs of signals; see `power_spectrum` for the arguments and `Spectrum.coherence` for the result.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.Circuit("two_type", size=2, sigma=0.1)
    >>> noise = {"z": on.Noise(1e-3, tau=2e-3, shared=True)}
    >>> on.theory.coherence(circuit, [0.2, 0.2], [40.0], noise, [(("y", 0), ("y", 1))]).round(6)
    array([[1.]])
    """
    return power_spectrum(circuit, z, frequencies, noise, state, pairs=pairs).coherence()


def covariance(
    circuit: AnyCircuit, z: ArrayLike | Mapping | None, noise: Mapping, state: Mapping | None = None
) -> np.ndarray:
    """Stationary covariance of the linearised circuit, driven by noise; parameters as in `power_spectrum`.

    Returns
    -------
    ndarray, shape (size, size)
        Rows and columns in the order of ``circuit.states``. With delays, to a relative precision of about 1e-6.
    """
    linear = linearise(circuit, z, noise, state)
    check_room(linear.dynamics, "the covariance")
    matrix = generator(linear.jacobian)  # with delays, the past of some states is beside the states
    driven = np.zeros_like(matrix)
    for source, gains in linear.gains:
        if any(delay and part.any() for delay, part in gains.items()):
            raise ValueError(
                f"the noise of {str(source.name)!r} arrives with a delay, for which there is no covariance; integrate "
                "the cross-spectra of power_spectrum over frequencies"
            )
        gain, tau = np.zeros((len(matrix), source.processes)), source.tau
        gain[: linear.size] = gains[0.0]
        common = gain if tau is None else np.linalg.solve(np.eye(len(matrix)) / tau - matrix, gain)  # 2 <x ζ>
        driven += (gain @ common.T + common @ gain.T) / 2
    return solve_continuous_lyapunov(matrix, -driven)[: linear.size, : linear.size]


def check_frequencies(frequencies: ArrayLike) -> np.ndarray:
    """Frequencies in Hz as an array (frequencies,)."""
    found = magnitude("frequencies", frequencies, "hertz")
    if found.ndim != 1 or not found.size:
        raise ValueError(f"frequencies must have one axis and at least one value, got shape {found.shape}")
    return found


def linearise(circuit: AnyCircuit, z: Any, noise: Mapping, state: Mapping | None) -> NoisyCircuit:
    """The circuit around its fixed point, or around ``state``, checked to be stable."""
    dynamics = check_circuit(circuit).dynamics
    sources = resolve_noise(dynamics, noise)
    if state is None:
        point, _ = solve(pose(circuit, z))
        if np.ndim(point.converged) == 0 and not point.converged:
            raise ValueError("no fixed point was found for this input, so there is nothing to linearise around")
        state = {name: np.nan_to_num(value) for name, value in point.state.items()}
    inputs = constant_inputs(dynamics, z)
    states = dynamics.resolve_states("state", state, inputs)
    if any(value.ndim > 1 for value in (*inputs.values(), *states.values())):
        raise ValueError("the spectrum is that of one input: give z (and state) of shape (units,), one trial at a time")
    linear = NoisyCircuit(dynamics, states, inputs, sources)
    leading = linear.leading
    if not leading < 0:
        raise ValueError(
            f"the fixed point is not stable (leading eigenvalue {leading:.3g}/s), so noise or small changes around it have "
            "no stationary response; simulate the circuit instead"
        )
    return linear


def _is_pair(given: Any) -> bool:
    """Whether something looks like two signals."""
    return isinstance(given, (tuple, list)) and len(given) == 2 and all(_is_signal(signal) for signal in given)


def _is_signal(given: Any) -> bool:
    return isinstance(given, Mapping) or (isinstance(given, (tuple, list)) and len(given) == 2)
