"""Checks of arguments that several parts of the package make, with one message each."""

from numbers import Integral

from organics_neuro.core.errors import unknown_name
from organics_neuro.core.units import real_numbers


def positive_int(name, value):
    """``value`` if it is a whole number larger than 0; raises `ValueError` with the ``name`` of the argument."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive whole number, got {value!r}")
    return int(value)


def known_name(kind, name, known):
    """``name`` if it is among ``known``; raises `ValueError` with the ``kind`` of name and those that are known."""
    if name not in tuple(known):  # in a tuple, what cannot be hashed can be looked for too
        raise ValueError(unknown_name(kind, name, known))
    return name


def input_sequences(circuit, x, axis="trials"):
    """Sequences for the one input of a circuit.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    x : array_like, shape (trials, steps, inputs)
    axis : str
        What the caller calls the first axis, for the message.

    Returns
    -------
    name : str
        Of the input.
    x : ndarray of float

    Raises
    ------
    ValueError
        If the circuit has no or several inputs, or ``x`` has another shape or is empty.
    """
    if len(circuit.inputs) != 1:
        raise ValueError(f"the circuit must have one input, but has {', '.join(circuit.inputs) or 'none'}")
    ((name, n),) = circuit.inputs.items()
    x = real_numbers("x", x)
    if x.ndim != 3 or x.shape[2] != n or 0 in x.shape:
        raise ValueError(f"x must have shape ({axis}, steps, {n}) for the input {name!r}, got {x.shape}")
    return name, x
