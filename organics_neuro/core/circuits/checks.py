"""What users give a circuit, checked once: size, weights, parameters, initial states."""

import numpy as np

from organics_neuro.core.boundary import check_units_axis, positive_int
from organics_neuro.core.errors import unknown_name
from organics_neuro.core.operators import AllToAll, as_operator, identity
from organics_neuro.core.populations import check_positive
from organics_neuro.core.units import magnitude


def check_declared(model, weights, parameters):
    """Whether the model has these weights and these parameters."""
    known = (*model.weights, *model.optional_weights)
    for name in weights:
        if name not in known:
            raise ValueError(f"model {model.name!r}: {unknown_name('weights', name, known)}")
    for name in parameters:
        if name in known:
            raise ValueError(f"model {model.name!r}: {name!r} are weights; give them as weights={{{name!r}: ...}}")
        if name not in model.parameters:
            raise ValueError(f"model {model.name!r}: {unknown_name('parameter', name, model.parameters)}")


def find_size(model, weights, parameters, size):
    """Number of units: as given, or as the weights or the parameters tell."""
    if size is not None:
        return positive_int("size", size)
    for value in weights.values():
        if shape := getattr(value, "shape", None) or np.shape(value):
            return int(shape[0])
    for name, value in parameters.items():
        if name in model.parameters and np.ndim(value) == 1:
            return len(value)
    raise ValueError(f"model {model.name!r}: how many units? Give size=..., or weights with a shape")


def check_weights(model, weights, size):
    """Weights as operators, those of couplings first; what has a default may be left out."""
    sources, checked = {}, {}
    for coupling in model.couplings:
        name, outside = coupling.weights, model.external_source(coupling)
        if name in weights:
            value = weights[name]
        elif coupling.default is None:
            raise ValueError(f"model {model.name!r} needs the weights {name!r}; give weights={{{name!r}: ...}}")
        else:
            value = identity(size) if coupling.default == "identity" else AllToAll(size)
        operator = as_operator(value, name, None if outside else (size, size))
        columns = sources.setdefault(outside, operator.shape[1]) if outside else size
        if operator.shape != (size, columns):
            raise ValueError(
                f"weights {name!r} have shape {operator.shape}, but must have ({size} units, {columns} {'inputs' if outside else 'units'})"
            )
        check_weights_sign(coupling, name, operator)
        checked[name] = operator
    for name in model.optional_weights:
        if name in weights:
            checked[name] = as_operator(weights[name], name)
            side, one = (0, "rows") if name in model.encoders.values() else (1, "columns")
            if checked[name].shape[side] != size:
                raise ValueError(
                    f"weights {name!r} have shape {checked[name].shape}, but must have {size} {one}, one per unit"
                )
    return checked


def check_weights_sign(coupling, name, operator):
    """Raise `ValueError` if a weight has the sign that its coupling forbids."""
    sign = coupling.allowed_sign
    if sign == 1 and not operator.is_nonnegative:
        raise ValueError(f"weights {name!r} must not be negative, but the smallest is {operator.minimum:g}")
    if sign == -1 and not (-operator).is_nonnegative:
        raise ValueError(
            f"weights {name!r} must not be positive (sign=-1), but the largest is {-(-operator).minimum:g}"
        )


def check_parameters(model, parameters, size):
    """All parameters of the model in SI units, given or by default: floats, or read-only arrays (size,)."""
    checked = {}
    for name, default in model.parameters.items():
        value = parameters.get(name, default)
        if value is None:
            raise ValueError(f"model {model.name!r} needs the parameter {name!r}; give {name}=...")
        array = check_parameter(model, name, value, size)
        if name == model.step and array.ndim:
            raise ValueError(f"parameter {name!r} is the time step, one number for all units, got shape {array.shape}")
        array.flags.writeable = False
        checked[name] = float(array) if array.ndim == 0 else array
    return checked


def check_parameter(model, name, value, size=None):
    """``value`` of a parameter as an array in SI units, of shape () or (size,) if there is a ``size``, else of any."""
    array = magnitude(f"parameter {name!r}", value, model.units[name])
    check_positive(model, name, array)
    if size is not None and array.shape not in ((), (size,)):
        raise ValueError(f"parameter {name!r} has shape {array.shape}, but must be one number or have shape ({size},)")
    return array


def check_initial(model, initial, size):
    """The initial states that are given in SI units, as read-only arrays of shape () or (size,)."""
    checked = {}
    for name, value in initial.items():
        if name not in model.states:
            raise ValueError(f"model {model.name!r}: {unknown_name('state in initial', name, model.states)}")
        checked[name] = check_units_axis(f"initial value of {name!r}", value, size, model.units[name])
        if checked[name].ndim > 1:
            raise ValueError(
                f"initial value of {name!r} has shape {checked[name].shape}, but must be one number or have shape ({size},)"
            )
        checked[name].flags.writeable = False
    return checked
