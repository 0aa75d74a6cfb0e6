"""Recurrent layers as circuits: from a trained torch module to a circuit that every engine runs."""

from organics_neuro.core.boundary import input_sequences
from organics_neuro.core.circuits import Circuit, check_circuit, join
from organics_neuro.core.model import Coupling
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.operators import Sparse, identity
from organics_neuro.core.units import seconds
from organics_neuro.nn.circuits import array, in_double
from organics_neuro.nn.layers import ORGaNICs, ORGaNICsCell


def to_circuit(rnn, dt=STEP_TIME):
    """The circuit of a torch module, of which one Euler step of ``dt`` is one step of the module.

    Parameters
    ----------
    rnn : ORGaNICs or ORGaNICsCell
    dt : float or Brian2 quantity
        How much time one step stands for, in seconds. Time constants become dt / step size.

    Returns
    -------
    Circuit or JoinedCircuit
        Of model "gated" or the variant that the options of the module ask for, in float64, with the initial state of
        the module; for several layers their join, with the parts "l0", "l1", ..., of which "l0" receives the input:
        ``l0.x``.

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
    double = in_double(rnn)
    if isinstance(rnn, ORGaNICsCell):
        return _cell_circuit(double, dt)
    parts = {f"l{k}": _cell_circuit(cell, dt) for k, cell in enumerate(double.cells)}
    if len(parts) == 1:
        return parts["l0"]
    return join(parts, [Coupling(f"l{k}.x", source=f"l{k - 1}: y") for k in range(1, len(parts))])


def simulate(circuit, x, dt=STEP_TIME, *, device="runtime", last_only=False, report=None):
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
    TypeError, UnitError
        For what is no circuit, an ``x`` that does not hold numbers, or a ``dt`` that is no time.
    ValueError
        For a circuit with several inputs, or an ``x`` of another shape or that is not finite.
    """
    from organics_neuro.brian import simulate as run

    (name, x), dt = input_sequences(check_circuit(circuit), x), seconds("dt", dt)
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


def by_name(rnn, state):
    """The states of a module, each (layers, samples, units), under their names in the circuit, each (samples, units)."""
    return {name: getattr(state, s)[k].numpy() for name, (k, s) in state_names(rnn).items()}


def state_names(rnn):
    """Full names of the states of a transferred circuit, with the layer and the state of the module that each is."""
    prefixes = [f"l{k}." for k in range(rnn.num_layers)] if rnn.num_layers > 1 else [""]
    return {prefix + s: (k, s) for k, prefix in enumerate(prefixes) for s in rnn.cells[k].model.states}


def check_same_states(rnn, circuit):
    if dict(check_circuit(circuit).states) != dict.fromkeys(state_names(rnn), rnn.hidden_size):
        raise ValueError("the circuit does not have the layers and units of the module; make it with to_circuit(rnn)")


def _cell_circuit(cell, dt):
    weights = {name: array(getattr(cell, name)) for name in cell.model.weights}
    if cell.recurrence == "identity":
        weights["W_r"] = identity(cell.hidden_size)
    elif cell.recurrence == "diagonal":
        weights["W_r"] = Sparse(weights["W_r"])
    return Circuit(
        cell.model,
        weights=weights,
        initial={name: array(getattr(cell, f"initial_{name}")) for name in cell.model.states},
        **{f"tau_{name}": dt / array(getattr(cell, f"step_{name}")) for name in cell.model.states},
        # as the cell holds it: in float32 0.003 is another number
        **{gain: float(getattr(cell, f"initial_{gain}")[0]) for gain in cell.constant},
    )
