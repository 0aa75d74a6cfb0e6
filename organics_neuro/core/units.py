"""Physical units without Brian2: plain numbers in SI base units, checked when a Brian2 quantity is given.

Brian2 quantities are recognised by their ``dim`` attribute, so this module does not import Brian2.
"""

from collections.abc import Sequence
from numbers import Real

import numpy as np

from organics_neuro.core.errors import UnitError, shown, unknown_name

#: Unit names that equation text may use, as exponents of (metre, kilogram, second, ampere).
UNITS = {
    "1": (0, 0, 0, 0),
    "second": (0, 0, 1, 0),
    "hertz": (0, 0, -1, 0),
    "Hz": (0, 0, -1, 0),
    "metre": (1, 0, 0, 0),
    "meter": (1, 0, 0, 0),
    "volt": (2, 1, -3, -1),
    "amp": (0, 0, 0, 1),
    "ampere": (0, 0, 0, 1),
    "siemens": (-2, -1, 3, 2),
    "ohm": (2, 1, -3, -2),
    "farad": (-2, -1, 4, 2),
    "coulomb": (0, 0, 1, 1),
}
#: NumPy has no arrays of more axes.
_DEPTH = 64
_DIMENSIONS = ("length", "mass", "time", "current")
#: What the unit of white noise on a variable ends in.
_ROOT_SECOND = "second**0.5"


def check_unit(name, unit):
    """Raise `ValueError` if ``unit`` (of the variable ``name``) is not a known unit name."""
    if unit not in UNITS:
        raise ValueError(f"variable {name!r}: {unknown_name('unit', unit, UNITS)}")


def with_root_second(unit):
    """The name of ``unit`` times √second: of white noise on a variable."""
    return _ROOT_SECOND if unit == "1" else f"{unit}*{_ROOT_SECOND}"


def _exponents(unit):
    """Exponents of (metre, kilogram, second, ampere)."""
    base = unit.removesuffix(_ROOT_SECOND).removesuffix("*") or "1"
    metre, kilogram, second, ampere = map(float, UNITS[base])
    return metre, kilogram, second + 0.5 * (base != unit), ampere


def magnitude(name, value, unit):
    """``value`` as a float64 array in SI units.

    Parameters
    ----------
    name : str
        Name used in error messages.
    value : float, array_like or Brian2 quantity
        A plain number is taken as already in SI units. A quantity must have the dimension of ``unit``.
    unit : str
        One of `UNITS`, or of `with_root_second`.

    Raises
    ------
    UnitError
        If the quantity has another dimension.
    TypeError, ValueError
        If the value is not numeric, or not finite.
    """
    array = real_numbers(name, value, copy=True)  # later changes of the caller's array do not reach us
    _check_dimension(name, value, unit)
    if not np.all(np.isfinite(array)):
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        where = f" at index {bad}" if bad else ""
        raise ValueError(f"{name} must be finite, but holds {array[bad]}{where}")
    return array


def check_axis(name, value, unit="1"):
    """`magnitude` of what is varied, (values,); one number counts as a list of one; raises `ValueError` for other shapes."""
    array = np.atleast_1d(magnitude(name, value, unit))
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must be a list of numbers, got an array of shape {array.shape}")
    return array


def _check_dimension(name, value, unit):
    """Raise `UnitError` if ``value``, or a part of a list, is a quantity of another dimension than ``unit``."""
    if isinstance(value, (list, tuple)):
        for part in value:
            _check_dimension(name, part, unit)
    elif is_quantity(value):
        exponents = tuple(value.dim.get_dimension(d) for d in _DIMENSIONS)
        if exponents != _exponents(unit):
            wanted = (
                "a plain number (it has no unit)"
                if unit == "1"
                else f"a quantity in {unit} or a plain number in SI units"
            )
            raise UnitError(f"{name} = {shown(value, str)} has the wrong unit; give {wanted}")


def real_numbers(name, value, copy=False):
    """``value`` as a float64 array.

    Raises
    ------
    TypeError
        If it holds anything but real numbers, masks some, or is a tensor that holds none.
    ValueError
        If a number is too large for double precision.
    """
    array = plain_array(name, value)
    if array.dtype.kind not in "biuf":  # NumPy would drop imaginary parts, and make a NaN of None
        for entry in array.flat:
            if array.dtype.kind != "O" or not isinstance(entry, Real):
                entry = entry.item() if isinstance(entry, np.str_ | np.complexfloating) else entry
                raise TypeError(
                    f"{name} must be a number or an array of numbers, got {shown(entry)}, which is not a real number"
                )
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is found as such
            return array.astype(float, copy=copy)
    except OverflowError:
        raise ValueError(f"{name} holds a number that is too large for double precision: {shown(value)}") from None


def plain_array(name, value):
    """``value`` as an array of whatever type; raises `TypeError` for a tensor without numbers, masks and ragged lists."""
    try:
        return np.asarray(_without_tensors(name, value, 0))
    except ValueError:
        raise TypeError(f"{name} must be a number or an array of numbers, got {shown(value)}") from None


def whole_numbers(value):
    """``value`` as an array of integers; None if it holds anything else, or what no computer can count."""
    try:
        array = np.asarray(value)
    except (RuntimeError, TypeError, ValueError):
        return None
    return array if array.dtype.kind in "iu" else None


def _without_tensors(name, value, depth):
    """``value`` with the tensors in it as arrays; raises `TypeError` for masked arrays, and for lists in lists without end."""
    if depth > _DEPTH:
        raise TypeError(f"{name} must be a number or an array of numbers, but is nested more than {_DEPTH} deep")
    if isinstance(value, (list, tuple)):
        return [_without_tensors(name, part, depth + 1) for part in value]
    if np.ma.isMaskedArray(value):
        raise TypeError(
            f"{name} is a masked array, whose mask has no meaning here; give array.filled(0), or other values"
        )
    return _from_tensor(name, value) if hasattr(value, "detach") else value


def _from_tensor(name, tensor):
    """The numbers of a torch tensor, whatever its type and device; torch is not imported for it."""
    try:
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        return (plain.double() if plain.is_floating_point() else plain).numpy()  # NumPy does not have all types
    except (AttributeError, NotImplementedError, RuntimeError, TypeError) as error:
        kind = f"{getattr(tensor, 'layout', '')}, {getattr(tensor, 'device', '')}"
        raise TypeError(
            f"{name} must hold numbers, but is a tensor ({kind}) without a plain array of them; give one, as tensor.to_dense() is"
        ) from error


def has_axes(value):
    """Whether ``value`` is a list or an array, not one thing."""
    return (isinstance(value, Sequence) and not isinstance(value, str)) or getattr(value, "ndim", 0) > 0


def is_quantity(value):
    """Whether ``value`` is a Brian2 quantity that has a dimension."""
    dim = getattr(value, "dim", None)
    return dim is not None and not getattr(dim, "is_dimensionless", True)


def seconds(name, value):
    """``value``, a time (float in seconds or Brian2 quantity), as a positive float in seconds."""
    time = magnitude(name, value, "second")
    if time.ndim or time <= 0:
        raise ValueError(
            f"{name} must be one positive time (in seconds, or a Brian2 quantity), got {shown(value, str)}"
        )
    return float(time)
