"""How noise reaches the states of a circuit that is linearised around a stable fixed point: with matrices, or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.linearisation import Linearisation
from organics_neuro.core.theory.krylov import ShiftedSystems
from organics_neuro.core.theory.large import LARGE, check_room
from organics_neuro.core.theory.problems import system_of

if TYPE_CHECKING:
    from organics_neuro.core.dynamics import Dynamics
    from organics_neuro.core.noise import Source

#: Above this number of states, the responses of up to so many signals are found without matrices.
_STATES, _SIGNALS = 300, 16


class NoisyCircuit:
    """A circuit linearised around a fixed point, and the noise that drives it.

    Parameters
    ----------
    dynamics : Dynamics
    states, inputs : dict of ndarray
        Each (units,).
    sources : sequence of Source
    """

    def __init__(self, dynamics: Dynamics, states: Mapping, inputs: Mapping, sources: Sequence[Source]):
        self.dynamics, self.sources, self.size = dynamics, tuple(sources), dynamics.size
        self.x, self.inputs = dynamics.pack(states), inputs
        known = {**inputs, **dynamics.couplings(states, inputs)}
        self._amplitudes = [source.amplitude(dynamics, states, known) for source in self.sources]

    @cached_property
    def leading(self) -> float:
        """Real part of the leading eigenvalue, in 1/s."""
        return float(system_of(self.dynamics, self.inputs).leading(self.x[None])[0])

    @cached_property
    def jacobian(self) -> dict[float, np.ndarray]:
        """The Jacobian by delay, each (size, size)."""
        check_room(self.dynamics, "the Jacobian")
        return self.dynamics.derivatives(self.x, self.inputs, self.dynamics.slices)

    @cached_property
    def gains(self) -> list[tuple[Source, dict[float, np.ndarray]]]:
        """Each source of noise with its matrix by delay, each (size, processes)."""
        return [(s, self._gain(s, a)) for s, a in zip(self.sources, self._amplitudes, strict=True)]

    def _gain(self, source, amplitude):
        mixing = amplitude[:, None] if source.shared else np.diag(amplitude)
        if source.time_constant is not None:
            return {0.0: np.eye(self.size)[:, self.dynamics.slices[source.name]] @ mixing}
        response = self.dynamics.derivatives(self.x, self.inputs, {source.name: slice(0, source.size)})
        return {delay: matrix @ mixing for delay, matrix in response.items()}

    def turned(self, parts: Mapping[float, np.ndarray], frequency: float) -> np.ndarray:
        """What arrives at a frequency in Hz: the sum of parts by delay, each turned by its delay."""
        return _at(parts, frequency)

    def solve(self, frequency: float, drive: np.ndarray) -> np.ndarray:
        """How the states (size,) answer what changes dx/dt by ``drive`` (size,) at a frequency in Hz."""
        if self.size > LARGE and not self.dynamics.has_delays:
            linear = Linearisation(self.dynamics, self.x, self.inputs)
            return ShiftedSystems(linear.product, drive.real, np.array([2j * np.pi * frequency])).solution(0)
        return np.linalg.solve(2j * np.pi * frequency * np.eye(self.size) - _at(self.jacobian, frequency), drive)

    def transfers(self, readouts: np.ndarray, frequencies: np.ndarray) -> Iterator[np.ndarray]:
        """``readouts @ H``, times the square root of the spectra of the noise, for each frequency.

        Parameters
        ----------
        readouts : ndarray, shape (readouts, size)
        frequencies : ndarray, in Hz

        Yields
        ------
        ndarray of complex, shape (readouts, processes)
        """
        densities = [np.sqrt(source.density(frequencies)) for source in self.sources]
        distinct, place = readouts, np.arange(len(readouts))
        if self.size > _STATES and not self.dynamics.has_delays and len(readouts) <= 2 * _SIGNALS:
            distinct, place = np.unique(readouts, axis=0, return_inverse=True)
        without = distinct is not readouts and len(distinct) <= _SIGNALS
        responses = (self._by_products if without else self._by_matrices)(distinct, frequencies)
        for k, parts in enumerate(responses):
            scaled = [part[place.ravel()] * density[k] for part, density in zip(parts, densities, strict=True)]
            yield np.concatenate(scaled, axis=1) if scaled else np.zeros((len(readouts), 0))

    def _by_matrices(self, readouts, frequencies):
        """For each frequency, the response of the readouts to each source, (readouts, processes)."""
        for f in frequencies:
            matrix = 2j * np.pi * f * np.eye(self.size) - _at(self.jacobian, f)
            response = np.linalg.solve(matrix.T, readouts.T).T
            yield [response @ _at(gains, f) for _, gains in self.gains]

    def _by_products(self, readouts, frequencies):
        """The same by Krylov methods."""
        linear = Linearisation(self.dynamics, self.x, self.inputs)
        shifts = 2j * np.pi * frequencies
        systems = [
            ShiftedSystems(lambda v: linear.transposed(v, self.dynamics.slices), readout, shifts)
            for readout in readouts
        ]
        for k in range(len(frequencies)):
            response = np.array([system.solution(k) for system in systems])
            yield [self._driven(linear, response, s, a) for s, a in zip(self.sources, self._amplitudes, strict=True)]

    def _driven(self, linear, response, source, amplitude):
        """What one source contributes, (readouts, processes): the transposed matrix of its noise times the response."""
        if source.time_constant is not None:
            reached = response[:, self.dynamics.slices[source.name]]
        else:
            columns = {source.name: slice(0, source.size)}
            reached = np.array([[linear.transposed(v, columns) for v in (r.real, r.imag)] for r in response])
            reached = reached[:, 0] + 1j * reached[:, 1]
        return (reached @ amplitude)[:, None] if source.shared else reached * amplitude


def _at(parts: Mapping[float, np.ndarray], frequency: float) -> Any:
    """The sum of parts by delay, each turned by its delay."""
    return sum(np.exp(-2j * np.pi * frequency * delay) * part for delay, part in parts.items())
