"""What users give, checked once, with one message for each kind of fault."""

from collections.abc import Collection, Iterator, Mapping
from math import inf, isfinite
from numbers import Integral, Real
from types import NoneType
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.errors import shown, unknown_name
from organics_neuro.core.units import magnitude, real_numbers

#: Inputs or states by full name; or an array for the one input that a circuit has.
Values: TypeAlias = Mapping[str, ArrayLike] | ArrayLike | None


def positive_int(name, value):
    """``value`` if it is an integer larger than 0; raises `ValueError` with the ``name`` of the argument."""
    return _whole(name, value, "a positive integer", least=1)


def not_negative_int(name, value):
    """``value`` if it is an integer, 0 or larger; raises `ValueError` with the ``name`` of the argument."""
    return _whole(name, value, "an integer, 0 or larger", least=0)


def check_seed(seed, bits=64):
    """``seed`` if it is an integer from 0 to 2**bits - 1, torch takes 64; raises `ValueError` otherwise."""
    return _whole("seed", seed, "an integer, 0 or larger", least=0, bits=bits)


def optional_seed(seed):
    """``seed`` if it is None or what `check_seed` takes."""
    return None if seed is None else check_seed(seed)


def _whole(name, value, kind, least, bits=64):
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be {kind}, got {shown(value)}")
    if value >= 2**bits:
        raise ValueError(f"{name} must be smaller than 2**{bits}, got {shown(value)}")
    return int(value)


def check_index(name, value, count, of):
    """``value`` if it is an integer from 0 to ``count`` - 1; ``of`` says what it counts, for the message."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= value < count:
        raise ValueError(f"{name} = {shown(value)} must be from 0 to {count - 1}, an integer: there are {count} {of}")
    return int(value)


def check_text(name, value):
    """``value`` if it is a text; raises `TypeError` with the ``name`` of the argument otherwise."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, got {shown(value)}")
    return value


def flag(name, value):
    """``value`` as a bool, if it is True or False; raises `TypeError` otherwise: a text or an array has no one truth."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def number(name, value, kind, fits, infinite=False):
    """``value`` as a float, if it is a finite real number, or infinity where that is allowed.

    Parameters
    ----------
    name : str
        Of the argument.
    value : number
    kind : str
        What it must be, for the message.
    fits : callable
        Tells whether a number is of that kind.
    infinite : bool
        Whether infinity may be given.

    Raises
    ------
    ValueError
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not (_is_finite(value) or (infinite and value == inf)) or not fits(value):
        raise ValueError(f"{name} must be {kind}, got {shown(value)}")
    return float(value)


def _is_finite(value):
    try:
        return isfinite(value)
    except OverflowError:  # of an integer or a fraction beyond double precision
        return False


def step_size(name, value):
    """``value`` if a learned step size may have it as its upper bound; raises `ValueError` otherwise."""
    return number(name, value, "above 0 and at most 1", lambda step: 0 < step <= 1)


def probability(name, value):
    """``value`` if it is a probability; raises `ValueError` otherwise."""
    return number(name, value, "a probability between 0 and 1", lambda p: 0 <= p <= 1)


def known_name(kind, name, known):
    """``name`` if it is among ``known``; raises `ValueError` with the ``kind`` of name and those that are known."""
    if not isinstance(name, (str, NoneType)) or name not in tuple(known):
        raise ValueError(unknown_name(kind, name, known))
    return name


def by_name(argument, given):
    """``given``, the value of an argument, if it is a dictionary, and an empty one for None; raises `TypeError` otherwise."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"{argument} must be a dictionary by name, got {type(given).__name__}")
    return given


def list_of(argument, given):
    """The parts of ``given``, the value of an argument, as a list; raises `TypeError` for a text, or what has no parts."""
    if not isinstance(given, (Collection, Iterator)) or isinstance(given, str) or hasattr(given, "ndim"):
        raise TypeError(f"{argument} must be a list, got {shown(given)}")
    return list(given)


def check_names(argument, kind, given, known):
    """Raise an error unless ``given``, the value of an argument, is a dictionary with names that are among ``known``."""
    for name in by_name(argument, given):
        known_name(f"{kind} in {argument}", name, known)


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


def check_units_axis(name, value, n, unit="1"):
    """``value`` as a finite array in SI units whose last axis has ``n`` units; a single number stands for all units."""
    array = magnitude(name, value, unit)
    if array.ndim == 0:
        array = np.full(n, array)
    if array.shape[-1] != n:
        raise ValueError(f"{name} has shape {array.shape}, but its last axis must be the {n} units")
    return array


def check_steps(inputs, steps):
    """Raise `ValueError` unless inputs by name have a shape that engines take, and last for so many ``steps``."""
    for name, value in inputs.items():
        shape = tuple(value.shape)
        if len(shape) > 3:
            raise ValueError(f"{name} has shape {shape}; give (units,), (trials, units) or (steps, trials, units)")
        if len(shape) == 3 and shape[0] < steps:
            raise ValueError(f"{name} has {shape[0]} steps, fewer than the {steps} that are simulated")


def check_states(argument, states):
    """Raise `ValueError` unless states by name, the value of an argument, are of units, or of trials and units."""
    for name, value in states.items():
        if value.ndim > 2 or 0 in value.shape:
            raise ValueError(f"{argument} {name!r} has shape {value.shape}; give (units,) or (trials, units)")


def count_trials(what, values):
    """The number of trials that arrays (..., trials, units) by name share; those of shape (units,) go with any number."""
    try:
        return np.broadcast_shapes(*(value.shape[-2:-1] for value in values.values()), (1,))[0]
    except ValueError:
        listed = ", ".join(f"{name} has {value.shape[-2]}" for name, value in values.items() if value.ndim > 1)
        raise ValueError(f"{what} have different numbers of trials: {listed}") from None
