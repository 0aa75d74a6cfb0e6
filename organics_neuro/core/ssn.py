"""Stabilized supralinear networks on a line and on a ring, and growth that does not change what a circuit does.

The networks are circuits of the model "ssn_rate" (or "ssn") whose first half of units excites and whose second half
inhibits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from organics_neuro.core.boundary import known_name, not_negative_int, number, positive_int
from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.memory import check_memory
from organics_neuro.core.model import CircuitModel
from organics_neuro.core.models import get_model

__all__ = ["bar", "grow", "line", "ring"]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


#: By the pair of populations, target first, the strength of the weights and how far they reach; 0: no farther than the
#: unit at the same place. On the line: in units of the distances; as in the code released with Rawat & Martiniani (2023).
_LINE = {"ee": (2.0, 4.0), "ie": (2.25, 8.0), "ei": (0.9, 0.0), "ii": (0.5, 0.0)}
#: On the ring: in degrees; summed over 180 units, as in Rubin, Van Hooser & Miller (2015).
_RING = {"ee": (0.044, 32.0), "ie": (0.042, 32.0), "ei": (0.023, 32.0), "ii": (0.018, 32.0)}
#: Units of the ring for which `_RING` holds, degrees between orientations that are orthogonal twice, and the width of tuning.
_RING_UNITS, _CIRCLE, _TUNING = 180, 180.0, 30.0
#: How sharp the ends of a bar are, as a part of the distance between units.
_EDGE = 0.125


def line(n: int = 11, spacing: float = 3.0, model: str | CircuitModel = "ssn_rate", **parameters: Any) -> Circuit:
    """Excitatory and inhibitory units along a line in the visual field; excitation reaches far, inhibition stays.

    Responses supersaturate: above some contrast they fall. A bar that is longer than what excitation reaches suppresses.

    Parameters
    ----------
    n : int
        Number of places; unit i excites and unit n + i inhibits at the same place.
    spacing : float
        Distance of two places. The weights of excitation fall off with a standard deviation of 4 (onto units that excite)
        and 8 (onto those that inhibit).
    model : str or CircuitModel
        "ssn_rate", "ssn", "ssn_noisy", or a model of one's own with the same parameters.
    **parameters
        Of the model; by default k = 0.01, n = 2.2, and time constants of 6 ms (excitation) and 4 ms.

    Returns
    -------
    Circuit

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.ssn.line(11)
    >>> rates = on.theory.fixed_point(circuit, on.ssn.bar(11, length=9, contrast=50)).state["r"]
    >>> rates[5].round(2).item()
    7.15
    """
    spacing = number("spacing", spacing, "a number larger than 0", lambda s: s > 0)
    places = spacing * np.arange(positive_int("n", n))
    given = {"k": 0.01, "n": 2.2, **parameters}
    return _two_populations(np.abs(places[:, None] - places), _LINE, model, (6e-3, 4e-3), given)


def bar(n: int, length: float, contrast: float, spacing: float = 3.0) -> np.ndarray:
    """The input of a `line` for a bar in its middle: ``contrast`` on it, 0 beside it, with soft ends.

    Parameters
    ----------
    n : int
        Number of places.
    length : float
        Of the bar, in the units of ``spacing``.
    contrast : float
        Not negative; that of a full grating is 100.
    spacing : float
        Distance of two places.

    Returns
    -------
    ndarray, shape (2 n,)
        The same for units that excite and units that inhibit.
    """
    length = number("length", length, "a number, 0 or larger", lambda v: v >= 0)
    contrast = number("contrast", contrast, "a number, 0 or larger", lambda v: v >= 0)
    spacing = number("spacing", spacing, "a number larger than 0", lambda s: s > 0)
    places = (np.arange(positive_int("n", n)) - (n - 1) / 2) * spacing
    with np.errstate(over="ignore"):  # far away the input is 0
        ends = [1 / (1 + np.exp((sign * places - length / 2) / (_EDGE * spacing))) for sign in (-1, 1)]
    return np.tile(contrast * ends[0] * ends[1], 2)


def ring(n: int = 36, model: str | CircuitModel = "ssn_rate", angles: int = 360, **parameters: Any) -> Circuit:
    """Excitatory and inhibitory units on the circle of orientations, for the stimuli of `organics_neuro.stimuli`.

    Two gratings add up supralinearly at low contrast, and sublinearly, as normalization would have it, at high contrast.

    Parameters
    ----------
    n : int
        Number of orientations, at least 9; unit i excites and unit n + i inhibits. The weights are scaled such that
        responses do not depend on it.
    model : str or CircuitModel
        "ssn_rate", "ssn", "ssn_noisy", or a model of one's own with the same parameters.
    angles : int
        Number of stimulus angles that the encoder ``W_zx`` knows; 360 degrees are once around.
    **parameters
        Of the model; by default k = 0.04, n = 2, and time constants of 20 ms (excitation) and 10 ms.

    Returns
    -------
    Circuit
        A grating of contrast 1 drives the unit that prefers it by 1; the contrast of a full grating is 100.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.ssn.ring(36)
    >>> z = on.stimuli.contrast_series(circuit, [5, 50])
    >>> on.theory.is_stable(circuit, z)
    array([ True,  True])
    """
    if positive_int("n", n) < 9:
        raise ValueError(f"n = {n} is too small for tuning curves of {_TUNING:g} degrees; use n >= 9")
    place = _CIRCLE * np.arange(n) / n
    shown = _CIRCLE * np.arange(positive_int("angles", angles)) / angles
    weights = {pair: (strength * _RING_UNITS / n, width) for pair, (strength, width) in _RING.items()}
    encoder = np.tile(np.exp(-(_around(place[:, None] - shown) ** 2) / (2 * _TUNING**2)), (2, 1))
    given = {"k": 0.04, **parameters}
    return _two_populations(_around(place[:, None] - place), weights, model, (20e-3, 10e-3), given, {"W_zx": encoder})


def _around(difference: np.ndarray) -> np.ndarray:
    """The shorter way around the circle of orientations."""
    return np.abs((difference + _CIRCLE / 2) % _CIRCLE - _CIRCLE / 2)


def _two_populations(distance, pairs, model, taus, parameters, more=None) -> Circuit:
    """A circuit of n units that excite and n that inhibit, with weights that fall off with distance."""
    n, model = len(distance), get_model(model)
    check_memory(f"weights among {2 * n} units", 4 * 8 * (2 * n) ** 2, "use fewer units")
    for name in ("k", "n", "signs"):
        known_name(f"parameter that the model {model.name!r} must have,", name, model.parameters)
    blocks = {pair: _block(distance, *given) for pair, given in pairs.items()}
    W = np.block([[blocks["ee"], blocks["ei"]], [blocks["ie"], blocks["ii"]]])
    own = {"signs": np.repeat([1.0, -1.0], n), model.time_constant(model.states[0]): np.repeat(taus, n)}
    return Circuit(model, {"W": W, **(more or {})}, **{**own, **parameters})


def _block(distance, strength, width):
    return strength * (np.exp(-(distance**2) / (2 * width**2)) if width else np.eye(len(distance)))


def grow(circuit: Circuit, unit: int) -> Circuit:
    """The circuit with a copy of one unit, which changes nothing: neutral growth.

    The copy gets what the unit gets, by the same weights, and both send half of what the unit sent. So they do the same,
    all others do what they did, and a trained network goes on learning from where it was with a unit more. (In the code
    released with Soo & Lengyel, 2022, rows are halved and columns copied, although weights act on columns of rates: there
    growth changes the steady state.)

    Parameters
    ----------
    circuit : Circuit
        Of one population, of any model.
    unit : int
        Which unit is copied; the copy is the last unit of the new circuit.

    Returns
    -------
    Circuit
        With one unit more. Weights are dense. What units send is the same; the noise of the two is independent, if it
        was independent from unit to unit, so of noise that units send one half is lost in the mean of two.

    Raises
    ------
    TypeError, ValueError
        For a joined circuit (grow a part of it, and its couplings, before they are joined), and an unknown unit.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.Circuit("ssn", {"W": [[0.2, 0.5], [0.4, 0.1]]}, signs=[1, -1])
    >>> on.ssn.grow(circuit, 0).weights["W"].to_dense()
    array([[0.1, 0.5, 0.1],
           [0.2, 0.1, 0.2],
           [0.1, 0.5, 0.1]])
    """
    if not isinstance(check_circuit(circuit), Circuit):
        raise TypeError("grow takes a circuit of one population; grow a part, and join the parts again")
    unit, n, model = not_negative_int("unit", unit), circuit.size, circuit.model
    if unit >= n:
        raise ValueError(f"unit = {unit} must be from 0 to {n - 1}: the circuit has {n} units")
    targets = {*model.weights, *model.encoders.values()}
    outside = {c.weights for c in model.couplings if model.external_source(c)} | {*model.encoders.values()}
    check_memory(f"weights among {n + 1} units", 8.0 * len(circuit.weights) * (n + 1) ** 2, "use fewer units")
    weights = {}
    for name, operator in circuit.weights.items():
        matrix = operator.to_dense()
        if name not in outside:  # it reads units
            matrix[:, unit] /= 2
            matrix = _copied(matrix.T, unit).T
        weights[name] = _copied(matrix, unit) if name in targets else matrix
    each = {name: _copied(v, unit) if np.ndim(v) else v for name, v in circuit.parameters.items()}
    given = circuit.populations[None].initial
    initial = {name: _copied(np.broadcast_to(value, n), unit) for name, value in given.items()}
    made_for = None if model.step else circuit.populations[None].made_for
    return Circuit(model, weights, size=n + 1, initial=initial, made_for=made_for, **each)


def _copied(array, unit):
    """With one more row, that of the unit."""
    return np.concatenate([array, array[unit : unit + 1]])
