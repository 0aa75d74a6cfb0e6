"""From a trained torch module to a circuit that every engine runs, and the proof that it is the same."""

from dataclasses import dataclass

import numpy as np

from organics_neuro.core.boundary import input_sequences
from organics_neuro.core.circuits import Circuit, check_circuit, join
from organics_neuro.core.errors import missing_extra
from organics_neuro.core.model import Coupling
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.names import Name
from organics_neuro.core.operators import Sparse, identity
from organics_neuro.core.units import seconds

try:
    import torch
except ImportError as error:
    raise missing_extra("organics_neuro.transfer", "torch", "torch") from error

from organics_neuro.nn.circuits import array, in_double, steady_circuit
from organics_neuro.nn.layers import ORGaNICs, ORGaNICsCell
from organics_neuro.nn.reference_checkpoints import import_checkpoint  # noqa: F401
from organics_neuro.nn.steady import DivisiveNormalization, DivisiveNormalization2d
from organics_neuro.training.predictions import PREDICT_TOGETHER, predict
from organics_neuro.training.samples import check_inputs

_STEADY = (DivisiveNormalization, DivisiveNormalization2d)


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
    _check_same_states(rnn, circuit)
    _, x = input_sequences(circuit, x)
    ours = simulate(circuit, x, dt, device=device)
    double = in_double(rnn)
    trace, state = {name: [] for name in ours}, None
    with torch.no_grad():
        for step in torch.from_numpy(x).unbind(1):
            _, state = double(step.unsqueeze(1 if rnn.batch_first else 0), state)
            for name, value in _by_name(double, state).items():
                trace[name].append(value)
    return Parity({name: np.abs(np.stack(rows, 1) - ours[name]).max(axis=(0, 2)) for name, rows in trace.items()})


@dataclass(frozen=True)
class Agreement:
    """What a classifier says in torch and in Brian2; made by `agreement`, print it.

    Attributes
    ----------
    torch, brian : ndarray of int, shape (samples,)
        The class of each sample; of the torch module as it is, and of its circuit in float64.
    difference : float
        The largest difference of any state at the end of any sequence, or of any rate at the steady state, both in
        float64.
    """

    torch: np.ndarray
    brian: np.ndarray
    difference: float

    @property
    def count(self):
        """How many samples both put into the same class."""
        return int(np.sum(self.torch == self.brian))

    def __str__(self):
        return f"the same class for {self.count:,} of {len(self.torch):,} samples, states within {self.difference:.1e}"


def agreement(model, circuit, x, dt=STEP_TIME, *, device="cpp", report=None):
    """Classify sequences with a torch module and with its circuit in Brian2.

    Parameters
    ----------
    model : SequenceClassifier
        With an `ORGaNICs` network that takes ``batch_first``.
    circuit : Circuit or JoinedCircuit
        From ``to_circuit(model.rnn, dt)``.
    x : array_like, shape (samples, steps, inputs)
    dt, device, report :
        As for `simulate`.

    Returns
    -------
    Agreement

    Raises
    ------
    TypeError, UnitError, ValueError
        For another module or circuit, and as `simulate`.
    FloatingPointError
        If the module gives NaN.

    See Also
    --------
    parity : how far the states are apart after every step.
    """
    if not isinstance(getattr(model, "rnn", None), ORGaNICs):
        raise TypeError(f"agreement takes a SequenceClassifier with an ORGaNICs network, got {type(model).__name__}")
    _check_same_states(model.rnn, circuit)
    if not model.rnn.batch_first:
        raise ValueError("the network must read sequences with batch_first=True")
    samples, difference = check_inputs("x", x), 0.0
    in_torch = predict(model, samples).numpy()  # first: it is quick to say what is wrong with the model
    double = in_double(model)
    ends = simulate(circuit, x, dt, device=device, last_only=True, report=report)
    with torch.no_grad():
        for part in torch.arange(len(samples)).split(PREDICT_TOGETHER):
            _, state = double.rnn(samples[part].double())
            for name, value in _by_name(double.rnn, state).items():
                difference = np.maximum(difference, np.abs(value - ends[name][part, 0]).max())  # NaN, too
        *_, last = (name for name in ends if Name.parse(name).variable == "y")
        scores = double.scores(torch.from_numpy(ends[last][:, 0]))
    return Agreement(in_torch, scores.argmax(-1).numpy(), float(difference))


def steady_agreement(model, x, duration=0.3, dt=5e-4, *, device="cpp"):
    """Classify samples with a torch module and with its steady-state layers as circuits in Brian2.

    Wherever the module calls a `DivisiveNormalization` or `DivisiveNormalization2d`, the circuit of the layer takes its
    place, which starts at rest and must settle within ``duration``; what it reads is what the layers before it gave in
    Brian2.

    Parameters
    ----------
    model : Module
        With steady-state layers; takes a batch of ``x`` and returns scores (samples, classes).
    x : array_like, shape (samples, ...)
    duration, dt : float or Brian2 quantity
        In seconds. Near the steady state a circuit of the model "two_type" with identity recurrence approaches it by
        factors of e in tau_y / sqrt(a), that is 2 ms / b0 at most.
    device : {"runtime", "cpp"}
        As for `simulate`.

    Returns
    -------
    Agreement
        Its difference is the largest one of the rates at the end, relu(y)^2.

    Raises
    ------
    TypeError
        For what is no module.
    ValueError
        For a module that has no such layer, or one that it does not call; for ``x`` that is not finite.
    """
    samples = check_inputs("x", x)
    in_torch, double = predict(model, samples).numpy(), in_double(model)
    layers = [layer for layer in double.modules() if isinstance(layer, _STEADY)]
    if not layers:
        raise ValueError("the network has no steady-state layers, and is not a circuit")
    differences = _answer_by_brian(layers, duration=duration, dt=dt, device=device)
    with torch.no_grad():
        scores = double(samples.double())
    if len(differences) < len(layers):
        raise ValueError("the network does not call all of its steady-state layers, so they cannot be compared")
    difference = float(np.max(list(differences.values())))
    return Agreement(in_torch, scores.argmax(-1).numpy(), difference)


def _answer_by_brian(layers, **options):
    """Let the circuit of each of the layers give its output; by layer, how far it was from the layer's in each call."""
    from organics_neuro.brian import simulate as run

    differences = {}

    def answer(layer, args, given, expected):
        (x,) = (*args, *given.values())
        circuit, z = steady_circuit(layer, x)
        y = torch.from_numpy(run(circuit, z, record=["y"], every=None, **options)["y"][-1])
        rates = torch.relu(y).square().view_as(expected)
        differences[layer] = np.maximum(differences.get(layer, 0.0), (rates - expected).abs().max().item())  # NaN, too
        return rates

    for layer in layers:  # a hook is called at every use, however often and under whatever names there is one
        layer.register_forward_hook(answer, with_kwargs=True)
    return differences


def _by_name(rnn, state):
    """The states of a module, each (layers, samples, units), under their names in the circuit, each (samples, units)."""
    return {name: getattr(state, s)[k].numpy() for name, (k, s) in _state_names(rnn).items()}


def _state_names(rnn):
    """Full names of the states of a transferred circuit, with the layer and the state of the module that each is."""
    prefixes = [f"l{k}." for k in range(rnn.num_layers)] if rnn.num_layers > 1 else [""]
    return {prefix + s: (k, s) for k, prefix in enumerate(prefixes) for s in rnn.cells[k].model.states}


def _check_same_states(rnn, circuit):
    if dict(check_circuit(circuit).states) != dict.fromkeys(_state_names(rnn), rnn.hidden_size):
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
