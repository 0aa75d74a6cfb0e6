"""`Circuit`: a model with weights and parameters."""

from functools import cached_property
from types import MappingProxyType

import numpy as np

from organics_neuro.core.circuits.base import AnyCircuit
from organics_neuro.core.circuits.checks import check_initial, check_parameters, check_weights, find_size
from organics_neuro.core.errors import unknown_name
from organics_neuro.core.models import get_model
from organics_neuro.core.names import Name
from organics_neuro.core.pairs import split_complex
from organics_neuro.core.populations import Connection, Population


class Circuit(AnyCircuit):
    """A model with weights and parameters.

    Parameters
    ----------
    model : str or CircuitModel
        Name of a model ("two_type", "two_type_rectified", "two_type_rectified_recurrence", "gated"), or a declaration.
    weights : dict
        Weights by name: operators or arrays of shape (units, source units), or one number for all pairs. Weights
        that the model gives a default ("two_type": identity ``W_r``, ones for ``W``) may be left out.
    size : int, optional
        Number of units, where the weights do not tell.
    initial : dict, optional
        Where states start, by name: numbers or arrays of shape (units,). Otherwise the model says.
    **parameters
        Parameters of the model: numbers or arrays of shape (units,), in SI units or as Brian2 quantities.

    Attributes
    ----------
    model : CircuitModel
    weights : mapping of str to Operator
    parameters : mapping of str to float or ndarray
        In SI units.
    size : int

    Raises
    ------
    ValueError, UnitError
        For a wrong shape, a value that is not finite or not allowed, an unknown name, a wrong unit.

    Examples
    --------
    >>> import organics_neuro as on
    >>> on.Circuit("two_type", size=2, sigma=0.2).parameters["sigma"]
    0.2
    """

    def __init__(self, model, weights=None, *, size=None, initial=None, **parameters):
        model = get_model(model)
        known = (*model.weights, *model.optional_weights)
        weights, initial = split_complex(weights or {}, known), split_complex(initial or {}, model.states)
        for name in weights:
            if name not in known:
                raise ValueError(f"model {model.name!r}: {unknown_name('weights', name, known)}")
        size = find_size(model, weights, parameters, size)
        set_ = self.__dict__.update
        set_(model=model, size=size)
        set_(weights=MappingProxyType(check_weights(model, weights, size)))
        set_(parameters=MappingProxyType(check_parameters(model, parameters, size)))
        set_(_initial=MappingProxyType(check_initial(model, initial, size)))

    @cached_property
    def populations(self):
        """The circuit's populations by name; a circuit that is not joined has one, without a name."""
        readouts = {n: self.weights[o.weights] for n, o in self.model.readouts.items() if o.weights in self.weights}
        return {None: Population(self.model, self.size, self.parameters, self._initial, readouts)}

    @cached_property
    def connections(self):
        """What the model's couplings connect, as `Connection` objects."""
        result = []
        for c in self.model.couplings:
            outside = self.model.external_source(c)
            result.append(
                Connection(
                    c.weights,
                    None,
                    c.target,
                    self.weights[c.weights],
                    outside and Name(None, outside),
                    c.source,
                    outside,
                    c.delay,
                )
            )
        return tuple(result)

    @cached_property
    def external(self):
        """Sizes of the inputs that have a size of their own."""
        return {c.source: c.weights.shape[1] for c in self.connections if c.external}

    def replace(self, weights=None, initial=None, **parameters):
        """A copy with other weights, initial states or parameters; what is not named stays."""
        weights = split_complex(weights or {}, (*self.model.weights, *self.model.optional_weights))
        return Circuit(
            self.model,
            weights={**self.weights, **weights},
            size=self.size,
            initial={**self._initial, **split_complex(initial or {}, self.model.states)},
            **{**self.parameters, **parameters},
        )

    def _record(self):
        """Arrays and metadata that define the circuit."""
        arrays = {}
        for name, operator in self.weights.items():
            arrays.update({f"weights/{name}/{key}": array for key, array in operator.arrays().items()})
        arrays.update({f"parameters/{name}": np.asarray(value) for name, value in self.parameters.items()})
        arrays.update({f"initial/{name}": np.asarray(value) for name, value in self._initial.items()})
        kinds = {name: operator.kind for name, operator in self.weights.items()}
        return arrays, {"model": self.model.to_dict(), "size": self.size, "weights": kinds}

    def __repr__(self):
        parameters = ", ".join(f"{k}={_short(v)}" for k, v in self.parameters.items())
        weights = ", ".join(f"{k}: {v!r}" for k, v in self.weights.items())
        return f"<Circuit {self.model.name!r}, {self.size} units; {weights}; {parameters}>"


def _short(value):
    return f"{value:g}" if np.ndim(value) == 0 else f"[{np.min(value):.3g} to {np.max(value):.3g}]"
