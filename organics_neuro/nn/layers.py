"""Declared models as layers over sequences, with the calling convention of `torch.nn.LSTM`.

One step of the sequence is one forward Euler step of the circuit. In a stack, layer k + 1 reads the output of layer k
before the step, so that all layers advance together: the stack is the joined circuit, exactly (`CircuitLayer.to_circuit`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from organics_neuro.core.boundary import flag, known_name, positive_int, probability
from organics_neuro.core.circuits import Circuit, JoinedCircuit, join
from organics_neuro.core.errors import unknown_name
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.nn.arguments import check_input, check_state, factory, in_own_precision
from organics_neuro.nn.cells import CircuitCell, Run
from organics_neuro.nn.transforms import Unscripted, untraced

KERNELS = ("auto", "fused", "torch")


class CircuitLayer(Unscripted, nn.Module):
    """Any declared model as a recurrent layer; called like `torch.nn.LSTM`.

    Parameters
    ----------
    model : str or CircuitModel
        A name in `organics_neuro.MODELS`, or a declaration.
    input_size, hidden_size : int
        An external input of the model takes ``input_size`` values. An input with one value a unit is read through
        learned weights (``W_zx``) where the model declares such an encoder or the sizes differ, else as it is.
    num_layers : int
        Layer k + 1 reads the output of layer k before the step.
    batch_first : bool
        Whether input and output are (batch, steps, features) and not (steps, batch, features). The state has the
        same layout in both cases.
    dropout : float
        Probability that, in training, a value that one layer sends to the next is 0, as in `torch.nn.LSTM`.
    kernel : {"auto", "torch"}
        What computes the steps: torch's own operations. (`ORGaNICs` has a compiled kernel.)
    checkpoint_every : int, optional
        Keep for the backward pass only the state at every so many steps, and compute the steps between again: less
        memory, more time. Default: keep what the backward pass needs of all steps.
    input, output, parametrizations, parameters, fixed, max_step, learned_steps, dt, device, dtype
        What each layer is; see `CircuitCell`.

    Attributes
    ----------
    cells : ModuleList of CircuitCell
        The layers, with their weights, parameters and step sizes. A cell is called once a sequence, so its hooks see
        (sequence, state) and return (output, state).
    states : tuple of str
        Names of the states of one layer, in order.
    dt : float
        How much time one step stands for, in seconds.

    Notes
    -----
    Input that holds NaN gives NaN, as in torch. Under `torch.autocast` a layer keeps its own precision.

    Examples
    --------
    >>> rnn = CircuitLayer("two_type", 3, 5, parametrizations={"W_r": "orthogonal"})
    >>> output, state = rnn(torch.zeros(7, 4, 3))
    >>> output.shape, state.y.shape
    (torch.Size([7, 4, 5]), torch.Size([1, 4, 5]))
    >>> rnn.to_circuit(dt=1e-3).model.name
    'two_type_encoded'
    """

    #: The class of the cells.
    _cell_type: type[CircuitCell] = CircuitCell

    def __init__(
        self,
        model: str | CircuitModel,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        batch_first: bool = False,
        dropout: float = 0.0,
        *,
        kernel: str = "auto",
        checkpoint_every: int | None = None,
        **cell: Any,
    ):
        super().__init__()
        self.input_size = positive_int("input_size", input_size)
        self.hidden_size = positive_int("hidden_size", hidden_size)
        self.num_layers = positive_int("num_layers", num_layers)
        factory(None, None, self.hidden_size, self.num_layers)
        self.batch_first = flag("batch_first", batch_first)
        self.dropout = _check_dropout(dropout, num_layers)
        self.kernel = known_name("kernel", kernel, KERNELS)
        self.precision: str | None = None
        self.checkpoint_every = None if checkpoint_every is None else positive_int("checkpoint_every", checkpoint_every)
        _check_options(type(self).__name__, self._cell_type, cell)
        sizes = (input_size, *[hidden_size] * (num_layers - 1))
        self.cells = nn.ModuleList(self._make_cell(model, size, **cell) for size in sizes)

    def _make_cell(self, model, input_size, **options) -> CircuitCell:
        return CircuitCell(model, input_size, self.hidden_size, **options)

    @property
    def _first(self) -> CircuitCell:
        return self.cells[0]  # pyright: ignore[reportReturnType]

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states of one layer, in order."""
        return self._first.states

    @property
    def output(self) -> str:
        """The state that is given after every step, and that the next layer reads."""
        return self._first.output

    @property
    def dt(self) -> float:
        """How much time one step stands for, in seconds."""
        return self._first.dt

    def reset_parameters(self) -> None:
        """Draw all parameters and initial states anew (see the ``reset_parameters`` of the cell)."""
        for cell in self.cells:
            cell.reset_parameters()  # pyright: ignore[reportCallIssue]

    @untraced
    @in_own_precision
    def forward(
        self, input: Tensor | PackedSequence, state: Any = None, *, whole: bool = True
    ) -> tuple[Tensor | PackedSequence, Any]:
        """Run a sequence.

        Parameters
        ----------
        input : Tensor or PackedSequence
            Shape (steps, batch, input_size), (batch, steps, input_size) if ``batch_first``, or (steps, input_size);
            or sequences of different lengths (`torch.nn.utils.rnn.pack_padded_sequence`).
        state : State, optional
            Each (num_layers, batch, hidden_size), or (num_layers, hidden_size) for one sequence. Default: the
            initial state. Passing the returned state continues the sequence.
        whole : bool
            Whether the output is wanted; if not, it has no steps (see `final_state`).

        Returns
        -------
        output : Tensor or PackedSequence
            The output state of the last layer after every step, in the layout of the input.
        state : State
            After the last step of each sequence.

        Raises
        ------
        ValueError
            For a wrong shape or dtype.
        RuntimeError
            With kernel="fused", if it cannot be compiled; under `torch.jit.trace`.
        """
        if isinstance(input, PackedSequence):
            return self._run_packed(input, state, whole)
        check_input(input, self, (2, 3))
        if input.dim() == 3:
            sequence = input.transpose(0, 1) if self.batch_first else input
            output, state = self._run_layers(sequence, state, sequence.shape[1:2], whole)
            return output.transpose(0, 1) if self.batch_first else output, state
        output, state = self._run_layers(input.unsqueeze(1), state, (), whole)
        return output.squeeze(1), self._first.State(*(s.squeeze(1) for s in state))

    def final_state(self, input: Tensor | PackedSequence, state: Any = None) -> Any:
        """The state after the last step of each sequence, without the memory of the output.

        Parameters
        ----------
        input, state
            As in `forward`.

        Returns
        -------
        State
            What `forward` returns as its second result: each (num_layers, batch, hidden_size), or (num_layers,
            hidden_size) for one sequence.

        Raises
        ------
        ValueError, RuntimeError
            As `forward` does.
        """
        return self(input, state, whole=False)[1]

    def _run_layers(self, sequence, state, batch, whole):
        """Output and state of sequences (steps, batch, input_size).

        The batch shape () means that ``state`` has no batch axis. Unless ``whole``, the output has no steps.
        """
        if not len(sequence):
            raise ValueError("input has no steps; a sequence needs at least one")
        first, number = self._first, sequence.shape[1]
        if state is None:
            state = self._initial_state(batch)
        check_state(state, first.fields, (self.num_layers, *batch, self.hidden_size), sequence)
        state = first.State(*(s.view(self.num_layers, number, self.hidden_size) for s in state))
        starts = [first.State(*s) for s in zip(*state, strict=True)]
        output, finals = sequence, []
        run = Run(self.kernel, self.precision if self.training else None, self.checkpoint_every)
        for k, cell in enumerate(self.cells):
            before = getattr(starts[k - 1], first.output).unsqueeze(0) if k else None
            below = sequence if before is None else torch.cat((before, output[:-1]))  # before each step
            if k and self.dropout:
                below = nn.functional.dropout(below, self.dropout, self.training)
            wanted = whole or cell is not self.cells[-1]
            output, final = cell(below, starts[k], run=run._replace(whole=wanted))
            finals.append(final)
        return output, first.State(*map(torch.stack, zip(*finals, strict=True)))

    def _run_packed(self, packed, state, whole):
        """Sequences sorted by length: those that are over leave the batch, and their states are put aside."""
        check_input(packed.data, self, (2,))
        first, batch = self._first, int(packed.batch_sizes[0])
        if state is None:
            state = self._initial_state((batch,))
        check_state(state, first.fields, (self.num_layers, batch, self.hidden_size), packed.data)
        if packed.sorted_indices is not None:
            state = first.State(*(s.index_select(1, packed.sorted_indices) for s in state))
        outputs, finals, start = [], [], 0
        lengths = packed.batch_sizes.unique_consecutive(return_counts=True)
        for size, steps in zip(*map(torch.Tensor.tolist, lengths), strict=True):
            finals.append(first.State(*(s[:, size:] for s in state)))
            part = packed.data[start : start + steps * size].view(steps, size, self.input_size)
            left = first.State(*(s[:, :size].contiguous() for s in state))
            output, state = self._run_layers(part, left, (size,), whole)
            outputs.append(output.flatten(0, 1))
            start += steps * size
        finals.append(state)
        state = first.State(*(torch.cat(s[::-1], 1) for s in zip(*finals, strict=True)))
        if packed.unsorted_indices is not None:
            state = first.State(*(s.index_select(1, packed.unsorted_indices) for s in state))
        return packed._replace(data=torch.cat(outputs)), state

    def _initial_state(self, batch):
        starts = zip(*(cell.initial_state(batch) for cell in self.cells), strict=True)  # pyright: ignore
        return self._first.State(*map(torch.stack, starts))

    def to_circuit(self, dt: Any = None) -> Circuit | JoinedCircuit:
        """The circuit of the layer, of which one Euler step of ``dt`` is one step of the layer, in float64.

        Parameters
        ----------
        dt : float or Brian2 quantity, optional
            How much time one step stands for, in seconds. Default: that of the layer. Time constants become
            dt / step size.

        Returns
        -------
        Circuit or JoinedCircuit
            With the initial state of the layer. Several layers are joined, as "l0", "l1", ..., of which "l0" receives
            the input.
        """
        circuits = [cell.to_circuit(dt) for cell in self.cells]  # pyright: ignore[reportCallIssue]
        if self.num_layers == 1:
            return circuits[0]
        parts = {f"l{k}": circuit for k, circuit in enumerate(circuits)}
        return join(parts, [self._coupling(k) for k in range(1, self.num_layers)])

    def _coupling(self, k):
        """What layer k reads of the layer below."""
        cell: Any = self.cells[k]
        weights = None if cell.input in cell.model.external else np.eye(self.hidden_size)
        return Coupling(f"l{k}.{cell.input}", weights, f"l{k - 1}: {cell.output}")

    def extra_repr(self) -> str:
        default = {"num_layers": 1, "batch_first": False, "dropout": 0.0, "precision": None}
        chosen = [f"{name}={getattr(self, name)!r}" for name, value in default.items() if getattr(self, name) != value]
        return ", ".join([self._first.extra_repr(), *chosen])


def _check_dropout(dropout, num_layers):
    dropout = probability("dropout", dropout)
    if dropout and num_layers == 1:
        warnings.warn(f"dropout={dropout} acts between layers, and there is one layer", stacklevel=4)
    return dropout


#: What `torch.nn.LSTM` takes and these layers do not, and what to do instead.
_NOT_OFFERED = {
    "bidirectional": "run a second layer on the reversed sequence, and join the outputs",
    "bias": "the equations have none",
    "proj_size": "put a torch.nn.Linear behind the layer",
    "nonlinearity": "give model= a declaration with the one you want",
}


def _check_options(layer: str, cell: type[CircuitCell], options: Mapping[str, Any]) -> None:
    """Raise `TypeError` for an argument that neither the layer nor its cells take."""
    known = signature(cell).parameters
    for name in options:
        if name in _NOT_OFFERED:
            raise TypeError(f"{layer} has no argument {name!r}: {_NOT_OFFERED[name]}")
        if name not in known:
            raise TypeError(f"{layer}: {unknown_name('argument', name, known)}")
