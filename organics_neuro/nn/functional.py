"""The forward Euler step of any circuit in torch, made from its declaration.

The same SymPy expressions that the NumPy reference evaluates are printed for torch here, so every circuit, joined
or not, can be differentiated and trained. There is one matrix product for each connection and step: on a CPU,
stacking those that read the same state, or doing the external inputs of all steps at once, changed the time of a
training step by less than a tenth.
"""

from functools import partial

import numpy as np
import torch
from torch.nn.functional import linear

from organics_neuro.core.arguments import known_name, positive_int
from organics_neuro.core.circuit import check_circuit
from organics_neuro.core.dynamics import check_steps, count_trials, qualify
from organics_neuro.core.expressions import NUMPY, Backend
from organics_neuro.core.operators import Operator, Uniform
from organics_neuro.core.units import magnitude, seconds


def _sqrt(x):
    """Square root whose gradient at 0 is 0, not infinity (which would turn into NaN on the way back)."""
    zero = x == 0
    return torch.sqrt(x.masked_fill(zero, 1)).masked_fill(zero, 0)


def _on_tensors(function, name):
    """``function`` for tensors; a plain number, such as the 2 of sqrt(2), stays a number."""
    return lambda x: function(x) if isinstance(x, torch.Tensor) else float(NUMPY.functions[name](x))


#: What the functions of an expression mean in torch.
TORCH = Backend(
    "torch",
    {
        name: _on_tensors(function, name)
        for name, function in {
            "relu": torch.relu,
            "sigmoid": torch.sigmoid,
            "sqrt": _sqrt,
            "exp": torch.exp,
            "log": torch.log,
            "tanh": torch.tanh,
            "sin": torch.sin,
            "cos": torch.cos,
            "abs": torch.abs,
        }.items()
    },
)


def euler_step(circuit, states, inputs=None, dt=1e-4, weights=None, parameters=None):
    """One forward Euler step, x + dt dx/dt with every right-hand side at the old state.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
        The declaration, and the weights and parameters that are not given here.
    states : dict of Tensor
        Each state by its full name, shape (..., units). Their type and device are those of the computation.
    inputs : Tensor or dict of Tensor, optional
        Shape (..., units); a dictionary by name if the circuit has several. Inputs not given are 0.
    dt : float
        In seconds.
    weights, parameters : dict of Tensor, optional
        By full name ("W_r", or "e.W_r" in a joined circuit), in place of those of the circuit; they may require a
        gradient. Weights have shape (units, source units); parameters have shape () or (units,), in SI units.

    Returns
    -------
    dict of Tensor
        The new states.

    Raises
    ------
    ValueError
        For an unknown name or a wrong shape.

    See Also
    --------
    EulerStep : for a loop, in which weights are prepared once.
    unroll : many steps.
    """
    like = next(iter(states.values()), torch.empty(0))
    return EulerStep(circuit, dt, weights, parameters, like.dtype, like.device)(states, inputs)


def unroll(circuit, inputs, steps, dt, states=None, weights=None, parameters=None, record=None):
    """Many Euler steps, with gradients through all of them.

    Parameters
    ----------
    circuit, dt, weights, parameters
        As in `euler_step`.
    inputs : Tensor, array_like or dict of these
        Shape (), (units,), (trials, units), or (steps, trials, units) if it changes with time. The first one gives the
        type and the device of the computation.
    steps : int
    states : dict of Tensor, optional
        States to start from, each (units,) or (trials, units); those not named start where the circuit says.
    record : sequence of str, optional
        States to keep at every step. Default: all.

    Returns
    -------
    trace : dict of Tensor
        Each recorded state after every step, shape (steps, trials, units), or (steps, units) without trials.
    states : dict of Tensor
        The states after the last step.
    """
    inputs = _as_tensors(check_circuit(circuit).dynamics, inputs)
    steps = positive_int("steps", steps)
    check_steps(inputs, steps)
    like = next(iter(inputs.values()), torch.empty(0, dtype=torch.float64))
    step = EulerStep(circuit, dt, weights, parameters, like.dtype, like.device)
    states, inputs = step.check_states({**step.initial(), **(states or {})}), step.complete_inputs(inputs)
    count_trials("inputs and states", {**inputs, **states})
    trials = torch.broadcast_shapes(*(v.shape[-2:-1] for v in (*inputs.values(), *states.values())))
    states = {name: value.expand(*trials, value.shape[-1]) for name, value in states.items()}
    trace = {known_name("state", name, states): [] for name in (states if record is None else record)}
    for now in _by_step(inputs, steps):
        states = step.advance(states, now)
        for name, values in trace.items():
            values.append(states[name])
    return {name: torch.stack(values) for name, values in trace.items()}, states


