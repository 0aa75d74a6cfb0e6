"""Recurrent layers as circuits that every engine runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from organics_neuro.core.boundary import input_sequences
from organics_neuro.core.circuits import Circuit, JoinedCircuit, check_circuit
from organics_neuro.core.names import Name
from organics_neuro.engines import Brian
from organics_neuro.nn.protocol import RecurrentLayer, SteadyLayer
from organics_neuro.transfer.torch_layers import as_layer


def to_circuit(rnn: nn.Module, dt: Any = None) -> Circuit | JoinedCircuit:
    """The circuit of a torch module, of which one Euler step of ``dt`` is one step of the module.

    Parameters
    ----------
    rnn : Module
        A layer or cell that says its circuit by ``to_circuit(dt)``: `organics_neuro.nn.ORGaNICs`, any
        `organics_neuro.nn.CircuitLayer`, or a layer of one's own (`organics_neuro.nn.protocol`). Or `torch.nn.LSTM`, `GRU`
        or `RNN`, whose circuits, of the models "lstm", "gru", "elman" and "elman_relu", are maps.
    dt : float or Brian2 quantity, optional
        How much time one step stands for, in seconds. Default: that of the layer, 1 ms unless it was given another.
        Time constants become dt / step size.

    Returns
    -------
    Circuit or JoinedCircuit
        In float64, with the initial state of the module; for several layers their join, with the parts "l0", "l1", ...,
        of which "l0" receives the input: ``l0.x``.

    Raises
    ------
    TypeError
        For another module.
    ValueError
        For a network of torch that is bidirectional, has projections, or has dropout and is in training.

    Examples
    --------
    >>> from organics_neuro.nn import ORGaNICs
    >>> to_circuit(ORGaNICs(3, 5), dt=1e-3).size
    5
    """
    if isinstance(rnn, SteadyLayer):
        raise TypeError(
            f"{type(rnn).__name__} is at a steady state, which depends on its input: steady_circuit(layer, x)"
        )
    if isinstance(rnn, nn.RNNBase):
        rnn = as_layer(rnn)
    if not isinstance(rnn, nn.Module) or not callable(getattr(rnn, "to_circuit", None)):
        raise TypeError(
            f"to_circuit takes a layer that has a method to_circuit, such as ORGaNICs, or nn.LSTM, nn.GRU, nn.RNN, got {name_of(rnn)}"
        )
    return rnn.to_circuit(dt)  # pyright: ignore[reportCallIssue]


def run_sequences(
    circuit: Circuit | JoinedCircuit, x: ArrayLike, dt: float, device: str, every: int | None = 1, report: Any = None
) -> dict[str, np.ndarray]:
    """States of a transferred circuit in Brian2 for sequences (trials, steps, inputs): (trials, samples, units), no start."""
    (name, x), engine = input_sequences(check_circuit(circuit), x), Brian(dt=dt, device=device, report=report or True)
    states = engine.simulate(circuit, {name: x.swapaxes(0, 1)}, x.shape[1] * dt, every=every)
    return {state: (value[1:] if every else value).swapaxes(0, 1) for state, value in states.items()}


def by_name(rnn: RecurrentLayer, state: Any) -> dict[Name, np.ndarray]:
    """The states of a layer, each (layers, samples, units), by their names in the circuit, each (samples, units)."""
    return {name: getattr(state, name.variable)[k].numpy() for name, k in _layer_of(rnn).items()}


def output_name(rnn: RecurrentLayer) -> Name:
    """The name in the circuit of what the layer gives: the output state of the last layer."""
    return Name(f"l{rnn.num_layers - 1}" if rnn.num_layers > 1 else None, rnn.output)


def _layer_of(rnn):
    """Full names of the states of a transferred circuit, with the number of the layer that each belongs to."""
    parts = [f"l{k}" for k in range(rnn.num_layers)] if rnn.num_layers > 1 else [None]
    return {Name(part, state): k for k, part in enumerate(parts) for state in rnn.states}


def check_same_states(rnn: RecurrentLayer, circuit: Circuit | JoinedCircuit) -> None:
    """Raise an error unless ``circuit`` is one that has the layers and units of ``rnn``."""
    if dict(check_circuit(circuit).states) != dict.fromkeys(_layer_of(rnn), rnn.hidden_size):
        raise ValueError("the circuit does not have the layers and units of the module; make it with to_circuit(rnn)")


def name_of(module: object) -> str:
    """What a message calls a module: its class."""
    return f"the class {module.__name__}" if isinstance(module, type) else type(module).__name__
