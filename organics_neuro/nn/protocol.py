"""What a layer says of itself: transfer, experiments, recipes and classifiers ask it, and name no class.

A layer of one's own needs no base class; it has these attributes and methods.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from organics_neuro.core.circuits import Circuit, JoinedCircuit


class SteadyState(NamedTuple):
    """A steady state and how well it was found.

    Attributes
    ----------
    y, a : Tensor
        Principal and normalizer potentials, shape (..., units); they carry gradients.
    residual : Tensor, shape (...)
        Largest ``|tau dx/dt|`` over the units, in the units of the states.
    iterations : Tensor of int, shape (...)
        Steps of the solver; 0 for a closed form.
    """

    y: Tensor
    a: Tensor
    residual: Tensor
    iterations: Tensor


@runtime_checkable
class RecurrentLayer(Protocol):
    """A layer over sequences that is a circuit: one step of the sequence is one Euler step.

    Attributes
    ----------
    hidden_size, num_layers : int
    batch_first : bool
        As those of `torch.nn.LSTM`, and as is the way it is called: ``output, state = layer(input, state)``. A state has
        the states of the circuit as attributes, each (num_layers, batch, hidden_size).
    states : tuple of str
        Names of the states of one layer, in order.
    output : str
        The state that ``output`` is, and that the next layer reads.
    dt : float
        How much time one step stands for, in seconds, unless `to_circuit` is told another.
    """

    hidden_size: int
    num_layers: int
    batch_first: bool

    @property
    def states(self) -> tuple[str, ...]: ...

    @property
    def output(self) -> str: ...

    @property
    def dt(self) -> float: ...

    def to_circuit(self, dt: Any = None) -> Circuit | JoinedCircuit:
        """The circuit of which one Euler step of ``dt`` is one step of the layer; of several layers "l0", "l1", ..."""
        ...

    def final_state(self, input: Tensor | PackedSequence, state: Any = None) -> Any:
        """The state after the last step of each sequence."""
        ...


@runtime_checkable
class SteadyLayer(Protocol):
    """A layer whose output are the rates of a circuit at its steady state.

    Attributes
    ----------
    feature_axes : int
        How many axes of the input, the last ones, are one sample; those before are samples.
    """

    feature_axes: int

    def steady_state(self, input: Tensor) -> Any:
        """The steady state: the states of the circuit by name, with their residual and the number of iterations."""
        ...

    def steady_circuit(self, input: Tensor | ArrayLike) -> tuple[Circuit, np.ndarray]:
        """The circuit, and its input for each sample, (samples, units): run to its steady state, it gives the output."""
        ...
