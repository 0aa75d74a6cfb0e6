"""One step of the gated circuit and its variants, with the calling convention of `torch.nn.LSTMCell`.

What can vary is declared, not computed differently: a cell runs the model that `organics_neuro.core.models.gated`
makes for its options, with weights and step sizes that constraints keep in their range.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal
from torch.nn.utils.parametrize import register_parametrization
from torch.utils.checkpoint import checkpoint

from organics_neuro.core.boundary import known_name, number, positive_int, step_size
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.models.gated import GAINS, GATED, RECTIFICATIONS, gated
from organics_neuro.core.operators import AllToAll
from organics_neuro.nn import functional, kernels
from organics_neuro.nn.arguments import check_dtype, check_tensor, in_own_precision
from organics_neuro.nn.constraints import Bounded, Positive, SigmoidDiagonal, UnitNorm
from organics_neuro.nn.kernels.gated import unroll as fused_unroll

#: Largest Euler step sizes dt/tau of y, of a and of both gains.
MAX_STEP_Y, MAX_STEP_A, MAX_STEP_B = 0.5, 0.2, 0.5


class State(NamedTuple):
    """The state of a circuit: principal potential ``y``, normalizer potential ``a``, gains ``b0`` and ``b``."""

    y: torch.Tensor
    a: torch.Tensor
    b0: torch.Tensor
    b: torch.Tensor


#: The circuits that the compiled kernel knows, and whether it rectifies.
_FUSED = {"recurrence": True, "none": False}
#: How the recurrent weights are constrained; the first one is the default.
RECURRENCES = ("free", "identity", "orthogonal", "spectral", "diagonal")


@lru_cache(maxsize=64)
def declaration(model, input_size, hidden_size):
    """The circuit whose step a layer takes, all weights 0: the layer puts its own in their place."""
    columns = {c.weights: input_size if model.external_source(c) else hidden_size for c in model.couplings}
    return Circuit(model, {name: AllToAll((hidden_size, n), 0.0) for name, n in columns.items()}, size=hidden_size)


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
    recurrence : {"free", "identity", "orthogonal", "spectral", "diagonal"}
        What W_r is: any matrix; the identity, which is not learned; an orthogonal matrix; a matrix whose largest
        singular value is 1; a diagonal matrix with entries between 0 and 1.
    rectification : {"recurrence", "activity", "released", "drive", "none"}
        What is rectified. "recurrence": all as above. "activity": W_r relu(y) in place of relu(W_r y). "released": as
        "activity", with the drive W_zx x, as in the code released with the paper. "drive": the drive alone, with W_r y
        and a pool of y^2. "none": nothing, as "drive" with the drive W_zx x. The compiled kernel has "recurrence" and
        "none".
    b, b0 : float, optional
        A constant gain, larger than 0, in the place of the one that follows the input and the activity; b0 = 1 and
        b = 1 leave the plain circuit. A state given to the cell overrides it.
    learned_steps : bool
        Whether step sizes are learned. If not, they stay at sigmoid(1) = 0.73 of the largest.
    max_step_y, max_step_a, max_step_b : float
        Upper bounds of the step sizes of y, of a, and of b0 and b; above 0 and at most 1.
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

    Weights and step size of a gain that is constant do not exist.

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
        recurrence="free",
        rectification="recurrence",
        b=None,
        b0=None,
        learned_steps=True,
        max_step_y=MAX_STEP_Y,
        max_step_a=MAX_STEP_A,
        max_step_b=MAX_STEP_B,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.input_size = positive_int("input_size", input_size)
        self.hidden_size = positive_int("hidden_size", hidden_size)
        self.recurrence = known_name("recurrence", recurrence, RECURRENCES)
        self.rectification = known_name("rectification", rectification, RECTIFICATIONS)
        self.constant = {gain: _check_gain(gain, v) for gain, v in zip(GAINS, (b0, b), strict=True) if v is not None}
        factory = {"device": device, "dtype": dtype}
        for name, weights in declaration(self.model, input_size, hidden_size).weights.items():
            if name != "W_r":
                setattr(self, name, nn.Parameter(torch.ones(weights.shape, **factory)))
        register_parametrization(self, "W", Positive())
        self._make_recurrence(factory)
        for name, maximum in zip(State._fields, (max_step_y, max_step_a, max_step_b, max_step_b), strict=True):
            maximum = step_size(f"max_step_{name[0]}", maximum)
            self.register_buffer(f"initial_{name}", torch.zeros(hidden_size, **factory))
            if name not in self.constant:
                setattr(self, f"step_{name}", nn.Parameter(torch.full((hidden_size,), maximum / 2, **factory)))
                register_parametrization(self, f"step_{name}", Bounded(maximum))
                self.parametrizations[f"step_{name}"].original.requires_grad_(learned_steps)
        self.learned_steps = bool(learned_steps)
        self.reset_parameters()

    @property
    def model(self):
        """The declaration of the step that the cell takes, a `CircuitModel`."""
        return gated(self.rectification, tuple(self.constant))

    def _make_recurrence(self, factory):
        """W_r, with its constraint."""
        identity = torch.eye(self.hidden_size, **factory)
        if self.recurrence == "identity":
            self.register_buffer("W_r", identity)
            return
        self.W_r = nn.Parameter(identity / 2 if self.recurrence == "diagonal" else identity)
        if self.recurrence == "orthogonal":
            orthogonal(self, "W_r")
        elif self.recurrence != "free":
            register_parametrization(
                self, "W_r", {"spectral": UnitNorm, "diagonal": SigmoidDiagonal}[self.recurrence]()
            )

    @torch.no_grad()
    def reset_parameters(self):
        """Draw all parameters and the initial state anew, as in the authors' code.

        Input and gain weights are uniform in +-1/sqrt(columns), ``W_zx`` then divided by its largest singular value;
        ``W_r`` is orthogonal, or a diagonal of sigmoids of normal numbers; ``W`` is exp(u), u uniform in (-1, 0),
        with ones on the diagonal; the values behind the step sizes are normal. y starts at a random non-negative
        vector of length 1, a and b uniform in (0, 1), b0 at 1.
        """
        for name in self.model.weights:
            if name not in ("W", "W_r"):
                bound = getattr(self, name).shape[1] ** -0.5
                nn.init.uniform_(getattr(self, name), -bound, bound)
        self.W_zx /= torch.linalg.matrix_norm(self.W_zx, 2)
        self._reset_recurrence()
        logarithm = self.parametrizations.W.original
        logarithm.uniform_(-1, 0).fill_diagonal_(0)
        for name in self.model.states:
            behind = self.parametrizations[f"step_{name}"].original
            behind.normal_() if self.learned_steps else behind.fill_(1)
        self.initial_y.uniform_(0, 1).div_(torch.linalg.vector_norm(self.initial_y))
        self.initial_a.uniform_(0, 1)
        self.initial_b0.fill_(1)
        self.initial_b.uniform_(0, 1)
        for gain, value in self.constant.items():
            getattr(self, f"initial_{gain}").fill_(value)

    def _reset_recurrence(self):
        if self.recurrence == "free":
            nn.init.orthogonal_(self.W_r)
        elif self.recurrence == "diagonal":
            self.parametrizations.W_r.original.normal_()
        elif self.recurrence != "identity":
            self.W_r = nn.init.orthogonal_(torch.empty_like(self.W_r))

    @in_own_precision
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
        check_input(input, self, (1, 2))
        batched = input.dim() == 2
        if state is None:
            state = self.initial_state(input.shape[:-1])
        check_state(state, (*input.shape[:-1], self.hidden_size), input)
        if batched:
            return self._step(input, state)
        alone = State(*(s.unsqueeze(0) for s in state))
        return State(*(s.squeeze(0) for s in self._step(input.unsqueeze(0), alone)))

    def _step(self, input, state):
        """One step of a batch; the tensors are its own, so that they may be changed in place."""
        return State(*(s.clone() for s in self.unroll(input.unsqueeze(0), state)[1]))

    def initial_state(self, batch_shape=()):
        """The state at the start of a sequence, each (*batch_shape, hidden_size)."""
        initial = (getattr(self, f"initial_{name}") for name in State._fields)
        return State(*(value.expand(*batch_shape, self.hidden_size).clone() for value in initial))

    def unroll(self, input, state, kernel="auto", precision=None, checkpoint_every=None, whole=True):
        """``(y after every step, state)`` for a sequence (steps, batch, input_size) and a state, nothing checked.

        The options are those of `ORGaNICs`. Unless ``whole``, y is left out: a tensor of no steps takes its place.
        """
        if self._fuses(kernel, input):
            weights, steps = self._completed()
            output, state = fused_unroll(
                input,
                state,
                weights,
                steps,
                rectified=_FUSED[self.rectification],
                constant=self.constant,
                precision=precision,
                checkpoint_every=checkpoint_every,
                whole=whole,
            )
            return output, State(*state)
        weights = {name: getattr(self, name) for name in self.model.weights}
        # the unit of time is one step, so that tau = 1/h
        parameters = {f"tau_{name}": 1 / getattr(self, f"step_{name}") for name in self.model.states}

        def run(input, *state):
            state = dict(zip(State._fields, state, strict=True))
            constant = {gain: state.pop(gain) for gain in self.constant}
            trace, states = functional.unroll(
                declaration(self.model, self.input_size, self.hidden_size),
                input,
                steps=len(input),
                dt=1.0,
                states=state,
                weights=weights,
                parameters={**parameters, **constant},
                record=("y",) if whole else (),
            )
            output = trace["y"] if whole else state["y"].new_empty(0, *state["y"].shape)
            return output, *({**states, **constant}[name] for name in State._fields)

        if checkpoint_every is None or _transformed():  # transforms of torch.func cannot compute again
            output, *state = run(input, *state)
            return output, State(*state)
        outputs = []
        for part in input.split(checkpoint_every):
            output, *state = checkpoint(run, part, *state, use_reentrant=False)
            outputs.append(output)
        return torch.cat(outputs), State(*state)

    def _completed(self):
        """Weights and step sizes of the model with both gains: those of a constant one are 0."""
        shapes = {name: w.shape for name, w in declaration(GATED, self.input_size, self.hidden_size).weights.items()}
        zeros = self.initial_y.new_zeros
        weights = {n: getattr(self, n) if n in self.model.weights else zeros(shape) for n, shape in shapes.items()}
        for name, shape in shapes.items():
            if weights[name].shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {tuple(weights[name].shape)}")
        steps = (getattr(self, f"step_{n}", None) for n in State._fields)
        return weights, State(*(zeros(self.hidden_size) if h is None else h for h in steps))

    def _fuses(self, kernel, input):
        """Whether the compiled kernel takes these steps."""
        if kernel == "torch":
            return False
        fits = input.device.type == "cpu" and input.dtype in (torch.float32, torch.float64)
        known = self.rectification in _FUSED
        if kernel == "fused" and not fits:
            raise ValueError(
                f"kernel='fused' takes float32 or float64 on the CPU, got {input.dtype} on {input.device}; use kernel='auto'"
            )
        if kernel == "fused" and not known:
            raise ValueError(f"kernel='fused' has no rectification={self.rectification!r}; use kernel='auto'")
        if kernel == "fused" and _transformed():
            raise ValueError("kernel='fused' does not run in transforms of torch.func; use kernel='auto'")
        return fits and known and not _transformed() and (kernel == "fused" or kernels.available())

    def extra_repr(self):
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *self._choices()])

    def _choices(self):
        """The options that are not the default, as text."""
        if self.recurrence != RECURRENCES[0]:
            yield f"recurrence={self.recurrence!r}"
        if self.rectification != RECTIFICATIONS[0]:
            yield f"rectification={self.rectification!r}"
        yield from (f"{gain}={value:g}" for gain, value in self.constant.items())
        if not self.learned_steps:
            yield "learned_steps=False"


def _transformed():
    """Whether a transform of torch.func is at work."""
    return torch._C._are_functorch_transforms_active()  # as torch asks itself; it has no public name


def check_input(input, module, axes):
    check_tensor(input)
    if input.dim() not in axes or input.shape[-1] != module.input_size:
        raise ValueError(
            f"input has shape {tuple(input.shape)}, but must have {' or '.join(map(str, axes))} axes, the last one of input_size={module.input_size}"
        )
    check_dtype(input, module)


def check_state(state, shape, input):
    fields = State._fields
    if not isinstance(state, (tuple, list)) or len(state) != len(fields):
        got = f"{len(state)} parts" if isinstance(state, (tuple, list)) else type(state).__name__
        raise ValueError(f"state must be a State of {', '.join(fields)}, got {got}")
    for name, value in zip(fields, state, strict=True):
        check_tensor(value, f"state {name!r}")
        if value.shape != shape or value.dtype != input.dtype:
            raise ValueError(
                f"state {name!r} is {value.dtype} of shape {tuple(value.shape)}, but must be {input.dtype} of shape {tuple(shape)}"
            )


def _check_gain(name, value):
    return number(name, value, "a number larger than 0, or None for a gain that is learned", lambda gain: gain > 0)
