"""The proof that a torch module and its circuit are the same, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from organics_neuro.core.boundary import input_sequences
from organics_neuro.core.circuits import Circuit, JoinedCircuit
from organics_neuro.core.html import parity_html
from organics_neuro.core.names import Name
from organics_neuro.core.units import seconds
from organics_neuro.nn.copies import in_double
from organics_neuro.transfer.recurrent import by_name, check_same_states, run_sequences
from organics_neuro.transfer.torch_layers import as_layer


@dataclass(frozen=True)
class Parity:
    """How far a torch module and its circuit in Brian2 are apart; made by `parity`, print it.

    Attributes
    ----------
    differences : dict of ndarray
        By full name of the state: the largest absolute difference over trials and units after each step, (steps,).
    """

    differences: dict[Name, np.ndarray]

    @property
    def largest(self) -> float:
        """The largest difference of all."""
        return max(float(d.max()) for d in self.differences.values())

    def _repr_html_(self) -> str:
        return parity_html(self.differences)

    def __str__(self) -> str:
        rows = [
            f"{name:>8}  {d.max():.1e}  at step {d.argmax() + 1} of {len(d)}" for name, d in self.differences.items()
        ]
        return "\n".join(["   state  largest difference between torch and Brian2", *rows])


def parity(
    rnn: nn.Module, circuit: Circuit | JoinedCircuit, x: ArrayLike, dt: Any = None, *, device: str = "runtime"
) -> Parity:
    """Compare a torch module with its circuit in Brian2, step by step, both in float64.

    Parameters
    ----------
    rnn : RecurrentLayer
        Such as `organics_neuro.nn.ORGaNICs` or another `organics_neuro.nn.CircuitLayer`; or `torch.nn.LSTM`, `GRU`, `RNN`.
    circuit : Circuit or JoinedCircuit
        From ``to_circuit(rnn, dt)``.
    x : array_like, shape (trials, steps, inputs)
    dt : float or Brian2 quantity, optional
        The step that `to_circuit` was given, in seconds. Default: that of the layer.
    device :
        As for `organics_neuro.engines.Brian`.

    Returns
    -------
    Parity

    Raises
    ------
    TypeError, UnitError, ValueError
        For another module or circuit, and as `organics_neuro.simulate`.

    Warns
    -----
    UserWarning
        If the circuit was made for another step than ``dt``.
    """
    rnn = as_layer(rnn)
    check_same_states(rnn, circuit)
    dt = rnn.dt if dt is None else seconds("dt", dt)
    _, x = input_sequences(circuit, x)
    ours = run_sequences(circuit, x, dt, device)
    double: Any = in_double(rnn)
    trace, state = {name: [] for name in ours}, None
    with torch.no_grad():
        for step in torch.from_numpy(x).unbind(1):
            _, state = double(step.unsqueeze(1 if rnn.batch_first else 0), state)
            for name, value in by_name(double, state).items():
                trace[name].append(value)
    return Parity({name: np.abs(np.stack(rows, 1) - ours[name]).max(axis=(0, 2)) for name, rows in trace.items()})
