"""Steps of any circuit in torch, made from its declaration; forward Euler by default.

The same SymPy expressions that the NumPy reference evaluates are printed for torch here, so every circuit, joined
or not, can be differentiated and trained. There is one matrix product for each connection and step: on a CPU,
stacking those that read the same state, or doing the external inputs of all steps at once, changed the time of a
training step by less than a tenth.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from operator import attrgetter
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import linear

from organics_neuro.core.boundary import check_steps, count_trials, known_name, positive_int
from organics_neuro.core.circuits import AnyCircuit, check_circuit
from organics_neuro.core.circuits.base import warn_of_step
from organics_neuro.core.delays import Past
from organics_neuro.core.expressions import Backend, Function
from organics_neuro.core.names import Name
from organics_neuro.core.populations import add_up
from organics_neuro.core.schemes import scheme
from organics_neuro.core.units import magnitude, seconds
from organics_neuro.nn.arguments import check_tensor
from organics_neuro.nn.operators import product
from organics_neuro.nn.transforms import recorded

#: Inputs by full name; or a tensor or array for the one input that a circuit has.
Inputs: TypeAlias = Mapping[str, Tensor | ArrayLike] | Tensor | ArrayLike | None


def _on_tensors(function: Function) -> Callable:
    """The torch form of a function of expressions; a plain number, such as the 2 of sqrt(2), stays a number."""
    form = function.torch
    if isinstance(form, str):
        form = attrgetter(form)(torch)

    def call(*values):
        like = next((v for v in values if isinstance(v, Tensor)), None)
        if like is None:
            return function.numpy(*values)
        return form(*(v if isinstance(v, Tensor) else like.new_tensor(v) for v in values))

    return call


#: What the functions of an expression mean in torch.
TORCH = Backend("torch", _on_tensors, differentiated=True)


def euler_step(
    circuit: AnyCircuit,
    states: Mapping[str, Tensor],
    inputs: Inputs = None,
    dt: float = 1e-4,
    weights: Mapping[str, Tensor] | None = None,
    parameters: Mapping[str, Tensor | float] | None = None,
) -> dict[str, Tensor]:
    """One forward Euler step, x + dt dx/dt with every right-hand side at the old state.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        The declaration, and the weights and parameters that are not given here.
    states : dict of Tensor
        Each state by its full name, shape (..., units). Their type and device are those of the computation, and all
        tensors that come with them must have this type.
    inputs : Tensor, array_like or dict of these, optional
        Shape () or (..., units); a dictionary by name if the circuit has several. Inputs not given are 0.
    dt : float
        In seconds.
    weights, parameters : dict of Tensor, optional
        By full name ("W_r", or "e.W_r" in a joined circuit), in place of those of the circuit; they may require a
        gradient. Weights have shape (units, source units); parameters are numbers or have shape () or (..., units), in
        SI units.

    Returns
    -------
    dict of Tensor
        The new states.

    Raises
    ------
    TypeError
        For what is not a tensor, or a dictionary of these.
    ValueError
        For an unknown name, a wrong shape or another type of numbers.

    See Also
    --------
    Step : for a loop, in which weights are prepared once, and for other methods.
    unroll : many steps.
    """
    like = _first_tensor(_by_name("states", states))
    return Step(circuit, dt, weights, parameters, like.dtype, like.device)(states, inputs)[0]


def unroll(
    circuit: AnyCircuit,
    inputs: Inputs,
    steps: int,
    dt: float,
    states: Mapping[str, Tensor] | None = None,
    weights: Mapping[str, Tensor] | None = None,
    parameters: Mapping[str, Tensor | float] | None = None,
    record: Sequence[str] | None = None,
    method: str = "euler",
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Many steps, with gradients through all of them.

    Parameters
    ----------
    circuit, dt, weights, parameters
        As in `euler_step`.
    inputs : Tensor, array_like or dict of these
        Shape (), (units,), (trials, units), or (steps, trials, units) if it changes with time. The first tensor among
        inputs and states gives the type and the device of the computation; if there is none, it is in float64.
    steps : int
    states : dict of Tensor, optional
        States to start from, each (units,) or (trials, units); those not named start where the circuit says.
    record : sequence of str, optional
        States to keep at every step. Default: all.
    method : str
        One of `organics_neuro.core.schemes.SCHEMES`. Forward Euler is the step of the torch layers.

    Returns
    -------
    trace : dict of Tensor
        Each recorded state after every step, shape (steps, trials, units), or (steps, units) without trials.
    states : dict of Tensor
        The states after the last step.
    """
    steps, states = positive_int("steps", steps), _by_name("states", states)
    like = _first_tensor({**check_circuit(circuit).dynamics.name_inputs(inputs), **states})
    step = Step(circuit, dt, weights, parameters, like.dtype, like.device, method)
    inputs = step.complete_inputs(inputs)
    states = step.check_states({**step.initial(inputs), **states})
    check_steps(inputs, steps)
    varied = {f"parameter {name!r}": v for name, v in _by_name("parameters", parameters).items() if not _is_number(v)}
    trials = _trials(inputs, {**states, **varied})
    states = {name: value.expand(*trials, value.shape[-1]) for name, value in states.items()}
    trace = {known_name("state", name, states): [] for name in (states if record is None else record)}
    slope, past = None, step.past()
    for now in _by_step(inputs, steps):
        states, slope = step.advance(states, now, slope, past)
        for name, values in trace.items():
            values.append(states[name])
    return {name: torch.stack(values) for name, values in trace.items()}, states


