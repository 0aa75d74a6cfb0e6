"""ORGaNICs: the layer of the gated family, which has a compiled kernel and starts as in the authors' code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from organics_neuro.core.boundary import by_name, known_name, number, step_size
from organics_neuro.core.models import MODELS
from organics_neuro.core.models.gated import GAINS, VARIANTS, name_of
from organics_neuro.nn import kernels
from organics_neuro.nn.cells import CircuitCell
from organics_neuro.nn.constraints import Parametrization, start_at
from organics_neuro.nn.declarations import declaration
from organics_neuro.nn.effective import value_of
from organics_neuro.nn.kernels.gated import unroll as fused_unroll
from organics_neuro.nn.layers import CircuitLayer
from organics_neuro.nn.transforms import recorded, transformed

#: Largest Euler step sizes dt/tau of y, of a and of both gains.
MAX_STEP_Y, MAX_STEP_A, MAX_STEP_B = 0.5, 0.2, 0.5
#: The circuits that the compiled kernel knows, and whether it rectifies.
_FUSED = {"gated": True, "gated_unrectified": False}
#: How the recurrent weights are constrained (see `organics_neuro.nn.constraints`); the first one is the default.
RECURRENCES = {
    "free": None,
    "identity": "identity",
    "orthogonal": "orthogonal",
    "spectral": "unit_norm",
    "diagonal": "diagonal",
}


class State(NamedTuple):
    """The state of a circuit: principal potential ``y``, normalizer potential ``a``, gains ``b0`` and ``b``."""

    y: Tensor
    a: Tensor
    b0: Tensor
    b: Tensor


class ORGaNICsCell(CircuitCell):
    """One step of a recurrent divisive normalization circuit; called like `torch.nn.LSTMCell`.

    With step sizes h = dt/tau, sigma = 1 and every right-hand side at the old state::

        y  <- y + h_y (-y + b relu(W_zx x) + (1 - sqrt(relu(a))) relu(W_r y))
        a  <- a + h_a (-a + (sigma b0)^2 + W (relu(a) relu(y)^2))
        b0 <- b0 + h_b0 (-b0 + sigmoid(W_b0x x + W_b0y y + W_b0a a))
        b  <- b + h_b (-b + sigmoid(W_bx x + W_by y + W_ba a))

    Parameters
    ----------
    input_size, hidden_size : int
    model : {"gated", "gated_rectified", "gated_released", "gated_unrectified_recurrence", "gated_unrectified"}
        What is rectified. "gated": all as above. "gated_rectified": W_r relu(y) in place of relu(W_r y).
        "gated_released": as that, with the drive W_zx x, as in the code released with the paper.
        "gated_unrectified_recurrence": the drive alone, with W_r y and a pool of y^2. "gated_unrectified": nothing, as
        the one before with the drive W_zx x. The compiled kernel has "gated" and "gated_unrectified".
    recurrence : {"free", "identity", "orthogonal", "spectral", "diagonal"}
        What W_r is: any matrix; the identity, which is not learned; an orthogonal matrix; a matrix whose largest
        singular value is 1; a diagonal matrix with entries between 0 and 1.
    b, b0 : float, optional
        A constant gain, larger than 0, in the place of the one that follows the input and the activity; b0 = 1 and
        b = 1 leave the plain circuit. A state given to the cell overrides it.
    learned_steps : bool
        Whether step sizes are learned. If not, they stay at sigmoid(1) = 0.73 of the largest.
    max_step_y, max_step_a, max_step_b : float
        Upper bounds of the step sizes of y, of a, and of b0 and b; above 0 and at most 1.
    parametrizations : dict, optional
        Constraints of other weights; see `CircuitCell`.
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

    family, recurrence : str
        As given, ``family`` as ``model``.
    constant : dict of str to float
        The constant gains, which have no weights and no step size.

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

    State = State  # pyright: ignore[reportAssignmentType]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        model: str = "gated",
        recurrence: str = "free",
        b: float | None = None,
        b0: float | None = None,
        learned_steps: bool = True,
        max_step_y: float = MAX_STEP_Y,
        max_step_a: float = MAX_STEP_A,
        max_step_b: float = MAX_STEP_B,
        parametrizations: Mapping[str, Parametrization] | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        constraint = RECURRENCES[known_name("recurrence", recurrence, RECURRENCES)]
        if constraint and "W_r" in (parametrizations or {}):
            raise ValueError(f"recurrence={recurrence!r} and parametrizations both constrain 'W_r'; give one of them")
        constant = {gain: _check_gain(gain, v) for gain, v in zip(GAINS, (b0, b), strict=True) if v is not None}
        maxima = {"max_step_y": max_step_y, "max_step_a": max_step_a, "max_step_b": max_step_b}
        y, a, gains = (step_size(name, value) for name, value in maxima.items())
        steps = {"y": y, "a": a, **{gain: gains for gain in GAINS if gain not in constant}}
        declared = MODELS[name_of(known_name("model", model, VARIANTS), tuple(constant))]
        self.family, self.recurrence, self.constant = model, recurrence, constant
        if any(dtype is low for low in (torch.float16, torch.bfloat16)):  # torch has no singular values of these
            raise ValueError(f"ORGaNICs takes float32 or float64, got dtype={dtype}; for speed give precision='bf16'")
        super().__init__(
            declared,
            input_size,
            hidden_size,
            parametrizations={
                **({"W_r": constraint} if constraint else {}),
                **by_name("parametrizations", parametrizations),
            },
            fixed=("sigma",),
            max_step=steps,
            learned_steps=learned_steps,
            device=device,
            dtype=dtype,
        )

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all parameters and the initial state anew, as in the authors' code.

        Input and gain weights are uniform in +-1/sqrt(columns), ``W_zx`` then divided by its largest singular value;
        ``W_r`` is orthogonal, or a diagonal of sigmoids of normal numbers; ``W`` is exp(u), u uniform in (-1, 0),
        with ones on the diagonal; the values behind the step sizes are normal. y starts at a random non-negative
        vector of length 1, a and b uniform in (0, 1), b0 at 1.
        """
        for name in self.model.weights:
            if name not in ("W", "W_r"):
                value = torch.empty_like(value_of(self, name))
                nn.init.uniform_(value, -(value.shape[1] ** -0.5), value.shape[1] ** -0.5)
                start_at(self, name, value / torch.linalg.matrix_norm(value, 2) if name == "W_zx" else value)
        self._reset_recurrence()
        start_at(self, "W", torch.empty_like(value_of(self, "W")).uniform_(-1, 0).fill_diagonal_(0).exp())
        for name in self.model.states:
            self._reset_step(f"step_{name}")
        self.initial_y.uniform_(0, 1).div_(torch.linalg.vector_norm(self.initial_y))
        self.initial_a.uniform_(0, 1)
        self.initial_b0.fill_(1)
        self.initial_b.uniform_(0, 1)
        for gain, value in self.constant.items():
            getattr(self, f"initial_{gain}").fill_(value)

    def _reset_recurrence(self):
        if self.recurrence == "diagonal":
            self.parametrizations.W_r.original.normal_()  # pyright: ignore
        elif self.recurrence != "identity":
            start_at(self, "W_r", nn.init.orthogonal_(torch.empty_like(value_of(self, "W_r"))))

    # --- the compiled kernel ------------------------------------------------------------------------------------

    def _fused(self, input, state, precision, checkpoint_every, whole):
        weights, steps = self._completed()
        output, state = fused_unroll(
            input,
            state,
            weights,
            steps,
            rectified=_FUSED[self.family],
            constant=self.constant,
            precision=precision,
            checkpoint_every=checkpoint_every,
            whole=whole,
        )
        return output, State(*state)

    def _completed(self):
        """Weights and step sizes of the model with both gains: those of a constant one are 0."""
        gated = declaration(MODELS["gated"], self.input_size, self.hidden_size)
        shapes = {name: w.shape for name, w in gated.weights.items()}
        zeros = self.initial_y.new_zeros
        weights = {n: value_of(self, n) if n in self.model.weights else zeros(shape) for n, shape in shapes.items()}
        for name, shape in shapes.items():
            if weights[name].shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {tuple(weights[name].shape)}")
        steps = {n: f"step_{n}" for n in State._fields}
        return weights, State(
            *(value_of(self, h) if hasattr(self, h) else zeros(self.hidden_size) for h in steps.values())
        )

    def _fuses(self, kernel, input):
        """Whether the compiled kernel takes these steps."""
        if kernel == "torch":
            return False
        fits = input.device.type == "cpu" and input.dtype in (torch.float32, torch.float64)
        known = self.family in _FUSED
        if kernel == "fused" and not fits:
            raise ValueError(
                f"kernel='fused' takes float32 or float64 on the CPU, got {input.dtype} on {input.device}; use kernel='auto'"
            )
        if kernel == "fused" and not known:
            raise ValueError(f"kernel='fused' has no model {self.family!r}; use kernel='auto'")
        if kernel == "fused" and transformed():
            raise ValueError("kernel='fused' does not run in transforms of torch.func; use kernel='auto'")
        if kernel == "auto" and recorded():  # a program that is kept needs torch alone
            return False
        return fits and known and not transformed() and (kernel == "fused" or kernels.available())

    def extra_repr(self) -> str:
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *self._choices()])

    def _choices(self):
        """The options that are not the default, as text."""
        if self.family != VARIANTS[0]:
            yield f"model={self.family!r}"
        if self.recurrence != "free":
            yield f"recurrence={self.recurrence!r}"
        yield from (f"{gain}={value:g}" for gain, value in self.constant.items())
        if not self.learned_steps:
            yield "learned_steps=False"


class ORGaNICs(CircuitLayer):
    """A recurrent divisive normalization network; called like `torch.nn.LSTM`.

    It is the `CircuitLayer` of the gated family, with a compiled kernel.

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
        float64 on the CPU; "torch" is a loop of torch's own operations. They differ by rounding (of float32 on AMX
        tiles, see docs/long_sequences.md, by that of the most active units). "auto" takes the fused one where it runs,
        and says once if it cannot be compiled (see `organics_neuro.nn.kernels.available`).
        The fused one has no second derivatives.
    precision : {None, "bf16"}
        "bf16" lets the fused kernel round to bfloat16 what the products between units multiply, in training (not after
        ``eval()``), if the layer is float32 and the processor's library has such products: faster, but not exact;
        gradients are off by less than a percent, or by more where rounding moves a rectified unit across 0.
    checkpoint_every : int, optional
        Keep for the backward pass only the state at every so many steps, and compute the steps between again: less
        memory, more time. Default: keep what the backward pass needs of all steps.
    model, recurrence, b, b0, learned_steps, max_step_y, max_step_a, max_step_b, parametrizations, device, dtype
        What each layer is; see `ORGaNICsCell`.

    Attributes
    ----------
    cells : ModuleList of ORGaNICsCell
        The layers, with their weights and step sizes. A cell is called once a sequence (see `CircuitLayer`).

    Examples
    --------
    >>> rnn = ORGaNICs(3, 5, num_layers=2, batch_first=True)
    >>> output, state = rnn(torch.zeros(4, 7, 3))
    >>> output.shape, state.y.shape
    (torch.Size([4, 7, 5]), torch.Size([2, 4, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        batch_first: bool = False,
        dropout: float = 0.0,
        *,
        model: str = "gated",
        kernel: str = "auto",
        precision: str | None = None,
        checkpoint_every: int | None = None,
        **cell: Any,
    ):
        options = {"kernel": kernel, "checkpoint_every": checkpoint_every, **cell}
        super().__init__(model, input_size, hidden_size, num_layers, batch_first, dropout, **options)
        self.precision = known_name("precision", precision, (None, "bf16"))

    _cell_type = ORGaNICsCell

    def _make_cell(self, model, input_size, **options):
        return ORGaNICsCell(input_size, self.hidden_size, model=model, **options)


def _check_gain(name, value):
    return number(name, value, "a number larger than 0, or None for a gain that is learned", lambda gain: gain > 0)
