"""The recurrent networks of torch, nn.LSTM, nn.GRU and nn.RNN, as layers that are circuits."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from organics_neuro.core.circuits import Circuit, JoinedCircuit, join
from organics_neuro.core.model import Coupling
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.units import seconds
from organics_neuro.nn.copies import array, in_double
from organics_neuro.nn.declarations import state_type
from organics_neuro.nn.protocol import RecurrentLayer

#: Gates in the order of the rows of torch's weights, by the class.
_GATES = {nn.LSTM: "ifgo", nn.GRU: "rzn", nn.RNN: "h"}


class TorchLayer(nn.Module):
    """A recurrent network of torch with what transfer asks of a layer; see `organics_neuro.nn.protocol.RecurrentLayer`.

    One Euler step of its circuit is one step of the network. Where a layer of the network reads the new output of the
    one below, so does its circuit: the source is the expression ``h_new`` of that one.
    """

    output = "h"

    def __init__(self, rnn: nn.RNNBase, dt: float = STEP_TIME):
        super().__init__()
        self.rnn, self.dt = rnn, dt
        self.hidden_size, self.num_layers, self.batch_first = rnn.hidden_size, rnn.num_layers, rnn.batch_first
        self.states = ("h", "c") if isinstance(rnn, nn.LSTM) else ("h",)

    def forward(self, input: Any, state: Any = None) -> tuple[Any, Any]:
        """As that of the network, with a state by name."""
        if state is not None:
            state = tuple(state) if len(self.states) > 1 else state[0]
        output, last = self.rnn(input, state)
        return output, state_type(self.states)(*((last,) if isinstance(last, Tensor) else last))

    def final_state(self, input: Any, state: Any = None) -> Any:
        """The state after the last step of each sequence."""
        return self(input, state)[1]

    def to_circuit(self, dt: Any = None) -> Circuit | JoinedCircuit:
        """The circuit, in float64; of several layers "l0", "l1", ..., of which "l0" receives the input."""
        dt = self.dt if dt is None else seconds("dt", dt)
        if self.rnn.dropout and self.rnn.training:
            raise ValueError(
                f"dropout={self.rnn.dropout:g} is random in training, and a circuit is not; call eval() first"
            )
        double = in_double(self.rnn)
        circuits = [_circuit(double, k, dt) for k in range(self.num_layers)]
        if self.num_layers == 1:
            return circuits[0]
        read = [Coupling(f"l{k}.x", None, f"l{k - 1}: h_new") for k in range(1, self.num_layers)]
        return join({f"l{k}": circuit for k, circuit in enumerate(circuits)}, read)


def as_layer(rnn: Any) -> Any:
    """``rnn`` if it is a layer that says its circuit, or a recurrent network of torch as such a layer.

    Raises
    ------
    TypeError
        For what is neither.
    ValueError
        For a network of torch with an option that circuits do not have.
    """
    if isinstance(rnn, RecurrentLayer) and not isinstance(rnn, type):
        return rnn
    if type(rnn) not in _GATES and not _is_parametrized_network(rnn):
        name = f"the class {rnn.__name__}" if isinstance(rnn, type) else type(rnn).__name__
        raise TypeError(f"{name} is no layer that is a circuit, such as ORGaNICs, and no nn.LSTM, nn.GRU or nn.RNN")
    if rnn.bidirectional:
        raise ValueError("bidirectional=True reads a sequence from its end, too, which no circuit can")
    if rnn.proj_size:
        raise ValueError(f"proj_size={rnn.proj_size} is not offered: the model 'lstm' has no projection; leave it out")
    return TorchLayer(rnn)


def _is_parametrized_network(rnn):
    """Torch gives a module with parametrizations a class of its own."""
    return isinstance(rnn, tuple(_GATES)) and type(rnn).__name__.startswith("Parametrized")


def _circuit(rnn, k, dt):
    """The circuit of layer ``k`` of a network in float64."""
    kind = next(kind for kind in _GATES if isinstance(rnn, kind))
    gates = _GATES[kind]
    weights = {}
    for side in "ih":
        blocks = array(getattr(rnn, f"weight_{side}h_l{k}")).reshape(len(gates), rnn.hidden_size, -1)
        names = (f"W_{side}{gate}" if kind is not nn.RNN else f"W_{side}h" for gate in gates)
        weights.update(zip(names, blocks, strict=True))
    biases = _biases(rnn, kind, gates, k) if rnn.bias else {}
    model = {nn.LSTM: "lstm", nn.GRU: "gru"}.get(kind, "elman_relu" if rnn.mode == "RNN_RELU" else "elman")
    return Circuit(model, weights, size=rnn.hidden_size, step=dt, **biases)


def _biases(rnn, kind, gates, k):
    """Torch has two biases for each gate, which add up but in one place: the reset gate of a GRU scales one of them."""
    inner, outer = (
        dict(zip(gates, array(getattr(rnn, f"bias_{side}h_l{k}")).reshape(len(gates), -1), strict=True))
        for side in "hi"
    )
    if kind is not nn.GRU:
        return {f"b_{gate}": outer[gate] + inner[gate] for gate in gates}
    return {f"b_{gate}": outer[gate] + inner[gate] for gate in "rz"} | {"b_n": outer["n"], "b_hn": inner["n"]}