def _trials(inputs, constant):
    """The axis of trials that inputs and what is ``constant`` share: (trials,), or () if none has it."""
    for name, value in constant.items():
        if value.dim() > 2:
            raise ValueError(f"{name} has shape {tuple(value.shape)}; give (units,) or (trials, units)")
    values = {**inputs, **constant}
    if not recorded():  # which would fix the number
        count_trials("inputs, states and parameters", values)
    return torch.broadcast_shapes(*(value.shape[-2:-1] for value in values.values()))


def _by_step(inputs, steps):
    """A dictionary for each step; only inputs of shape (steps, trials, units) change with time.

    They are cut with `unbind`, whose backward pass is a single `stack`; indexing would fill a tensor of all steps at
    every step.
    """
    columns = {name: v[:steps].unbind(0) if v.dim() > 2 else (v,) * steps for name, v in inputs.items()}
    return [{name: column[k] for name, column in columns.items()} for k in range(steps)]


class Step:
    """The step of a circuit with its weights prepared, to be called many times.

    Parameters
    ----------
    circuit, dt, weights, parameters
        As in `euler_step`.
    dtype, device
        Of the computation: what is taken from the circuit gets them, tensors that are given must have this type.
    method : str
        One of `organics_neuro.core.schemes.SCHEMES`.
    """

    def __init__(
        self,
        circuit: AnyCircuit,
        dt: float,
        weights: Mapping[str, Tensor] | None = None,
        parameters: Mapping[str, Tensor | float] | None = None,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str | None = None,
        method: str = "euler",
    ) -> None:
        self.scheme = scheme(method)
        self.dynamics = check_circuit(circuit).dynamics
        self.dt = seconds("dt", dt)
        self._like = {"dtype": dtype, "device": device}
        parameters = _by_name("parameters", parameters)
        warn_of_step(circuit, self.dt, set(map(Name.parse, parameters)), stacklevel=4)
        self._parameters = self._collect_parameters(parameters)
        self._products = self._collect_products(_by_name("weights", weights))

    def __call__(
        self,
        states: Mapping[str, Tensor],
        inputs: Inputs = None,
        slope: Mapping[str, Tensor] | None = None,
        past: Past | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The states after one step, and its mean slope, which the next step takes as ``slope`` (see `Scheme.step`).

        A circuit with delays needs ``past``: what `past` returned before the first step, the same for all steps of a run.
        """
        return self.advance(self.check_states(states), self.complete_inputs(inputs), slope, past)

    def past(self) -> Past | None:
        """Room for the sources that are on their way, for one run of a circuit with delays; None without delays."""
        if not self.dynamics.has_delays:
            return None
        return Past(self.dynamics, self.dt, self.scheme, self._source, lambda c, value: self._products[c.key](value))

    def advance(
        self,
        states: Mapping[str, Tensor],
        inputs: Mapping[str, Tensor],
        slope: Mapping[str, Tensor] | None = None,
        past: Past | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """One step, nothing checked or completed."""
        if past is None and self.dynamics.has_delays:
            raise ValueError(
                "a circuit with delays has a past: use unroll, or give each step of a run past=step.past()"
            )
        brought = past.advance(states, inputs) if past is not None else {}

        def couple(at):
            delivered: dict = {}
            for k, c in enumerate(self.dynamics.connections):
                value = brought[k] if k in brought else self._products[c.key](self._source(c, at, inputs, delivered))
                add_up(delivered, c.written, value)
            return delivered

        def rates(at, couplings):
            return self.dynamics.combine(at, inputs, couplings, self._parameters, TORCH)

        return self.scheme.step(states, self.dt, couple, rates, slope, _add)

    def _source(self, connection, states, inputs, delivered):
        """What the weights of a connection are applied to."""
        value = self.dynamics.source(connection, states, inputs, self._parameters, TORCH, delivered)
        n = connection.weights.shape[1]
        if not (isinstance(value, torch.Tensor) and value.shape[-1:] == (n,)):
            value = torch.as_tensor(value, **self._like).expand(n)  # no units: a parameter, for example
        return value

    # --- what comes in ------------------------------------------------------------------------------------------

    def initial(self, inputs=None):
        """Where the circuit says the states start, each of shape (units,)."""
        known = {n: v.detach().numpy(force=True) for n, v in (inputs or {}).items() if n in self.dynamics.start_reads}
        start = self.dynamics.start({**self.dynamics.resolve_inputs(None), **known}) if known else self.dynamics.initial
        return {name: torch.tensor(value, **self._like) for name, value in start.items()}

    def check_states(self, states):
        """``states`` if they are all there and have the right number of units."""
        for name in states:
            known_name("state", name, self.dynamics.states)
        for name, n in self.dynamics.states.items():
            if name not in states:
                raise ValueError(f"the state {name!r} is missing; give all of {', '.join(self.dynamics.states)}")
            self._check_units(name, states[name], n)
        return states

    def complete_inputs(self, inputs):
        """``inputs`` as a dictionary of tensors with one entry for each input of the circuit; those not given are at their default.

        Numbers and arrays, which may have units, take the type of the computation.
        """
        sizes = {**self.dynamics.inputs, **self.dynamics.parameters}
        complete = {n: torch.full((sizes[n],), value, **self._like) for n, value in self.dynamics.defaults.items()}
        for name, value in self.dynamics.name_inputs(inputs).items():
            n = sizes[name]
            if not isinstance(value, torch.Tensor):
                value = torch.as_tensor(magnitude(name, value, self.dynamics.unit(name)), **self._like)
            complete[name] = value if value.dim() else value.expand(n)  # one number stands for all units
            self._check_units(name, complete[name], n)
        return complete

    def _check_units(self, name, value, n):
        self._check_type(name, value)
        if value.shape[-1:] != (n,):
            raise ValueError(f"{name} has shape {tuple(value.shape)}, but its last axis must be the {n} units")

    def _check_type(self, name, value):
        dtype = self._like["dtype"]
        check_tensor(value, name)
        if value.dtype != dtype:
            raise ValueError(
                f"{name} must be {dtype}, as the computation is, got {value.dtype}; convert it with .to({dtype})"
            )

    # --- preparation --------------------------------------------------------------------------------------------

    def _collect_parameters(self, given):
        """Parameters of each population: those given, then those of the circuit (single numbers stay numbers)."""
        known = {Name(p, name): (p, name) for p, pop in self.dynamics.populations.items() for name in pop.parameters}
        for name, value in given.items():
            p, _ = known[known_name("parameter", name, known)]
            if not _is_number(value):
                self._check_units(f"parameter {name!r}", value, self.dynamics.populations[p].size)
        result = {p: {} for p in self.dynamics.populations}
        for full, (p, name) in known.items():
            own = self.dynamics.populations[p].parameters[name]
            result[p][name] = given.get(full, own if np.ndim(own) == 0 else torch.tensor(own, **self._like))
        return result

    def _collect_products(self, given):
        """The function that applies each of the weights: those given, then those of the circuit."""
        known = {c.key: c.weights for c in self.dynamics.connections}
        for name, value in given.items():
            known_name("weights", name, known)
            self._check_type(f"weights {name!r}", value)
            if value.shape != known[name].shape:
                raise ValueError(
                    f"weights {name!r} have shape {tuple(value.shape)}, but must have {known[name].shape} (units, source units)"
                )
        return {
            name: partial(linear, weight=given[name]) if name in given else product(own, **self._like)
            for name, own in known.items()
        }


def _add(x, y, scale):
    """x + scale*y; what a model leaves constant may be a plain number."""
    return torch.add(x, y, alpha=scale) if isinstance(x, torch.Tensor) else x + scale * y


def _by_name(argument, given):
    """``given``, which is a dictionary, of Python or of torch (`torch.nn.ParameterDict`), or None: an empty one."""
    if given is not None and not hasattr(given, "keys"):
        raise TypeError(f"{argument} must be a dictionary {{name: tensor}}, got {type(given).__name__}")
    return {} if given is None else dict(given)


def _first_tensor(values):
    """The first of ``values`` that is a tensor of floating-point numbers, whose type and device the computation takes."""
    tensors = (v for v in values.values() if isinstance(v, torch.Tensor) and v.is_floating_point())
    return next(tensors, torch.empty(0, dtype=torch.float64))


def _is_number(value):
    """Whether a parameter is one number, which fits any type and any number of units."""
    return isinstance(value, Real) or (isinstance(value, torch.Tensor) and not value.dim())
