"""Stimuli of a circuit: gratings, plaids and contrast series.

A stimulus is a vector (angles,) of contrasts, one for each column of the circuit's encoder; the encoder turns it
into the input ``z = W_zx @ stimulus``. A circuit without an encoder is stimulated directly: there the stimulus is the
input, one value per unit, with the units' preferred angles evenly spaced over the circle.
"""

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import check_units_axis
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.units import magnitude

__all__ = ["contrast_series", "drive", "grating", "plaid"]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


def grating(circuit: Circuit, angle: float = 180.0, contrast: float = 1.0) -> np.ndarray:
    """A grating: one angle at a contrast.

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
    stimulus = np.zeros(_space(circuit)[0])
    m = stimulus.size
    shown = np.floor(np.round(m * angles / 360, 9))  # rounded, as a known angle may come out a little smaller
    np.add.at(stimulus, shown.astype(int) % m, contrasts)
    return stimulus


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
    size, encoder = _space(circuit)
    unit = circuit.dynamics.unit(*circuit.inputs) if encoder is None else "1"
    stimulus = check_units_axis("stimulus", stimulus, size, unit)
    return stimulus if encoder is None else encoder.apply(stimulus)


def _space(circuit):
    """Number of values in a stimulus, and the operator that turns it into the input, or None."""
    if not isinstance(circuit, Circuit):
        raise TypeError(
            f"stimuli are made for one circuit, got {type(circuit).__name__}; give a part: circuit.parts[name]"
        )
    encoders = [w for w in circuit.model.encoders.values() if w in circuit.weights]
    if len(encoders) == 1:
        encoder = circuit.weights[encoders[0]]
        return encoder.shape[1], encoder
    if encoders or len(circuit.inputs) != 1:
        raise ValueError(f"this circuit has the inputs {', '.join(circuit.inputs)}; stimuli need a circuit with one")
    return next(iter(circuit.inputs.values())), None


def check_contrasts(name: str, values: ArrayLike) -> np.ndarray:
    """Contrasts as a float array (values,); raises `ValueError` with the ``name`` of the argument."""
    contrasts = magnitude(name, values, "1")
    if contrasts.ndim != 1 or not contrasts.size or (contrasts < 0).any():
        raise ValueError(f"{name} must be a list of numbers that are not negative, got {values!r}")
    return contrasts