def _by_step(inputs, steps):
    """A dictionary for each step; only inputs of shape (steps, trials, units) change with time.

    They are cut with `unbind`, whose backward pass is a single `stack`; indexing would fill a tensor of all steps at
    every step.
    """
    columns = {name: v[:steps].unbind(0) if v.dim() > 2 else (v,) * steps for name, v in inputs.items()}
    return [{name: column[k] for name, column in columns.items()} for k in range(steps)]


class EulerStep:
    """The Euler step of a circuit with its weights prepared, to be called many times.

    Parameters
    ----------
    circuit, dt, weights, parameters
        As in `euler_step`.
    dtype, device
        Of what is taken from the circuit itself.
    """

    def __init__(self, circuit, dt, weights=None, parameters=None, dtype=torch.float64, device=None):
        self.dynamics = check_circuit(circuit).dynamics
        self.dt = seconds("dt", dt)
        self._like = {"dtype": dtype, "device": device}
        self._parameters = self._collect_parameters(parameters or {})
        self._products = self._collect_products(weights or {})

    def __call__(self, states, inputs=None):
        """The states after one step."""
        return self.advance(self.check_states(states), self.complete_inputs(inputs))

    def advance(self, states, inputs):
        """The states after one step, nothing checked or completed."""
        delivered = {qualify(c.target, c.variable): self._deliver(c, states, inputs) for c in self.dynamics.connections}
        rates = self.dynamics.combine(states, inputs, delivered, self._parameters, TORCH)
        return {name: torch.add(states[name], rate, alpha=self.dt) for name, rate in rates.items()}

    def _deliver(self, connection, states, inputs):
        """Weights times source."""
        value = self.dynamics.source(connection, states, inputs, self._parameters, TORCH)
        n = connection.weights.shape[1]
        if not (isinstance(value, torch.Tensor) and value.shape[-1:] == (n,)):
            value = torch.as_tensor(value, **self._like).expand(n)  # no units: a parameter, for example
        return self._products[connection.key](value)

    # --- what comes in ------------------------------------------------------------------------------------------

    def initial(self):
        """Where the circuit says the states start, each of shape (units,)."""
        return {name: torch.tensor(value, **self._like) for name, value in self.dynamics.initial.items()}

    def check_states(self, states):
        """``states`` if they are all there and have the right number of units."""
        for name in states:
            known_name("state", name, self.dynamics.states)
        for name, n in self.dynamics.states.items():
            if name not in states:
                raise ValueError(f"the state {name!r} is missing; give all of {', '.join(self.dynamics.states)}")
            _check_units(name, states[name], n)
        return states

    def complete_inputs(self, inputs):
        """``inputs`` as a dictionary of tensors with one entry for each input of the circuit; those not given are 0."""
        inputs = _as_tensors(self.dynamics, inputs)
        for name, value in inputs.items():
            n = self.dynamics.inputs[name]
            if value.dim() == 0:  # one number stands for all units
                inputs[name] = value.expand(n)
            _check_units(name, inputs[name], n)
        missing = {name: n for name, n in self.dynamics.inputs.items() if name not in inputs}
        return {**inputs, **{name: torch.zeros(n, **self._like) for name, n in missing.items()}}

    # --- preparation --------------------------------------------------------------------------------------------

    def _collect_parameters(self, given):
        """Parameters of each population: those given, then those of the circuit (single numbers stay numbers)."""
        known = {qualify(p, name): (p, name) for p, pop in self.dynamics.populations.items() for name in pop.parameters}
        for name in given:
            known_name("parameter", name, known)
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
            if value.shape != known[name].shape:
                raise ValueError(
                    f"weights {name!r} have shape {tuple(value.shape)}, but must have {known[name].shape} (units, source units)"
                )
        return {name: self._product(given.get(name, own)) for name, own in known.items()}

    def _product(self, weights):
        """``weights`` as a function: by the structure of an operator where that is simple, else a matrix product."""
        if not isinstance(weights, Operator):
            return partial(linear, weight=weights)
        if weights.is_identity:
            return lambda x: x
        if isinstance(weights, Uniform):
            return lambda x: (weights.value * x.sum(-1, keepdim=True)).expand(*x.shape[:-1], weights.shape[0])
        return partial(linear, weight=torch.tensor(weights.to_dense(), **self._like))


def _as_tensors(dynamics, inputs):
    """Inputs by full name: tensors as they are; numbers and arrays in float64 and SI units, as everywhere outside torch."""
    given = dynamics.name_inputs(inputs)
    return {
        name: value if isinstance(value, torch.Tensor) else torch.as_tensor(magnitude(name, value, dynamics.unit(name)))
        for name, value in given.items()
    }


def _check_units(name, value, n):
    if value.shape[-1:] != (n,):
        raise ValueError(f"{name} has shape {tuple(value.shape)}, but its last axis must be the {n} units")
