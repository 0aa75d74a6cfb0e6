"""How a circuit at a stable fixed point answers small changes of what it receives, slow or oscillating.

An input u + v e^(iωt) moves the states by H(f) v e^(iωt), with H(f) = (iω - J)⁻¹ ∂f/∂u and ω = 2πf; at f = 0 it is the
derivative of the fixed point, -J⁻¹ ∂f/∂u. Both J and ∂f/∂u hold e^(-iωd) where a coupling has the delay d.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from organics_neuro.core.boundary import by_name, check_units_axis, known_name
from organics_neuro.core.linearisation import Linearisation
from organics_neuro.core.names import Name
from organics_neuro.core.theory.spectrum import check_frequencies, linearise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from organics_neuro.core.boundary import Values
    from organics_neuro.core.circuits import AnyCircuit
    from organics_neuro.core.theory.responses import NoisyCircuit

#: Difference of a parameter, relative to its size, for the derivative by it.
_DIFFERENCE = 1e-6


def response(
    circuit: AnyCircuit,
    z: Values,
    change: Mapping[str, ArrayLike],
    frequencies: ArrayLike = (0.0,),
    state: Mapping | None = None,
) -> dict[str, np.ndarray]:
    """The linear response of a circuit to a small change of inputs or parameters.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like, dict or None
        Input of shape (units,).
    change : dict of array_like
        How inputs or parameters change, by full name: a number or (units,), for all of them together. At a frequency
        above 0 it is the amplitude of an oscillation.
    frequencies : array_like, shape (frequencies,)
        In Hz; by default 0, a change that stays: the sensitivity of the fixed point.
    state : dict, optional
        The fixed point; by default the one that `fixed_point` finds.

    Returns
    -------
    dict of ndarray of complex
        Each state by its full name, (frequencies, units): amplitude and phase of its oscillation, per unit of the change.
        A positive phase is one ahead of the change; at 0 Hz the numbers are real.

    Raises
    ------
    ValueError
        For unknown names or wrong shapes; if the fixed point is not stable; for parameters of a circuit with delays.

    Examples
    --------
    The response saturates: at high contrast the input moves it less.

    >>> import organics_neuro as on
    >>> circuit = on.Circuit("two_type", size=1)
    >>> [on.theory.response(circuit, [c], {"z": 1.0})["y"].real.round(4).item() for c in (0.05, 0.5)]
    [7.1554, 0.0754]
    """
    frequencies = check_frequencies(frequencies)
    given = by_name("change", change)
    linear = linearise(circuit, z, {}, state)
    arrives: dict[float, np.ndarray] = {0.0: np.zeros(linear.size)}
    for name, value in given.items():
        for delay, part in _direct(linear, Name.parse(name), value).items():
            arrives[delay] = arrives.get(delay, 0.0) + part
    found = np.array([linear.solve(f, linear.turned(arrives, f)) for f in frequencies])
    return linear.dynamics.unpack(found)


def _direct(linear: NoisyCircuit, name: Name, value: Any) -> dict[float, np.ndarray]:
    """The change of dx/dt with one input or parameter by delay, each (size,), while the states stay."""
    dynamics = linear.dynamics
    known_name("input or parameter in change", name, (*dynamics.inputs, *dynamics.parameters))
    units = {**dynamics.inputs, **dynamics.parameters}[name]
    direction = check_units_axis(f"change of {str(name)!r}", value, units, dynamics.unit(name))
    if name in dynamics.inputs and not dynamics.has_delays:
        return {0.0: Linearisation(dynamics, linear.x, linear.inputs).driven({name: direction})}
    if name in dynamics.inputs:
        matrices = dynamics.derivatives(linear.x, linear.inputs, {name: slice(0, units)})
        return {delay: matrix @ direction for delay, matrix in matrices.items()}
    if dynamics.has_delays:
        raise ValueError(f"the response to the parameter {str(name)!r} is not known for a circuit with delays")
    own = dynamics.populations[name.population].parameters[name.variable]
    middle = linear.inputs.get(name, np.broadcast_to(own, (units,)))
    part = _DIFFERENCE * max(float(np.abs(middle).max()), 1e-12) / max(float(np.abs(direction).max()), 1e-300)
    sides = [dynamics.flow(linear.x, {**linear.inputs, name: middle + sign * part * direction}) for sign in (1, -1)]
    return {0.0: (sides[0] - sides[1]) / (2 * part)}
