"""Trainable recurrent layers with the calling convention of `torch.nn.LSTM` and `torch.nn.LSTMCell`.

A layer is a circuit of the model "gated" (`organics_neuro.core.models.gated`) and one step of the sequence is one
forward Euler step. In a stack, layer k + 1 reads the potential y of layer k before the step, so that all layers
advance together: the stack is the joined circuit, exactly (see `organics_neuro.transfer.to_circuit`).
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.parametrize import register_parametrization
from torch.utils.checkpoint import checkpoint

from organics_neuro.core.circuit import Circuit
from organics_neuro.core.models import GATED
from organics_neuro.core.operators import Uniform
from organics_neuro.nn import functional, kernels
from organics_neuro.nn.constraints import Bounded, Positive
from organics_neuro.nn.kernels import gated

#: Largest Euler step sizes dt/tau of y, of a and of both gains.
MAX_STEP_Y, MAX_STEP_A, MAX_STEP_B = 0.5, 0.2, 0.5


class State(NamedTuple):
    """The state of a circuit: principal potential ``y``, normalizer potential ``a``, gains ``b0`` and ``b``."""

    y: torch.Tensor
    a: torch.Tensor
    b0: torch.Tensor
    b: torch.Tensor


@lru_cache(maxsize=64)
def declaration(input_size, hidden_size):
    """The circuit whose step a layer takes, all weights 0: the layer puts its own in their place."""
    columns = {c.weights: input_size if GATED.external_source(c) else hidden_size for c in GATED.couplings}
    return Circuit(GATED, {name: Uniform((hidden_size, n), 0.0) for name, n in columns.items()}, size=hidden_size)


class ORGaNICsCell(nn.Module):
    """One step of a recurrent divisive normalization circuit; called like `torch.nn.LSTMCell`.

    With step sizes h = dt/tau, sigma = 1 and every right-hand side at the old state::

        y  <- y + h_y (-y + b relu(W_zx x) + (1 - sqrt(relu(a))) relu(W_r y))
        a  <- a + h_a (-a + (sigma b0)^2 + W (relu(a) relu(y)^2))
        b0 <- b0 + h_b0 (-b0 + sigmoid(W_b0x x + W_b0y y + W_b0a a))
        b  <- b + h_b (-b + sigmoid(W_bx x + W_by y + W_ba a))

    Parameters
    ----------
    input_size, hidden_size : int
    max_step_y, max_step_a, max_step_b : float
        Upper bounds of the learned step sizes of y, of a, and of b0 and b; above 0 and at most 1.
    device, dtype
        Of the parameters, as in every torch module.

    Attributes
    ----------
    W_zx, W_bx, W_b0x : Tensor, shape (hidden_size, input_size)
        Weights of the input, to the drive and to the gains.
    W_r, W_by, W_b0y, W_ba, W_b0a : Tensor, shape (hidden_size, hidden_size)
        Recurrence, and weights of y and of a to the gains.
    W : Tensor, shape (hidden_size, hidden_size)
        Normalization pool; positive, because its logarithm is what is learned.
    step_y, step_a, step_b0, step_b : Tensor, shape (hidden_size,)
        Step sizes dt/tau, between 0 and their largest value, learned through the inverse of a sigmoid.
    initial_y, initial_a, initial_b0, initial_b : Tensor, shape (hidden_size,)
        Where a sequence starts when no state is given; drawn once and not learned.

    References
    ----------
    S. Rawat, D. J. Heeger, S. Martiniani, Unconditional stability of a recurrent neural circuit implementing divisive
    normalization, NeurIPS 2024, arXiv:2409.18946, and the authors' public code.

    Examples
    --------
    >>> cell = ORGaNICsCell(3, 5)
    >>> state = cell(torch.zeros(2, 3))
    >>> state = cell(torch.zeros(2, 3), state)
    >>> state.y.shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        *,
        max_step_y=MAX_STEP_Y,
        max_step_a=MAX_STEP_A,
        max_step_b=MAX_STEP_B,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.input_size = _positive_int("input_size", input_size)
        self.hidden_size = _positive_int("hidden_size", hidden_size)
        factory = {"device": device, "dtype": dtype}
        for name, weights in declaration(input_size, hidden_size).weights.items():
            setattr(self, name, nn.Parameter(torch.ones(weights.shape, **factory)))
        register_parametrization(self, "W", Positive())
        for name, maximum in zip(State._fields, (max_step_y, max_step_a, max_step_b, max_step_b), strict=True):
            if not 0 < maximum <= 1:
                raise ValueError(f"max_step_{name[0]} must be above 0 and at most 1, got {maximum!r}")
            setattr(self, f"step_{name}", nn.Parameter(torch.full((hidden_size,), maximum / 2, **factory)))
            register_parametrization(self, f"step_{name}", Bounded(maximum))
            self.register_buffer(f"initial_{name}", torch.zeros(hidden_size, **factory))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Draw all parameters and the initial state anew, as in the authors' code.

        Input and gain weights are uniform in +-1/sqrt(columns), ``W_zx`` then divided by its largest singular value;
        ``W_r`` is orthogonal; ``W`` is exp(u), u uniform in (-1, 0), with ones on the diagonal; the values behind
        the step sizes are normal. y starts at a random non-negative vector of length 1, a and b uniform in (0, 1),
        b0 at 1.
        """
        for name in GATED.weights:
            if name not in ("W", "W_r"):
                bound = getattr(self, name).shape[1] ** -0.5
                nn.init.uniform_(getattr(self, name), -bound, bound)
        self.W_zx /= torch.linalg.matrix_norm(self.W_zx, 2)
        nn.init.orthogonal_(self.W_r)
        logarithm = self.parametrizations.W.original
        logarithm.uniform_(-1, 0).fill_diagonal_(0)
        for name in State._fields:
            self.parametrizations[f"step_{name}"].original.normal_()
        self.initial_y.uniform_(0, 1).div_(torch.linalg.vector_norm(self.initial_y))
        self.initial_a.uniform_(0, 1)
        self.initial_b0.fill_(1)
        self.initial_b.uniform_(0, 1)

    def forward(self, input, state=None):
        """One step.

        Parameters
        ----------
        input : Tensor, shape (batch, input_size) or (input_size,)
        state : State, optional
            Each (batch, hidden_size), or (hidden_size,) for one sample. Default: the initial state.

        Returns
        -------
        State
        """
        _check_input(input, self, (1, 2))
        batched = input.dim() == 2
        if state is None:
            state = self.initial_state(input.shape[:-1])
        _check_state(state, (*input.shape[:-1], self.hidden_size), input)
        if batched:
            return self.unroll(input.unsqueeze(0), state)[1]
        alone = State(*(s.unsqueeze(0) for s in state))
        return State(*(s.squeeze(0) for s in self.unroll(input.view(1, 1, -1), alone)[1]))

    def initial_state(self, batch_shape=()):
        """The state at the start of a sequence, each (*batch_shape, hidden_size)."""
        return State(*(getattr(self, f"initial_{n}").expand(*batch_shape, self.hidden_size) for n in State._fields))

    def unroll(self, input, state, kernel="auto", precision=None, checkpoint_every=None):
        """``(y after every step, state)`` for a sequence (steps, batch, input_size) and a state, nothing checked.

        The options are those of `ORGaNICs`.
        """
        weights = {name: getattr(self, name) for name in GATED.weights}
        steps = State(*(getattr(self, f"step_{name}") for name in State._fields))
        if _fuses(kernel, input):
            output, state = gated.unroll(
                input, state, weights, steps, rectified=True, precision=precision, checkpoint_every=checkpoint_every
            )
            return output, State(*state)

        def run(input, *state):
            trace, states = functional.unroll(
                declaration(self.input_size, self.hidden_size),
                input,
                steps=len(input),
                dt=1.0,  # the unit of time is one step, so that tau = 1/h
                states=dict(zip(State._fields, state, strict=True)),
                weights=weights,
                parameters={f"tau_{name}": 1 / step for name, step in steps._asdict().items()},
                record=("y",),
            )
            return trace["y"], *(states[name] for name in State._fields)

        if checkpoint_every is None:
            output, *state = run(input, *state)
            return output, State(*state)
        outputs = []
        for part in input.split(checkpoint_every):
            output, *state = checkpoint(run, part, *state, use_reentrant=False)
            outputs.append(output)
        return torch.cat(outputs), State(*state)

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}"


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
    kernel : {"auto", "fused", "torch"}
        What computes the steps: "fused" is a compiled operation with a backward pass of its own, for float32 and
        float64 on the CPU; "torch" is a loop of torch's own operations. They differ by rounding. "auto" takes the
        fused one where it runs, and says once if it cannot be compiled (see `organics_neuro.nn.kernels.available`).
        The fused one has no second derivatives.
    precision : {None, "bf16"}
        "bf16" lets the fused kernel round to bfloat16 what the products between units multiply, if the layer is
        float32 and the processor's library has such products: faster, but not exact; gradients are off by some 1e-3.
    checkpoint_every : int, optional
        Keep for the backward pass only the state at every so many steps, and compute the steps between again: less
        memory, more time. Default: keep what the backward pass needs of all steps.
    max_step_y, max_step_a, max_step_b, device, dtype
        See `ORGaNICsCell`.

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
        *,
        kernel="auto",
        precision=None,
        checkpoint_every=None,
        **cell,
    ):
        super().__init__()
        self.input_size = _positive_int("input_size", input_size)
        self.hidden_size = _positive_int("hidden_size", hidden_size)
        self.num_layers = _positive_int("num_layers", num_layers)
        self.batch_first = bool(batch_first)
        self.kernel = _one_of("kernel", kernel, ("auto", "fused", "torch"))
        self.precision = _one_of("precision", precision, (None, "bf16"))
        self.checkpoint_every = (
            None if checkpoint_every is None else _positive_int("checkpoint_every", checkpoint_every)
        )
        sizes = (input_size, *[hidden_size] * (num_layers - 1))
        self.cells = nn.ModuleList(ORGaNICsCell(size, hidden_size, **cell) for size in sizes)

    def reset_parameters(self):
        """Draw all parameters and initial states anew (see `ORGaNICsCell.reset_parameters`)."""
        for cell in self.cells:
            cell.reset_parameters()

    def forward(self, input, state=None):
        """Run a sequence.

        Parameters
        ----------
        input : Tensor
            Shape (steps, batch, input_size), (batch, steps, input_size) if ``batch_first``, or (steps, input_size).
        state : State, optional
            Each (num_layers, batch, hidden_size), or (num_layers, hidden_size) for one sequence. Default: the
            initial state. Passing the returned state continues the sequence.

        Returns
        -------
        output : Tensor
            y of the last layer after every step, in the layout of the input.
        state : State
            After the last step.

        Raises
        ------
        ValueError
            For a wrong shape or dtype.
        """
        _check_input(input, self, (2, 3))
        if input.dim() == 3:
            sequence = input.transpose(0, 1) if self.batch_first else input
            output, state = self._run(sequence, state, sequence.shape[1:2])
            return output.transpose(0, 1) if self.batch_first else output, state
        output, state = self._run(input.unsqueeze(1), state, ())
        return output.squeeze(1), State(*(s.squeeze(1) for s in state))

    def _run(self, sequence, state, batch):
        """Output and state of sequences (steps, batch, input_size); the batch shape () means that ``state`` has no batch axis."""
        if not len(sequence):
            raise ValueError("input has no steps; a sequence needs at least one")
        if state is None:
            state = State(*map(torch.stack, zip(*(cell.initial_state(batch) for cell in self.cells), strict=True)))
        _check_state(state, (self.num_layers, *batch, self.hidden_size), sequence)
        state = State(*(s.view(self.num_layers, sequence.shape[1], self.hidden_size) for s in state))
        starts = [State(*s) for s in zip(*state, strict=True)]
        output, finals = sequence, []
        for k, cell in enumerate(self.cells):
            below = torch.cat((starts[k - 1].y.unsqueeze(0), output[:-1])) if k else sequence  # before each step
            output, final = cell.unroll(below, starts[k], self.kernel, self.precision, self.checkpoint_every)
            finals.append(final)
        return output, State(*map(torch.stack, zip(*finals, strict=True)))

    def extra_repr(self):
        layers = f", num_layers={self.num_layers}" if self.num_layers > 1 else ""
        return f"{self.input_size}, {self.hidden_size}{layers}" + ", batch_first=True" * self.batch_first


def _fuses(kernel, input):
    """Whether the compiled kernel takes these steps."""
    if kernel == "torch":
        return False
    fits = input.device.type == "cpu" and input.dtype in (torch.float32, torch.float64)
    if kernel == "fused" and not fits:
        raise ValueError(
            f"kernel='fused' takes float32 or float64 on the CPU, got {input.dtype} on {input.device}; use kernel='auto'"
        )
    return fits and (kernel == "fused" or kernels.available())


def _one_of(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def _positive_int(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a positive whole number, got {value!r}")
    return value


def _check_input(input, module, axes):
    if input.dim() not in axes or input.shape[-1] != module.input_size:
        raise ValueError(
            f"input has shape {tuple(input.shape)}, but must have {axes[0]} or {axes[1]} axes, the last one of input_size={module.input_size}"
        )
    dtype = next(module.parameters()).dtype
    if input.dtype != dtype:
        raise ValueError(f"input is {input.dtype}, but the parameters are {dtype}; convert one of them with .to(dtype)")


def _check_state(state, shape, input):
    for name, value in zip(State._fields, state, strict=True):
        if value.shape != shape or value.dtype != input.dtype:
            raise ValueError(
                f"state {name!r} is {value.dtype} of shape {tuple(value.shape)}, but must be {input.dtype} of shape {tuple(shape)}"
            )
