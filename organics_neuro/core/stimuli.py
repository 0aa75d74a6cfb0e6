"""Stimuli of a circuit: gratings, plaids, patches and contrast series.

A stimulus is a vector (angles,) of contrasts, one for each column of the circuit's encoder; the encoder turns it
into the input ``z = W_zx @ stimulus``. On a sheet (see `organics_neuro.sheet`) it is (angles * height * width,): contrasts
by angle and position. A circuit without an encoder is stimulated directly: there the stimulus is the input, one value
per unit, with the units' preferred angles evenly spaced over the circle.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import check_units_axis, number
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.errors import shown
from organics_neuro.core.operators import Convolution, Operator
from organics_neuro.core.units import magnitude

__all__ = ["angles_around", "contrast_series", "drive", "grating", "known_angles", "patch", "plaid", "preferred"]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


def grating(circuit: Circuit, angle: float = 180.0, contrast: float = 1.0) -> np.ndarray:
    """A grating: one angle at a contrast, over all positions if the circuit has any.

    Parameters
    ----------
    circuit : Circuit
    angle : float
        In degrees around the circle of preferred angles: 360 degrees are once around, whatever they stand for
        (for orientation, 180 degrees of the visual field). The next smaller angle that the encoder knows is shown.
    contrast : float
        At least 0.

    Returns
    -------
    ndarray, shape (angles,)
        A stimulus; `drive` turns it into the input.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.ring(n=36)
    >>> z = on.stimuli.drive(circuit, on.stimuli.grating(circuit, angle=90, contrast=0.5))
    >>> z.shape, int(z.argmax())
    ((36,), 9)
    """
    return plaid(circuit, [angle], [contrast])


def plaid(circuit: Circuit, angles: ArrayLike, contrasts: ArrayLike) -> np.ndarray:
    """Superimposed gratings.

    Parameters
    ----------
    circuit : Circuit
    angles, contrasts : array_like, shape (gratings,)
        As for `grating`.

    Returns
    -------
    ndarray, shape (angles,)
    """
    angles, contrasts = magnitude("angles", angles, "1"), check_contrasts("contrasts", contrasts)
    if angles.ndim != 1 or angles.shape != contrasts.shape:
        raise ValueError(f"give as many angles as contrasts, got shapes {angles.shape} and {contrasts.shape}")
    space = _space(circuit)
    stimulus = np.zeros((space.angles, space.positions))
    np.add.at(stimulus, _steps(space, angles) % space.angles, contrasts[:, None])
    return stimulus.ravel()


def patch(
    circuit: Circuit,
    radius: float,
    angle: float = 180.0,
    contrast: float = 1.0,
    *,
    inner: float | None = None,
    center: Sequence[float] | None = None,
) -> np.ndarray:
    """A grating in a disc of a sheet, or in an annulus.

    Parameters
    ----------
    circuit : Circuit
        With positions, as `organics_neuro.sheet` makes it.
    radius : float
        In positions: what is not farther from the center is shown; infinity for all of the sheet.
    angle, contrast : float
        As for `grating`.
    inner : float, optional
        What is not farther than this from the center is left out.
    center : (float, float), optional
        Row and column; the middle of the sheet by default.

    Returns
    -------
    ndarray, shape (angles * height * width,)
    """
    space = _space(circuit)
    if space.sheet is None:
        raise ValueError(
            "this circuit has no positions, so a patch has no place on it; make one with organics_neuro.sheet"
        )
    radius = number("radius", radius, "a number of positions, 0 or larger", lambda r: r >= 0, infinite=True)
    row, column = middle(space.sheet) if center is None else _position(center)
    y, x = np.indices(space.sheet)
    distance = np.hypot(y - row, x - column).ravel()
    inside = distance <= radius
    if inner is not None:
        inside &= distance > number("inner", inner, "a number of positions", lambda _: True)
    return (grating(circuit, angle, contrast).reshape(space.angles, -1) * inside).ravel()


def known_angles(circuit: Circuit, angles: ArrayLike) -> np.ndarray:
    """The angles that are shown when ``angles`` are asked for: the next smaller ones that the encoder knows."""
    space = _space(circuit)
    return _steps(space, magnitude("angles", angles, "1")) * 360 / space.angles


def angles_around(circuit: Circuit, most: int = 72) -> np.ndarray:
    """Evenly spaced angles once around the circle, all of which the encoder knows, but not more than ``most``."""
    known = _space(circuit).angles
    count = max(n for n in range(1, most + 1) if known % n == 0)
    return np.arange(count) * 360 / count


def _steps(space: "_Space", angles: np.ndarray) -> np.ndarray:
    exact = np.round(space.angles * angles / 360, 9)  # rounded, as a known angle may come out a little smaller
    return np.floor(exact).astype(int)


def _position(center: Any) -> tuple[float, float]:
    if np.shape(center) != (2,):
        raise ValueError(f"center must be two numbers, a row and a column, got {shown(center)}")
    row, column = (number("center", value.item(), "two numbers", lambda _: True) for value in np.asarray(center))
    return row, column


def middle(sheet: tuple[int, int]) -> tuple[int, int]:
    """The position in the middle of a sheet (height, width)."""
    return sheet[0] // 2, sheet[1] // 2


def preferred(circuit: Any) -> dict[str, np.ndarray]:
    """What each unit of a circuit responds to most, as far as its encoder tells.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit

    Returns
    -------
    dict of ndarray
        ``angle`` in degrees on the circle of preferred angles, ``y`` and ``x`` in positions, each (units,). Empty for
        circuits whose units have no such preferences: joined circuits, and those with several or with external inputs.
    """
    try:
        space = _space(circuit)
    except (TypeError, ValueError):
        return {}
    if space.encoder is None:
        return {} if circuit.external else {"angle": np.arange(circuit.size) * 360 / circuit.size}
    if not isinstance(space.encoder, Convolution):
        return {"angle": space.encoder.to_dense().argmax(axis=1) * 360 / space.angles}
    tuning = space.encoder.kernel.sum(axis=(2, 3)).argmax(axis=1) * 360 / space.angles
    found = {"angle": np.repeat(tuning, space.positions)} if space.angles > 1 else {}
    y, x = (np.tile(each.ravel(), len(tuning)) for each in np.indices(space.encoder.sheet))
    return {**found, "y": y, "x": x}


def contrast_series(circuit: Circuit, contrasts: ArrayLike, angle: float = 180.0) -> np.ndarray:
    """The input for one grating at several contrasts.

    Parameters
    ----------
    circuit : Circuit
    contrasts : array_like, shape (trials,)
    angle : float

    Returns
    -------
    ndarray, shape (trials, units)
    """
    contrasts = check_contrasts("contrasts", contrasts)
    return drive(circuit, contrasts[:, None] * grating(circuit, angle))


def drive(circuit: Circuit, stimulus: ArrayLike) -> np.ndarray:
    """The input of the circuit for a stimulus.

    Parameters
    ----------
    circuit : Circuit
    stimulus : array_like, shape (..., angles)
        Without an encoder in the circuit, the input itself, with its unit.

    Returns
    -------
    ndarray, shape (..., units)
    """
    space = _space(circuit)
    unit = circuit.dynamics.unit(*circuit.inputs) if space.encoder is None else "1"
    stimulus = check_units_axis("stimulus", stimulus, space.angles * space.positions, unit)
    return stimulus if space.encoder is None else space.encoder.apply(stimulus)


class _Space(NamedTuple):
    """Where stimuli lie: angles, and positions if the circuit has any; the operator that makes the input of them, or None."""

    angles: int
    encoder: Operator | None = None
    sheet: tuple[int, int] | None = None

    @property
    def positions(self) -> int:
        return 1 if self.sheet is None else self.sheet[0] * self.sheet[1]


def _space(circuit: Any) -> _Space:
    if not isinstance(circuit, Circuit):
        raise TypeError(
            f"stimuli are made for one circuit, got {type(circuit).__name__}; give a part: circuit.parts[name]"
        )
    encoders = [w for w in circuit.model.encoders.values() if w in circuit.weights]
    if len(encoders) == 1:
        encoder = circuit.weights[encoders[0]]
        if isinstance(encoder, Convolution):
            return _Space(encoder.kernel.shape[1], encoder, encoder.sheet)
        return _Space(encoder.shape[1], encoder)
    if encoders or len(circuit.inputs) != 1:
        raise ValueError(f"this circuit has the inputs {', '.join(circuit.inputs)}; stimuli need a circuit with one")
    return _Space(next(iter(circuit.inputs.values())))


def check_contrasts(name: str, values: ArrayLike) -> np.ndarray:
    """Contrasts as a float array (values,); raises `ValueError` with the ``name`` of the argument."""
    contrasts = magnitude(name, values, "1")
    if contrasts.ndim != 1 or not contrasts.size or (contrasts < 0).any():
        raise ValueError(f"{name} must be a list of numbers that are not negative, got {shown(values)}")
    return contrasts
