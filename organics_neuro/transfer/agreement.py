"""What a network says in torch and in Brian2: of recurrent networks, and of networks with steady-state layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from organics_neuro.core.circuits import Circuit, JoinedCircuit
from organics_neuro.core.units import seconds
from organics_neuro.engines import Brian
from organics_neuro.nn.copies import in_double
from organics_neuro.nn.protocol import SteadyLayer
from organics_neuro.training.predictions import PREDICT_TOGETHER, predict
from organics_neuro.training.samples import check_inputs
from organics_neuro.transfer.recurrent import (
    by_name,
    check_same_states,
    name_of,
    output_name,
    run_sequences,
)
from organics_neuro.transfer.torch_layers import as_layer


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
    def count(self) -> int:
        """How many samples both put into the same class."""
        return int(np.sum(self.torch == self.brian))

    def __str__(self) -> str:
        return f"the same class for {self.count:,} of {len(self.torch):,} samples, states within {self.difference:.1e}"


def agreement(
    model: nn.Module,
    circuit: Circuit | JoinedCircuit,
    x: ArrayLike | Tensor,
    dt: Any = None,
    *,
    device: str = "cpp",
    report: str | None = None,
) -> Agreement:
    """Classify sequences with a torch module and with its circuit in Brian2.

    Parameters
    ----------
    model : SequenceClassifier
        With a recurrent layer, ``model.rnn``, that is a circuit or of torch (nn.LSTM, nn.GRU, nn.RNN) and takes
        ``batch_first``.
    circuit : Circuit or JoinedCircuit
        From ``to_circuit(model.rnn, dt)``.
    x : array_like, shape (samples, steps, inputs)
    dt : float or Brian2 quantity, optional
        The step that `to_circuit` was given, in seconds. Default: that of the layer.
    device, report :
        As for `organics_neuro.engines.Brian`.

    Returns
    -------
    Agreement

    Raises
    ------
    TypeError, UnitError, ValueError
        For another module or circuit, and as `organics_neuro.simulate`.
    FloatingPointError
        If the module gives NaN.

    Warns
    -----
    UserWarning
        If the circuit was made for another step than ``dt``.

    See Also
    --------
    parity : how far the states are apart after every step.
    """
    if not isinstance(getattr(model, "rnn", None), nn.Module):
        raise TypeError(f"agreement takes a SequenceClassifier with a layer that is a circuit, got {name_of(model)}")
    rnn: Any = as_layer(model.rnn)
    check_same_states(rnn, circuit)
    dt = rnn.dt if dt is None else seconds("dt", dt)
    if not rnn.batch_first:
        raise ValueError("the network must read sequences with batch_first=True")
    samples, difference = check_inputs("x", x), 0.0
    in_torch = predict(model, samples).numpy()  # first: it is quick to say what is wrong with the model
    double: Any = in_double(model)
    double_rnn = as_layer(double.rnn)
    ends = run_sequences(circuit, x, dt, device, every=None, report=report)
    with torch.no_grad():
        for part in torch.arange(len(samples)).split(PREDICT_TOGETHER):
            state = double_rnn.final_state(samples[part].double())
            for name, value in by_name(double_rnn, state).items():
                difference = np.maximum(difference, np.abs(value - ends[name][part, 0]).max())  # NaN, too
        scores = double.scores(torch.from_numpy(ends[output_name(rnn)][:, 0]))
    return Agreement(in_torch, scores.argmax(-1).numpy(), float(difference))


def steady_agreement(
    model: nn.Module, x: ArrayLike | Tensor, duration: Any = 0.3, dt: Any = 5e-4, *, device: str = "cpp"
) -> Agreement:
    """Classify samples with a torch module and with its steady-state layers as circuits in Brian2.

    Wherever the module calls a steady-state layer, such as `organics_neuro.nn.DivisiveNormalization`, the circuit of the
    layer takes its place, which starts at rest and must settle within ``duration``; what it reads is what the layers before it gave in
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
        As for `organics_neuro.engines.Brian`.

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
    layers = [layer for layer in double.modules() if isinstance(layer, SteadyLayer)]
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
    differences, engine = {}, Brian(**options)

    def answer(layer, args, given, expected):
        (x,) = (*args, *given.values())
        circuit, z = layer.steady_circuit(x)
        y = torch.from_numpy(engine.simulate(circuit, z, record=["y"], every=None)["y"][-1])
        rates = torch.relu(y).square().view_as(expected)
        differences[layer] = np.maximum(differences.get(layer, 0.0), (rates - expected).abs().max().item())  # NaN, too
        return rates

    for layer in layers:  # a hook is called at every use, however often and under whatever names there is one
        layer.register_forward_hook(answer, with_kwargs=True)
    return differences
