"""From a trained torch module to a circuit that every engine runs, and the proof that it is the same."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from organics_neuro.core.circuit import Circuit, join
from organics_neuro.core.errors import missing_extra
from organics_neuro.core.model import Coupling
from organics_neuro.core.operators import Sparse, identity
from organics_neuro.core.units import seconds

try:
    import torch
except ImportError as error:
    raise missing_extra("organics_neuro.transfer", "torch", "torch") from error

from organics_neuro.nn.layers import ORGaNICs, ORGaNICsCell


def to_circuit(rnn, dt=1e-3):
    """The circuit of a torch module, of which one Euler step of ``dt`` is one step of the module.

    Parameters
    ----------
    rnn : ORGaNICs or ORGaNICsCell
    dt : float or Brian2 quantity
        How much time one step stands for, in seconds. Time constants become dt / step size.

    Returns
    -------
    Circuit or JoinedCircuit
        Of model "gated" or the variant that the options of the module ask for, in float64, with the initial state of the module; for several layers their join, with the
        parts "l0", "l1", ..., of which "l0" receives the input: ``l0.x``.

    Raises
    ------
    TypeError
        For another module.

    Examples
    --------
    >>> to_circuit(ORGaNICs(3, 5), dt=1e-3).size
    5
    """
    dt = seconds("dt", dt)
    if not isinstance(rnn, (ORGaNICs, ORGaNICsCell)):
        raise TypeError(f"to_circuit takes an ORGaNICs or ORGaNICsCell module, got {type(rnn).__name__}")
    double = _in_double(rnn)
    if isinstance(rnn, ORGaNICsCell):
        return _cell_circuit(double, dt)
    parts = {f"l{k}": _cell_circuit(cell, dt) for k, cell in enumerate(double.cells)}
    if len(parts) == 1:
        return parts["l0"]
    return join(parts, [Coupling(f"l{k}.x", source=f"l{k - 1}: y") for k in range(1, len(parts))])


def simulate(circuit, x, dt=1e-3, *, device="runtime", last_only=False, report=None):
    """Run a transferred circuit in Brian2 on input sequences.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        From `to_circuit`: with one external input.
    x : array_like, shape (trials, steps, inputs)
        One input vector per step.
    dt : float or Brian2 quantity
        The step that `to_circuit` was given, in seconds.
    device : {"runtime", "cpp"}
        Where Brian2 runs: "cpp" builds a C++ program in a temporary directory.
    last_only : bool
        Return the states after the last step only, which saves memory.
    report : str, optional
        How Brian2 shows progress: "text" or "stdout".

    Returns
    -------
    dict of ndarray
        Each state by its full name, after each step: shape (trials, steps, units), or (trials, 1, units).

    Raises
    ------
    ValueError
    """
    from organics_neuro.brian import simulate as run

    x, dt = _sequences(circuit, x), seconds("dt", dt)
    (name,) = circuit.inputs
    states = run(
        circuit,
        {name: x.swapaxes(0, 1)},
        duration=x.shape[1] * dt,
        dt=dt,
        every=None if last_only else 1,
        device=device,
        report=report,
    )
    return {state: (value if last_only else value[1:]).swapaxes(0, 1) for state, value in states.items()}


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


def parity(rnn, circuit, x, dt=1e-3, *, device="runtime"):
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
    """
    if not isinstance(rnn, ORGaNICs):
        raise TypeError(f"parity takes an ORGaNICs module, got {type(rnn).__name__}")
    x = _sequences(circuit, x)
    ours = simulate(circuit, x, dt, device=device)
    double = _in_double(rnn)
    trace, state = {name: [] for name in ours}, None
    with torch.no_grad():
        for step in torch.from_numpy(x).unbind(1):
            _, state = double(step.unsqueeze(1 if rnn.batch_first else 0), state)
            for name in trace:
                layer, _, variable = name.rpartition(".")
                trace[name].append(getattr(state, variable)[int(layer[1:] or 0)].numpy())
    if {name: rows[0].shape for name, rows in trace.items()} != {
        name: (v.shape[0], v.shape[2]) for name, v in ours.items()
    }:
        raise ValueError("the circuit does not have the layers and units of the module; make it with to_circuit(rnn)")
    return Parity({name: np.abs(np.stack(rows, 1) - ours[name]).max(axis=(0, 2)) for name, rows in trace.items()})


def _sequences(circuit, x):
    """Input sequences as float64, checked against the circuit's one external input."""
    if len(circuit.inputs) != 1:
        raise ValueError(f"the circuit must have one input, but has {', '.join(circuit.inputs) or 'none'}")
    ((name, n),) = circuit.inputs.items()
    x = np.asarray(x, dtype=float)
    if x.ndim != 3 or x.shape[2] != n:
        raise ValueError(f"x must have shape (trials, steps, {n}) for the input {name!r}, got {x.shape}")
    return x


def _cell_circuit(cell, dt):
    weights = {name: _array(getattr(cell, name)) for name in cell.model.weights}
    if cell.recurrence == "identity":
        weights["W_r"] = identity(cell.hidden_size)
    elif cell.recurrence == "diagonal":
        weights["W_r"] = Sparse(weights["W_r"])
    return Circuit(
        cell.model,
        weights=weights,
        initial={name: _array(getattr(cell, f"initial_{name}")) for name in cell.model.states},
        **{f"tau_{name}": dt / _array(getattr(cell, f"step_{name}")) for name in cell.model.states},
        **cell.constant,
    )


def _in_double(rnn):
    """A float64 copy: weights that are functions of parameters, such as W = exp(log W), are then exact as well."""
    return deepcopy(rnn).to("cpu", torch.float64)


def _array(tensor):
    return tensor.detach().numpy()
