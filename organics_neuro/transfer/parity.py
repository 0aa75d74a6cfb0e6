"""The proof that a torch module and its circuit are the same, step by step."""

from dataclasses import dataclass

import numpy as np
import torch

from organics_neuro.core.boundary import input_sequences
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.nn.circuits import in_double
from organics_neuro.nn.layers import ORGaNICs
from organics_neuro.transfer.recurrent import by_name, check_same_states, simulate


@dataclass(frozen=True)
class Parity:
    """How far a torch module and its circuit in Brian2 are apart; made by `parity`, print it.

    Attributes
    ----------
    differences : dict of ndarray
        By full name of the state: the largest absolute difference over trials and units after each step, (steps,).
    """

    differences: dict

    @property
    def largest(self):
        """The largest difference of all."""
        return max(float(d.max()) for d in self.differences.values())

    def __str__(self):
        rows = [
            f"{name:>8}  {d.max():.1e}  at step {d.argmax() + 1} of {len(d)}" for name, d in self.differences.items()
        ]
        return "\n".join(["   state  largest difference between torch and Brian2", *rows])


def parity(rnn, circuit, x, dt=STEP_TIME, *, device="runtime"):
    """Compare a torch module with its circuit in Brian2, step by step, both in float64.

    Parameters
    ----------
    rnn : ORGaNICs
    circuit : Circuit or JoinedCircuit
        From ``to_circuit(rnn, dt)``.
    x : array_like, shape (trials, steps, inputs)
    dt, device :
        As for `simulate`.

    Returns
    -------
    Parity

    Raises
    ------
    TypeError, UnitError, ValueError
        For another module or circuit, and as `simulate`.
    """
    if not isinstance(rnn, ORGaNICs):
        raise TypeError(f"parity takes an ORGaNICs module, got {type(rnn).__name__}")
    check_same_states(rnn, circuit)
    _, x = input_sequences(circuit, x)
    ours = simulate(circuit, x, dt, device=device)
    double = in_double(rnn)
    trace, state = {name: [] for name in ours}, None
    with torch.no_grad():
        for step in torch.from_numpy(x).unbind(1):
            _, state = double(step.unsqueeze(1 if rnn.batch_first else 0), state)
            for name, value in by_name(double, state).items():
                trace[name].append(value)
    return Parity({name: np.abs(np.stack(rows, 1) - ours[name]).max(axis=(0, 2)) for name, rows in trace.items()})
