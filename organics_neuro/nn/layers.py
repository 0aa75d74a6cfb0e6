"""Trainable recurrent networks with the calling convention of `torch.nn.LSTM`.

A layer is a circuit of the model "gated" or a variant of it (`organics_neuro.core.models.gated`), and one step of the
sequence is one forward Euler step. In a stack, layer k + 1 reads the potential y of layer k before the step, so that
all layers advance together: the stack is the joined circuit, exactly (see `organics_neuro.transfer.to_circuit`).
"""

import warnings

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from organics_neuro.core.boundary import known_name, positive_int, probability
from organics_neuro.nn.arguments import in_own_precision
from organics_neuro.nn.cells import ORGaNICsCell, State, check_input, check_state

__all__ = ["ORGaNICs", "ORGaNICsCell", "State"]


class ORGaNICs(nn.Module):
    """A recurrent divisive normalization network; called like `torch.nn.LSTM`.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        Layer k + 1 reads the potential y of layer k before the step.
    batch_first : bool
        Whether input and output are (batch, steps, features) and not (steps, batch, features). The state has the
        same layout in both cases.
    dropout : float
        Probability that, in training, a value that one layer sends to the next is 0, as in `torch.nn.LSTM`.
    kernel : {"auto", "fused", "torch"}
        What computes the steps: "fused" is a compiled operation with a backward pass of its own, for float32 and
        float64 on the CPU; "torch" is a loop of torch's own operations. They differ by rounding (of float32 on a
        tile unit, see docs/training.md, by that of the most active units). "auto" takes the fused one where it runs,
        and says once if it cannot be compiled (see `organics_neuro.nn.kernels.available`).
        The fused one has no second derivatives.
    precision : {None, "bf16"}
        "bf16" lets the fused kernel round to bfloat16 what the products between units multiply, in training (not after
        ``eval()``), if the layer is float32 and the processor's library has such products: faster, but not exact;
        gradients are off by less than a percent, or by more where rounding moves a rectified unit across 0.
    checkpoint_every : int, optional
        Keep for the backward pass only the state at every so many steps, and compute the steps between again: less
        memory, more time. Default: keep what the backward pass needs of all steps.
    recurrence, rectification, b, b0, learned_steps, max_step_y, max_step_a, max_step_b, device, dtype
        What each layer is; see `ORGaNICsCell`.

    Attributes
    ----------
    cells : ModuleList of ORGaNICsCell
        The layers, with their weights and step sizes.

    Examples
    --------
    >>> rnn = ORGaNICs(3, 5, num_layers=2, batch_first=True)
    >>> output, state = rnn(torch.zeros(4, 7, 3))
    >>> output.shape, state.y.shape
    (torch.Size([4, 7, 5]), torch.Size([2, 4, 5]))
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        batch_first=False,
        dropout=0.0,
        *,
        kernel="auto",
        precision=None,
        checkpoint_every=None,
        **cell,
    ):
        super().__init__()
        self.input_size = positive_int("input_size", input_size)
        self.hidden_size = positive_int("hidden_size", hidden_size)
        self.num_layers = positive_int("num_layers", num_layers)
        self.batch_first = bool(batch_first)
        self.dropout = _check_dropout(dropout, num_layers)
        self.kernel = known_name("kernel", kernel, ("auto", "fused", "torch"))
        self.precision = known_name("precision", precision, (None, "bf16"))
        self.checkpoint_every = None if checkpoint_every is None else positive_int("checkpoint_every", checkpoint_every)
        sizes = (input_size, *[hidden_size] * (num_layers - 1))
        self.cells = nn.ModuleList(ORGaNICsCell(size, hidden_size, **cell) for size in sizes)

    def reset_parameters(self):
        """Draw all parameters and initial states anew (see `ORGaNICsCell.reset_parameters`)."""
        for cell in self.cells:
            cell.reset_parameters()

    @in_own_precision
    def forward(self, input, state=None):
        """Run a sequence.

        Parameters
        ----------
        input : Tensor or PackedSequence
            Shape (steps, batch, input_size), (batch, steps, input_size) if ``batch_first``, or (steps, input_size);
            or sequences of different lengths (`torch.nn.utils.rnn.pack_padded_sequence`).
        state : State, optional
            Each (num_layers, batch, hidden_size), or (num_layers, hidden_size) for one sequence. Default: the
            initial state. Passing the returned state continues the sequence.

        Returns
        -------
        output : Tensor or PackedSequence
            y of the last layer after every step, in the layout of the input.
        state : State
            After the last step of each sequence.

        Raises
        ------
        ValueError
            For a wrong shape or dtype.
        RuntimeError
            With kernel="fused", if it cannot be compiled.
        """
        return self._run(input, state)

    @in_own_precision
    def final_state(self, input, state=None):
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
        return self._run(input, state, whole=False)[1]

    def _run(self, input, state, whole=True):
        if isinstance(input, PackedSequence):
            return self._run_packed(input, state, whole)
        check_input(input, self, (2, 3))
        if input.dim() == 3:
            sequence = input.transpose(0, 1) if self.batch_first else input
            output, state = self._run_layers(sequence, state, sequence.shape[1:2], whole)
            return output.transpose(0, 1) if self.batch_first else output, state
        output, state = self._run_layers(input.unsqueeze(1), state, (), whole)
        return output.squeeze(1), State(*(s.squeeze(1) for s in state))

    def _run_layers(self, sequence, state, batch, whole):
        """Output and state of sequences (steps, batch, input_size).

        The batch shape () means that ``state`` has no batch axis. Unless ``whole``, the output has no steps.
        """
        if not len(sequence):
            raise ValueError("input has no steps; a sequence needs at least one")
        if state is None:
            state = self._initial_state(batch)
        check_state(state, (self.num_layers, *batch, self.hidden_size), sequence)
        state = State(*(s.view(self.num_layers, sequence.shape[1], self.hidden_size) for s in state))
        starts = [State(*s) for s in zip(*state, strict=True)]
        output, finals = sequence, []
        options = self.kernel, self.precision if self.training else None, self.checkpoint_every
        for k, cell in enumerate(self.cells):
            below = torch.cat((starts[k - 1].y.unsqueeze(0), output[:-1])) if k else sequence  # before each step
            if k and self.dropout:
                below = nn.functional.dropout(below, self.dropout, self.training)
            wanted = whole or cell is not self.cells[-1]
            output, final = cell.unroll(below, starts[k], *options, wanted)
            finals.append(final)
        return output, State(*map(torch.stack, zip(*finals, strict=True)))

    def _run_packed(self, packed, state, whole):
        """Sequences sorted by length: those that are over leave the batch, and their states are put aside."""
        check_input(packed.data, self, (2,))
        batch = int(packed.batch_sizes[0])
        if state is None:
            state = self._initial_state((batch,))
        check_state(state, (self.num_layers, batch, self.hidden_size), packed.data)
        if packed.sorted_indices is not None:
            state = State(*(s.index_select(1, packed.sorted_indices) for s in state))
        outputs, finals, start = [], [], 0
        lengths = packed.batch_sizes.unique_consecutive(return_counts=True)
        for size, steps in zip(*map(torch.Tensor.tolist, lengths), strict=True):
            finals.append(State(*(s[:, size:] for s in state)))
            part = packed.data[start : start + steps * size].view(steps, size, self.input_size)
            left = State(*(s[:, :size].contiguous() for s in state))
            output, state = self._run_layers(part, left, (size,), whole)
            outputs.append(output.flatten(0, 1))
            start += steps * size
        finals.append(state)
        state = State(*(torch.cat(s[::-1], 1) for s in zip(*finals, strict=True)))
        if packed.unsorted_indices is not None:
            state = State(*(s.index_select(1, packed.unsorted_indices) for s in state))
        return packed._replace(data=torch.cat(outputs)), state

    def _initial_state(self, batch):
        return State(*map(torch.stack, zip(*(cell.initial_state(batch) for cell in self.cells), strict=True)))

    def extra_repr(self):
        default = {"num_layers": 1, "batch_first": False, "dropout": 0.0, "precision": None}
        chosen = [f"{name}={getattr(self, name)!r}" for name, value in default.items() if getattr(self, name) != value]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *chosen])


def _check_dropout(dropout, num_layers):
    dropout = probability("dropout", dropout)
    if dropout and num_layers == 1:
        warnings.warn(f"dropout={dropout} acts between layers, and there is one layer", stacklevel=3)
    return dropout
