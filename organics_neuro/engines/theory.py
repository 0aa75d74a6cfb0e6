"""The engine that computes: fixed points, and spectra of the circuit linearised around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core import theory
from organics_neuro.core.boundary import Values
from organics_neuro.core.memory import check_memory
from organics_neuro.core.units import check_axis
from organics_neuro.engines._base import Engine, Settled, Spectra


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
        signals: Mapping[str, Mapping[str, ArrayLike]],
        *,
        resolution: float = 2.0,
        highest: float = 500.0,
        frequencies: ArrayLike | None = None,
    ) -> Spectra:
        """Spectra of the linearised circuit."""
        if frequencies is None:
            check_memory(
                f"a spectrum at steps of {resolution:g} Hz", 8 * highest / resolution, "use a larger resolution"
            )
            frequencies = np.arange(resolution, highest + resolution / 2, resolution)
        frequencies = check_axis("frequencies", frequencies, "hertz")
        inputs = circuit.dynamics.resolve_inputs(z)
        conditions = max([1, *(value.shape[0] for value in inputs.values() if value.ndim > 1)])
        power = {key: np.empty((conditions, len(frequencies))) for key in signals}
        for k in range(conditions):
            here = {
                name: value[k if len(value) > 1 else 0] if value.ndim > 1 else value for name, value in inputs.items()
            }
            spectrum = theory.power_spectrum(circuit, here, frequencies, {} if noise is None else noise)
            for key, weights in signals.items():
                power[key][k] = spectrum.project(dict(weights))
        return Spectra(frequencies, power)
