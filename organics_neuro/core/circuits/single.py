"""`Circuit`: a model with weights and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import by_name
from organics_neuro.core.circuits.base import MADE_FOR, AnyCircuit
from organics_neuro.core.circuits.checks import (
    check_declared,
    check_initial,
    check_parameters,
    check_weights,
    find_size,
)
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.core.models import get_model
from organics_neuro.core.names import Name
from organics_neuro.core.operators import Operator
from organics_neuro.core.pairs import split_complex
from organics_neuro.core.populations import Connection, Population
from organics_neuro.core.units import seconds


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
    made_for : float or Brian2 quantity, optional
        The time step, in seconds, of which one forward Euler step is one step of the layer that the circuit was made of;
        engines warn at another. Two circuits that differ in it alone are equal.
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

    model: CircuitModel
    weights: Mapping[str, Operator]
    parameters: Mapping[str, Any]
    size: int
    _initial: Mapping[str, np.ndarray]
    _made_for: float | None

    def __init__(
        self,
        model: str | CircuitModel,
        weights: Mapping[str, Any] | None = None,
        *,
        size: int | None = None,
        initial: Mapping[str, ArrayLike] | None = None,
        made_for: Any = None,
        **parameters: Any,
    ):
        model = get_model(model)
        weights = split_complex(by_name("weights", weights), (*model.weights, *model.optional_weights))
        initial = split_complex(by_name("initial", initial), model.states)
        check_declared(model, weights, parameters)
        size = find_size(model, weights, parameters, size)
        set_ = self.__dict__.update
        set_(model=model, size=size)
        set_(weights=MappingProxyType(check_weights(model, weights, size)))
        set_(parameters=MappingProxyType(check_parameters(model, parameters, size)))
        set_(_initial=MappingProxyType(check_initial(model, initial, size)))
        set_(_made_for=None if made_for is None else seconds("made_for", made_for))

    @cached_property
    def populations(self) -> dict[Any, Population]:
        """The circuit's populations by name; a circuit that is not joined has one, without a name."""
        readouts = {n: self.weights[o.weights] for n, o in self.model.readouts.items() if o.weights in self.weights}
        made_for = self.parameters[self.model.step] if self.model.step else self._made_for
        return {None: Population(self.model, self.size, self.parameters, self._initial, readouts, made_for)}

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """What the model's couplings connect, as `Connection` objects."""
        return tuple(self._connection(c) for c in self.model.couplings)

    def _connection(self, c: Coupling) -> Connection:
        outside, key = self.model.external_source(c), str(c.weights)
        source = None if outside is None else Name(None, outside)
        return Connection(key, None, c.target, self.weights[key], source, c.source, outside, c.delay)

    @cached_property
    def external(self) -> dict[Any, int]:
        """Sizes of the inputs that have a size of their own."""
        return {Name.parse(str(c.source)): c.weights.shape[1] for c in self.connections if c.external}

    def replace(
        self,
        weights: Mapping[str, Any] | None = None,
        initial: Mapping[str, ArrayLike] | None = None,
        **parameters: Any,
    ) -> Circuit:
        """A copy with other weights, initial states or parameters; what is not named stays."""
        weights = split_complex(by_name("weights", weights), (*self.model.weights, *self.model.optional_weights))
        initial = split_complex(by_name("initial", initial), self.model.states)
        return Circuit(
            self.model,
            weights={**self.weights, **weights},
            size=self.size,
            initial={**self._initial, **initial},
            made_for=self._made_for,
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
        metadata = {"model": self.model.to_dict(), "size": self.size, "weights": kinds}
        return arrays, metadata if self._made_for is None else {**metadata, MADE_FOR: self._made_for}

    def __repr__(self):
        parameters = ", ".join(f"{k}={_short(v)}" for k, v in self.parameters.items())
        weights = ", ".join(f"{k}: {v!r}" for k, v in self.weights.items())
        return f"<Circuit {self.model.name!r}, {self.size} units; {weights}; {parameters}>"


def _short(value):
    return f"{value:g}" if np.ndim(value) == 0 else f"[{np.min(value):.3g} to {np.max(value):.3g}]"
