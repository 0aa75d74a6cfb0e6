"""The engine that computes: fixed points, and spectra of the circuit linearised around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core import theory
from organics_neuro.core.boundary import Values
from organics_neuro.core.memory import check_memory
from organics_neuro.core.theory.spectrum import check_frequencies
from organics_neuro.engines._base import Arrays, Engine, Fluctuations, Pair, Settled, Spectra

#: What a frequency takes while a spectrum is computed, in bytes.
_BYTES = 512


@dataclass(frozen=True, repr=False)
class Theory(Engine):
    """Fixed points and linearised dynamics; no time passes, so there is nothing to set."""

    def settle(self, circuit: Any, z: Values = None, noise: Mapping | None = None) -> Settled:
        """The fixed points; noise does not move them."""
        point = theory.fixed_point(circuit, z)
        inputs = circuit.dynamics.resolve_inputs(z)
        conditions = np.atleast_1d(point.converged)
        states = {name: np.atleast_2d(value) for name, value in point.state.items()}
        found = circuit.dynamics.outputs(states, inputs)
        shape = {name: np.broadcast_to(value, (len(conditions), value.shape[-1])) for name, value in found.items()}
        return Settled(shape, states, conditions)

    def spectrum(
        self,
        circuit: Any,
        z: Values,
        noise: Mapping | None,
        signals: Mapping[str, Mapping[str, ArrayLike | None]],
        *,
        resolution: float = 2.0,
        highest: float = 500.0,
        frequencies: ArrayLike | None = None,
        pairs: Sequence[Pair] = (),
    ) -> Spectra:
        """Spectra of the linearised circuit."""
        if frequencies is None:
            count = highest / resolution
            check_memory(f"a spectrum at {count:.3g} frequencies", _BYTES * count, "ask for fewer")
            frequencies = np.arange(resolution, highest + resolution / 2, resolution)
        frequencies = check_frequencies(frequencies)
        each = _fixed_points(circuit, z)
        shape = (len(each), len(frequencies))
        power, cross = {key: np.empty(shape) for key in signals}, {pair: np.empty(shape, complex) for pair in pairs}
        both: list = [(signals[a], signals[b]) for a, b in pairs]
        for k, (here, state) in enumerate(each):
            spectrum = theory.power_spectrum(circuit, here, frequencies, {} if noise is None else noise, state)
            for key, weights in signals.items():
                power[key][k] = spectrum.project(dict(weights))
            for pair, found in zip(pairs, spectrum.cross(both).T if both else (), strict=True):
                cross[pair][k] = found
        return Spectra(frequencies, power, cross)

    def fluctuations(self, circuit: Any, z: Values, noise: Mapping | None, state: str) -> Fluctuations:
        """Covariance of the linearised circuit."""
        where = circuit.dynamics.slices[state]
        each, given = _fixed_points(circuit, z), {} if noise is None else noise
        found = [theory.covariance(circuit, here, given, rest)[where, where] for here, rest in each]
        mean = [np.full(where.stop - where.start, np.nan) if rest is None else rest[state] for _, rest in each]
        return Fluctuations(np.array(mean), np.array(found))


def _fixed_points(circuit: Any, z: Values) -> list[tuple[Arrays, Arrays | None]]:
    """The inputs (units,) of each condition, and the fixed point there, all found together; None where there is none."""
    inputs = circuit.dynamics.resolve_inputs(z)
    conditions = max([1, *(value.shape[0] for value in inputs.values() if value.ndim > 1)])
    point = theory.fixed_point(circuit, inputs)
    found = np.broadcast_to(point.converged, (conditions,))
    each: list[tuple[Arrays, Arrays | None]] = []
    for k in range(conditions):
        here, rest = (
            {name: value[k if len(value) > 1 else 0] if value.ndim > 1 else value for name, value in values.items()}
            for values in (inputs, point.state)
        )
        each.append((here, rest if found[k] else None))  # without one, theory says so
    return each
