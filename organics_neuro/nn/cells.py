"""One step of any declared model, with the calling convention of `torch.nn.LSTMCell`.

A cell holds the weights, parameters and step sizes of a model as parameters of torch, under the model's own names and
with constraints that keep them in their range; the step itself is that of the declaration (`functional`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from organics_neuro.core.boundary import by_name, check_names, flag, known_name, list_of, positive_int, step_size
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.declaration import CONSTANT
from organics_neuro.core.model import CircuitModel
from organics_neuro.core.models import get_model
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.populations import must_be_positive
from organics_neuro.core.units import seconds
from organics_neuro.nn import functional
from organics_neuro.nn.arguments import check_input, check_state, factory, in_own_precision
from organics_neuro.nn.constraints import Constraint, Parametrization, constrain, constraints_of, start_at
from organics_neuro.nn.copies import array
from organics_neuro.nn.declarations import declaration, read_by, starting_values, state_type
from organics_neuro.nn.effective import Constrained, value_of
from organics_neuro.nn.initialization import drawn
from organics_neuro.nn.transferred import circuit_of
from organics_neuro.nn.transforms import transformed

#: Largest Euler step size dt/tau of a state, unless one says otherwise: decay is smooth, and couplings have room.
MAX_STEP = 0.5


class Run(NamedTuple):
    """How a cell runs a sequence: the options of a layer, and whether the output of all steps is wanted."""

    kernel: str = "auto"
    precision: str | None = None
    checkpoint_every: int | None = None
    whole: bool = True


class CircuitCell(Constrained):
    """One step of a declared model; called like `torch.nn.LSTMCell`.

    With step sizes h = dt/tau, and every right-hand side at the old state, a step is x <- x + dt dx/dt.

    Parameters
    ----------
    model : str or CircuitModel
        A name in `organics_neuro.MODELS`, or a declaration.
    input_size, hidden_size : int
    input : str, optional
        The input of the model that is read; needed where the model has several. Others keep their default.
    output : str, optional
        The state that a layer gives after every step, and that the next layer reads. Default: the first one.
    parametrizations : dict, optional
        Constraints by the name of weights or of a parameter: a name such as "orthogonal", a name with its arguments such
        as ("low_rank", 4), or a module (see `organics_neuro.nn.constraints.constrain`). Default: those that the model
        declares; nonnegative weights are "positive", those with a sign keep it, and parameters that must be larger than
        0 are "positive".
    parameters : dict, optional
        Where parameters and time constants start, by name, in SI units or as Brian2 quantities: numbers or arrays of
        shape (hidden_size,). Default: those of the model.
    fixed : sequence of str, optional
        Parameters and time constants that are not learned. Default: those that the model declares constant, which start
        as it says.
    max_step : float or dict of str to float
        Upper bounds of the step sizes, above 0 and at most 1; by the name of the state.
    learned_steps : bool
        Whether step sizes are learned. If not, they stay at sigmoid(1) = 0.73 of the largest.
    dt : float or Brian2 quantity
        How much time one step stands for, in seconds.
    device, dtype
        Of the parameters, as in every torch module.

    Attributes
    ----------
    declared, model : CircuitModel
        The model that was given, and as the cell runs it: with its input read through weights, if need be.
    W, W_r, ... : Tensor
        Weights by the names that the model gives them, (hidden_size, sources); parameters (hidden_size,).
    step_y, ... : Tensor, shape (hidden_size,)
        Step sizes dt/tau, between 0 and their largest value, learned through the inverse of a sigmoid; one for each
        time constant ``tau_y``.
    initial_y, ... : Tensor, shape (hidden_size,)
        Where a sequence starts when no state is given, as the model says; not learned.

    Examples
    --------
    >>> cell = CircuitCell("two_type", 3, 5)
    >>> state = cell(torch.zeros(2, 3))
    >>> state._fields, state.y.shape
    (('y', 'a'), torch.Size([2, 5]))
    """

    def __init__(
        self,
        model: str | CircuitModel,
        input_size: int,
        hidden_size: int,
        *,
        input: str | None = None,
        output: str | None = None,
        parametrizations: Mapping[str, Parametrization] | None = None,
        parameters: Mapping[str, Any] | None = None,
        fixed: Sequence[str] | None = None,
        max_step: float | Mapping[str, float] = MAX_STEP,
        learned_steps: bool = True,
        dt: Any = STEP_TIME,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.input_size = positive_int("input_size", input_size)
        self.hidden_size = positive_int("hidden_size", hidden_size)
        self.declared = get_model(model)
        self.model, self.input = read_by(self.declared, input, input_size, hidden_size)
        self.output = self.model.states[0] if output is None else known_name("output", output, self.model.states)
        self.dt, self.learned_steps = seconds("dt", dt), flag("learned_steps", learned_steps)
        self.fixed: dict[str, float] = {}
        constant = [name for name, kind in self.model.parametrizations.items() if tuple(kind) == CONSTANT]
        fixed = constant if fixed is None else fixed
        drawn = [name for name in self.steps if name not in constant]
        self._start = starting_values(self.declared, by_name("parameters", parameters), hidden_size, drawn)
        shapes = {n: w.shape for n, w in declaration(self.model, input_size, hidden_size).weights.items()}
        options = factory(device, dtype, sum(m * n for m, n in shapes.values()))
        for name, shape in shapes.items():
            self._new(name, torch.ones(shape, **options))
        self._make_parameters(list_of("fixed", fixed), max_step, options)
        for name in self.fields:
            self.register_buffer(f"initial_{name}", torch.zeros(hidden_size, **options))
        self._constrain(by_name("parametrizations", parametrizations))
        self.reset_parameters()

    # --- what there is ------------------------------------------------------------------------------------------

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states of the circuit, in order."""
        return self.model.states

    @property
    def State(self) -> type:
        """The named tuple that holds a state."""
        return state_type(self.model.states)

    @property
    def fields(self) -> tuple[str, ...]:
        """What a state of the cell holds: the states of the circuit, and what a sequence carries along beside them."""
        return self.State._fields

    @property
    def steps(self) -> dict[str, str]:
        """The name of the step size for each time constant of the model."""
        units = self.model.units
        times = (n for n in self.model.parameters if units[n] == "second" and n != self.model.step)
        return {n: f"step_{n.removeprefix('tau_')}" for n in times}

    def _new(self, name, value):
        if hasattr(self, name):
            raise ValueError(
                f"model {self.declared.name!r}: {name!r} is an attribute of every layer; give it another name"
            )
        self.register_parameter(name, nn.Parameter(value))

    def _make_parameters(self, fixed, max_step, options):
        """Per-unit parameters and step sizes, with their constraints; one number that is fixed stays a number."""
        names = [step.removeprefix("step_") for step in self.steps.values()]
        if isinstance(max_step, Mapping):
            check_names("max_step", "step size", max_step, names)
        for name in fixed:
            known_name("parameter in fixed", name, self.model.parameters)
        for name in self.model.parameters:
            full = torch.ones(self.hidden_size, **options)
            if name in self.steps:
                step = self.steps[name]
                maximum = max_step.get(step[5:], MAX_STEP) if isinstance(max_step, Mapping) else max_step
                maximum = step_size(f"max_{step}", maximum)
                self._new(step, full * (maximum / 2))
                constrain(self, step, ("bounded", maximum))
                learned = self.learned_steps and name not in fixed
                self.parametrizations[step].original.requires_grad_(learned)  # pyright: ignore
            elif name in self.fields or name == self.model.step:  # it comes with the state, or is dt
                continue
            elif name in fixed and self._start[name].ndim == 0:
                self.fixed[name] = float(self._start[name])
            elif name in fixed:
                self.register_buffer(name, full * torch.as_tensor(self._start[name]).to(full))
            else:
                self._new(name, full)

    def _constrain(self, given):
        """Put the constraints ``given`` and those that the model asks for on weights and parameters."""
        wanted = {name: "positive" for name in self.model.parameters if must_be_positive(self.model, name)}
        wanted = {name: constraint for name, constraint in wanted.items() if name in self._parameters}
        for coupling in self.model.couplings:
            if coupling.allowed_sign:
                wanted[coupling.weights] = "positive" if coupling.allowed_sign > 0 else ("dale", -1)
        check_names("parametrizations", "parameter", given, (*self.model.weights, *self.model.parameters))
        declared = {n: tuple(kind) for n, kind in self.model.parametrizations.items() if tuple(kind) != CONSTANT}
        for name, constraint in {**wanted, **declared, **given}.items():
            if name not in self._parameters:
                raise ValueError(f"{name!r} cannot have a parametrization: it is fixed, or a time constant")
            constrain(self, name, deepcopy(constraint))  # the cells of a layer share none

    # --- where it starts ----------------------------------------------------------------------------------------

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all weights and step sizes anew, and set parameters and initial states to where they start.

        Weights with a default in the model start as it, the identity, or, a pool of ones, as exp(u) with u uniform in
        (-1, 0) and ones on the diagonal, as other weights that are not negative do; all others are uniform in
        +-1/sqrt(columns), as those of `torch.nn.RNN`. Constraints then take the value nearest to this that they allow. The
        values behind the step sizes are normal, unless a time constant was given. States start as the model says.
        """
        for coupling in self.model.couplings:
            value = drawn(coupling, value_of(self, coupling.weights))
            for constraint in constraints_of(self, coupling.weights):
                value = constraint.start(value) if isinstance(constraint, Constraint) else value
            start_at(self, coupling.weights, value)
        for name, value in self._start.items():
            if name in self.steps:
                setattr(self, self.steps[name], self._given_step(name, value))
            elif name in self.model.parameters and hasattr(self, name):
                start_at(self, name, self._tensor(value))
        for name, step in self.steps.items():
            if name not in self._start:
                self._reset_step(step)
        for name, value in self._initial_values().items():
            getattr(self, f"initial_{name}").copy_(value)

    def _given_step(self, name, tau):
        """The step size of a time constant that the user gave."""
        step = self._tensor(self.dt / tau)
        largest: Any = self.parametrizations[self.steps[name]][0].maximum  # pyright: ignore
        if not (step < largest).all():
            raise ValueError(
                f"parameter {name!r} = {tau.min():g} s asks for a step size of {step.max().item():g}, but the largest is "
                f"{largest:g}; give max_step=..., a smaller dt, or a longer time constant"
            )
        return step

    def _reset_step(self, step):
        behind = self.parametrizations[step].original  # pyright: ignore
        behind.normal_() if self.learned_steps else behind.fill_(1)

    def _initial_values(self):
        """Where the model says that states start, at the parameters that the cell has."""
        parameters = {name: array(v) for name, v in self._values().items()}
        like = declaration(self.model, self.input_size, self.hidden_size)
        return {name: self._tensor(v) for name, v in like.replace(**parameters).initial.items()}

    def _tensor(self, value):
        like = getattr(self, f"initial_{self.states[0]}")
        return torch.as_tensor(np.asarray(value), dtype=like.dtype, device=like.device).expand(self.hidden_size).clone()

    # --- steps --------------------------------------------------------------------------------------------------

    @in_own_precision
    def forward(self, input: Tensor, state: Any = None, run: Run | None = None) -> Any:
        """One step.

        Parameters
        ----------
        input : Tensor, shape (batch, input_size) or (input_size,)
        state : State, optional
            Each (batch, hidden_size), or (hidden_size,) for one sample. Default: the initial state.
        run : Run, optional
            Given by layers, which call a cell once for all steps of a sequence (steps, batch, input_size): see
            `unroll`. Hooks of the cell are called then, too.

        Returns
        -------
        State
        """
        if run is not None:
            return self.unroll(input, state, *run)
        check_input(input, self, (1, 2))
        batched = input.dim() == 2
        if state is None:
            state = self.initial_state(tuple(input.shape[:-1]))
        check_state(state, self.fields, (*input.shape[:-1], self.hidden_size), input)
        if batched:
            return self._step(input, state)
        alone = self.State(*(s.unsqueeze(0) for s in state))
        return self.State(*(s.squeeze(0) for s in self._step(input.unsqueeze(0), alone)))

    def _step(self, input, state):
        """One step of a batch; the tensors are its own, so that they may be changed in place."""
        return self.State(*(s.clone() for s in self.unroll(input.unsqueeze(0), state)[1]))

    def initial_state(self, batch_shape: tuple[int, ...] = ()) -> Any:
        """The state at the start of a sequence, each ``(*batch_shape, hidden_size)``."""
        initial = (getattr(self, f"initial_{name}") for name in self.fields)
        return self.State(*(value.expand(*batch_shape, self.hidden_size).clone() for value in initial))

    def unroll(
        self,
        input: Tensor,
        state: Any,
        kernel: str = "auto",
        precision: str | None = None,
        checkpoint_every: int | None = None,
        whole: bool = True,
    ) -> tuple[Tensor, Any]:
        """``(output after every step, state)`` for a sequence (steps, batch, input_size) and a state, nothing checked.

        The options are those of the layer. Unless ``whole``, the output is left out: a tensor of no steps is in its place.
        """
        if self._fuses(kernel, input):
            return self._fused(input, state, precision, checkpoint_every, whole)
        if checkpoint_every is None or transformed():  # transforms of torch.func cannot compute again
            output, *last = self._steps(whole, input, *state)
            return output, self.State(*last)
        outputs, last = [], state
        for part in input.split(checkpoint_every):
            output, *last = checkpoint(self._steps, whole, part, *last, use_reentrant=False)  # pyright: ignore
            outputs.append(output)
        return torch.cat(outputs), self.State(*last)

    def _steps(self, whole, input, *state):
        """Output of all steps and the last of each of the fields, by torch's own operations."""
        fields = dict(zip(self.fields, state, strict=True))
        carried = {name: fields.pop(name) for name in self.fields if name not in self.states}
        trace, last = functional.unroll(
            declaration(self.model, self.input_size, self.hidden_size),
            {self.input: input},
            steps=len(input),
            dt=self.dt,
            states=fields,
            weights={name: value_of(self, name) for name in self.model.weights},
            parameters={**self._values(), **carried},
            record=(self.output,) if whole else (),
        )
        output = trace[self.output] if whole else input.new_empty(0, *last[self.output].shape)
        return output, *({**last, **carried}[name] for name in self.fields)

    def _values(self) -> dict[str, Any]:
        """Parameters and time constants by the names of the model, tensors or numbers."""
        values: dict[str, Any] = dict(self.fixed)
        if self.model.step:
            values[self.model.step] = self.dt
        for name in self.model.parameters:
            if name in self.steps:
                values[name] = self.dt / value_of(self, self.steps[name])
            elif name not in (*values, *self.fields):
                values[name] = value_of(self, name)
        return values

    def _fuses(self, kernel, input):
        """Whether a compiled kernel takes these steps: there is none for a model as such."""
        if kernel == "fused":
            raise ValueError(f"kernel='fused' has no model {self.declared.name!r}; use kernel='auto'")
        return False

    def _fused(self, input, state, precision, checkpoint_every, whole):
        raise NotImplementedError

    # --- as a circuit -------------------------------------------------------------------------------------------

    def to_circuit(self, dt: Any = None) -> Circuit:
        """The circuit of which one Euler step of ``dt`` is one step of the cell, in float64.

        Parameters
        ----------
        dt : float or Brian2 quantity, optional
            How much time one step stands for, in seconds. Default: that of the cell. Time constants become
            dt / step size.

        Raises
        ------
        TypeError, UnitError, ValueError
            If ``dt`` is no time, or another than that of the cell where states or inputs have a unit with time in it.
        """
        return circuit_of(self, dt)

    def extra_repr(self) -> str:
        return f"{self.declared.name!r}, {self.input_size}, {self.hidden_size}"
