"""The steady state of any declared model, and its derivative without unrolling the solver.

A steady state is a solution of x = F(x) (`organics_neuro.nn.equations`, made from the declaration). `solve` iterates
these equations one after the other, which takes matrix products only. Where that does not settle, it solves for the
states that the model does not declare as ``relaxed`` at given others (the iteration of Rawat, Heeger & Martiniani,
NeurIPS 2024, arXiv:2409.18946), moves the relaxed ones a part of the way on a logarithmic scale, and ends with Newton's
method, which is slower and robust; its steps are shortened where nothing else helped. What it finds solves the equations; whether the circuit is stable there is another
question (`organics_neuro.theory.is_stable`). The backward pass solves the adjoint equations in the same way (implicit
differentiation), so memory and gradients do not depend on the number of iterations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.model import CircuitModel
from organics_neuro.nn.equations import System, Values, add_product, largest
from organics_neuro.nn.transforms import refuse_search

#: Largest residual of a steady state, relative to its largest value or 1, whichever is larger.
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
_FAST_ITERATIONS = 120
#: Steps of the damped iteration on a logarithmic scale, and how many of each; Newton's method follows each time.
_DAMPED_ITERATIONS = {0.5: 150, 0.1: 300}
_NEWTON_ITERATIONS = 20
#: Steps of Newton's method whose length is chosen, and how often each may be halved.
_DESCENT_ITERATIONS, _HALVINGS = 60, 12
#: To see whether all samples have settled costs more than an iteration.
_CHECK_EVERY = 5


class Equilibrium(NamedTuple):
    """A steady state and how well it was found.

    Attributes
    ----------
    states : dict of Tensor
        By name, each (..., units); they carry gradients.
    residual : Tensor, shape (...)
        Largest ``|tau dx/dt|`` over the units, in the units of the states.
    iterations : Tensor of int, shape (...)
        Steps of the solver.
    """

    states: dict[str, Tensor]
    residual: Tensor
    iterations: Tensor


def solve(model: CircuitModel, values: Values, weights: Mapping[str, Tensor]) -> Equilibrium:
    """The steady state of a model, with gradients of all that is given.

    Parameters
    ----------
    model : CircuitModel
    values : dict of Tensor or float
        Inputs, parameters, and what couplings from external inputs deliver, by name: tensors (..., units), (units,) in
        float32 or float64, or numbers. Time constants that cancel in tau dx/dt may be left out.
    weights : dict of Tensor
        Of the couplings within the population, (units, units).

    Returns
    -------
    Equilibrium

    Raises
    ------
    ConvergenceError
        If there are samples without a steady state, or none was found.
    ValueError
        If an input is not finite.
    RuntimeError
        Where torch transforms or records what is computed (torch.func, traces, torch.export).
    """
    refuse_search()
    shape = torch.broadcast_shapes(*(v.shape[:-1] for v in values.values() if isinstance(v, Tensor)))
    flat = {name: _flat(value, shape) for name, value in values.items()}
    names = [name for name, value in flat.items() if isinstance(value, Tensor)]
    problem = _Problem(model, {n: v for n, v in flat.items() if n not in names}, names, list(weights))
    *states, error, steps = _Equilibrium.apply(problem, *(flat[n] for n in names), *weights.values())  # pyright: ignore
    states = {name: value.reshape(*shape, value.shape[-1]) for name, value in zip(model.states, states, strict=True)}
    return Equilibrium(states, error.reshape(shape), steps.reshape(shape))


def _flat(value, shape):
    """A tensor with one axis of samples, unless it is that of one population."""
    if not isinstance(value, Tensor) or value.dim() < 2:
        return value
    return value.expand(*shape, value.shape[-1]).reshape(-1, value.shape[-1])


class _Problem(NamedTuple):
    """What is not a tensor: the model, its plain numbers, and the names of the tensors."""

    model: CircuitModel
    numbers: dict[str, Any]
    values: list[str]
    weights: list[str]

    def system(self, tensors: Sequence[Tensor]) -> System:
        """The equations with these tensors."""
        k = len(self.values)
        values = {**self.numbers, **dict(zip(self.values, tensors[:k], strict=True))}
        return System(self.model, values, dict(zip(self.weights, tensors[k:], strict=True)))


class _Equilibrium(torch.autograd.Function):
    @staticmethod
    def forward(ctx, problem, *tensors):
        system = problem.system(tensors)
        states, error, moving, steps = _iterate(system)
        steps = torch.full_like(error, steps, dtype=torch.long)
        if moving.any():
            failed = moving.nonzero().squeeze(1)
            found, more = _search(system.select(failed))
            for state, better in zip(states, found, strict=True):
                state[failed] = better
            error, steps[failed] = system.error(states), steps[failed] + more
            _check(_exceeds(error, states), error, tensors[: len(problem.values)])
        ctx.problem = problem
        ctx.save_for_backward(*states, *tensors)
        ctx.mark_non_differentiable(error, steps)
        return (*states, error, steps)

    @staticmethod
    def backward(ctx, *grads):
        grads = grads[: len(ctx.problem.model.states)]
        return None, *_Gradient.apply(ctx.problem, ctx.needs_input_grad[1:], *grads, *ctx.saved_tensors)  # pyright: ignore


class _Gradient(torch.autograd.Function):
    """A function of its own, as it depends on the steady state: one more derivative then comes by here, and is refused."""

    @staticmethod
    def forward(ctx, problem, needed, *tensors):
        n = len(problem.model.states)
        grads, states, given = tensors[:n], tensors[n : 2 * n], tensors[2 * n :]
        system = problem.system(given)
        pullback = _Pullback(system, states)
        adjoint = _adjoint(system, pullback, grads, states)
        return pullback.gradients(problem, adjoint, given, needed)

    @staticmethod
    def backward(ctx, *_):
        raise RuntimeError("learned recurrence has no second derivatives; make the layer with recurrence='identity'")


def _exceeds(error, states):
    """Where a residual is larger than the tolerance allows; also where it is NaN."""
    return ~(error <= TOLERANCE[error.dtype] * largest(*states).clamp(min=1))


def _check(failed, error, values):
    if not failed.any():
        return
    if not all(value.isfinite().all() for value in values):
        raise ValueError("the input of the layer holds NaN or infinity, or makes its drive infinite")
    raise ConvergenceError(
        f"no steady state was found for {int(failed.sum())} of {len(failed)} samples (residual up to "
        f"{error[failed].max().item():.1e}); the circuit may have none for this input. Weaker recurrence, a weaker "
        "drive or a larger b0 keep it in the range where it has one"
    )


def _iterate(system):
    """The equations in turn until all samples have settled: (states, residual, which samples have not, iterations)."""
    states, steps = system.start(), 0
    while True:
        for _ in range(_CHECK_EVERY):
            states = system.advance(states)
        error, steps = system.error(states), steps + _CHECK_EVERY
        moving = _exceeds(error, states)
        if steps >= _FAST_ITERATIONS or not moving.any():
            return [state.contiguous() for state in states], error, moving, steps


def _search(system):
    """(states, iterations) by the damped iteration and Newton's method, in double precision; iterations (samples,)."""
    dtype, double = next(iter(system.weights.values())).dtype, system.double()
    states = [torch.where(x.isfinite(), x, 1.0) for x in double.start()]
    steps = torch.zeros(len(states[0]), dtype=torch.long, device=states[0].device)
    left = torch.arange(len(steps), device=steps.device)
    for step, count in _DAMPED_ITERATIONS.items():
        part = double.select(left)
        near, damped = _damped(part, [x[left] for x in states], step, count)
        polished, more = _newton(part, near)
        steps[left] += damped + more
        found = ~_exceeds(part.error(polished), polished)
        for state, x, exact in zip(states, near, polished, strict=True):
            state[left] = torch.where(found.unsqueeze(-1), exact, x)
        left = left[~found]
        if not len(left):
            break
    if len(left):
        found, more = _descent(double.select(left), [x[left] for x in double.start()])
        steps[left] += more
        for state, x in zip(states, found, strict=True):
            state[left] = x
    return [state.to(dtype) for state in states], steps


def _damped(system, states, step, count):
    """The other states solved for at given relaxed ones a, and a <- a (F / a)^step, until they differ little.

    Without relaxed states, all take such a part of their step. Returns (states, iterations).
    """
    model, n = system.equations.model, states[0].shape[-1]
    others = [k for k, name in enumerate(model.states) if name not in model.relaxed]
    steps, moving = 0, True
    while moving and steps < count:
        if model.relaxed:
            states = _solved(system, states, others, n)
        following, change = system.next(states), 0.0
        for k, name in enumerate(model.states):
            if name in model.relaxed or not model.relaxed:
                x, f = states[k], following[k]
                positive = (x > 0) & (f > 0)
                ratio = torch.where(positive, f, 1.0) / torch.where(positive, x, 1.0)
                states[k] = torch.where(positive, x * ratio**step, x + step * (f - x))
                change = max(change, torch.where(positive, ratio - 1, f - x).abs().max().item() if x.numel() else 0.0)
        steps, moving = steps + 1, change > 1e-3
    return states, steps


def _solved(system, states, which, n):
    """One step of Newton's method for some of the states, which is exact where their equations are linear."""
    matrix, following = system.linearised(states), system.next(states)
    rows = torch.cat([torch.arange(k * n, (k + 1) * n) for k in which])
    error = torch.cat([following[k] - states[k] for k in which], -1)
    change, _ = torch.linalg.solve_ex(matrix[:, rows][:, :, rows], error)
    states = list(states)
    for k, part in zip(which, change.split(n, -1), strict=True):
        states[k] = states[k] + part
    return states


def _newton(system, states):
    """Newton's method for all equations together; (states, iterations)."""
    steps, moving = 0, True
    while moving and steps < _NEWTON_ITERATIONS:
        before = states
        states = _solved(system, states, range(len(states)), states[0].shape[-1])
        steps += 1
        moving = any(((x - y).abs() > TOLERANCE[x.dtype]).any() for x, y in zip(states, before, strict=True))
    return states, steps


def _descent(system, states):
    """Newton's method from the start, each step halved until the residual falls; (states, iterations).

    For equations in which no state is a part of its own, such as dx/dt = tanh(W x + z), iterations lead nowhere, and full
    steps of Newton's method lead too far.
    """
    steps, moving = 0, True
    while moving and steps < _DESCENT_ITERATIONS:
        error, full = system.error(states), _solved(system, states, range(len(states)), states[0].shape[-1])
        part = torch.ones_like(error)
        for _ in range(_HALVINGS):
            trial = [x + part.unsqueeze(-1) * (f - x) for x, f in zip(states, full, strict=True)]
            worse = ~(system.error(trial) < error)  # NaN is not smaller
            part = torch.where(worse, part / 2, part)
            if not worse.any():
                break
        states = [torch.where(worse.unsqueeze(-1), x, t) for x, t in zip(states, trial, strict=True)]
        steps, moving = steps + 1, not worse.all() and _exceeds(system.error(states), states).any()
    return states, steps


def _adjoint(system, pullback, grads, states):
    """The solution of v = grad + (dF/dx)ᵀ v, for each of the states."""
    found = list(grads)
    for k in range(1, _FAST_ITERATIONS + 1):
        before = list(found)
        pullback(grads, found)
        if k % _CHECK_EVERY == 0:
            change = largest(*(x - y for x, y in zip(found, before, strict=True)))
            settled = change <= TOLERANCE[change.dtype] * largest(*found)
            if settled.all():
                break
    slow = (~settled).nonzero().squeeze(1)  # pyright: ignore[reportPossiblyUnboundVariable]
    if len(slow):
        exact = _solve_adjoint(system.select(slow), [g[slow] for g in grads], [x[slow] for x in states])
        for value, better in zip(found, exact, strict=True):
            value[slow] = better
    return found


class _Pullback:
    """What a change of F comes from, at a steady state: other states, weights, inputs and parameters."""

    def __init__(self, system, states):
        self.system, self.equations = system, system.equations
        self.known = system.at(states)
        self.local, self.response, self.slopes = system.derivatives(self.known)
        links = self.equations.links
        #: By state, the links that read it; by link, the states of which F reads what it delivers.
        self.reading = {t: [k for k, state in self.slopes if state == t] for t in self.equations.states}
        self.read_by = {k: [s for s, target in self.response if target == k.target] for k in links}

    def __call__(self, grads, found):
        """v <- grad + (dF/dx)ᵀ v, one state after the other, in place; products of what has not changed are kept."""
        names = self.equations.states
        values, kept = dict(zip(names, found, strict=True)), {}
        for k, (t, grad) in enumerate(zip(names, grads, strict=True)):
            total = grad
            for s in names:
                if (s, t) in self.local:
                    total = add_product(total, self.local[s, t], values[s])
            for link in self.reading[t]:
                if link not in kept:
                    kept[link] = self._at_source(link, values)
                total = add_product(total, self.slopes[link, t], kept[link])
            values[t] = found[k] = total
            kept = {link: back for link, back in kept.items() if t not in self.read_by[link]}

    def _at_target(self, target, values):
        """What comes back to what couplings deliver to a variable."""
        first, *others = (_scaled(r, values[s]) for (s, variable), r in self.response.items() if variable == target)
        return sum(others, first)

    def _at_source(self, link, values):
        """What comes back through the weights of a coupling."""
        return self._at_target(link.target, values) @ self.system.weights[link.weights]

    def gradients(self, problem, adjoint, given, needed):
        """Gradients of the tensors ``given``, by the solution of the adjoint equations; None where not ``needed``."""
        values = dict(zip(self.equations.states, adjoint, strict=True))
        found: dict[str, Any] = {}
        wanted = dict(zip([*problem.values, *problem.weights], needed, strict=True))
        for link in self.equations.links:
            if wanted[link.weights] and self.read_by[link]:
                source = link.source(self.known)
                gradient = self._at_target(link.target, values).T @ torch.as_tensor(source).expand(len(adjoint[0]), -1)
                found[link.weights] = gradient + found.get(link.weights, 0)
        leaves = {
            name: value.detach().requires_grad_()
            for name, value in zip(problem.values, given, strict=False)
            if wanted[name] and name not in self.system.outside
        }
        for name, value in self.system.outside.items():
            if wanted.get(name) and any(target == name for _, target in self.response):
                found[name] = self._at_target(name, values).sum_to_size(value.shape)
        with torch.enable_grad():
            known = {**self.known, **leaves}
            pairs = [(f, values[s]) for s in values for f in self._terms(s, known)]
            pairs += [(k.source(known), self._at_source(k, values)) for k in self._links_reading(leaves)]
            pairs = [(f.expand_as(v), v) for f, v in pairs if isinstance(f, Tensor) and f.requires_grad]
        if pairs and leaves:
            outputs, back = zip(*pairs, strict=True)
            gradients = torch.autograd.grad(outputs, list(leaves.values()), back, allow_unused=True)
            found.update(zip(leaves, gradients, strict=True))
        return tuple(found.get(name) for name in wanted)

    def _terms(self, state, known):
        """What F adds that inputs and parameters change, and the rest if they change it, too; couplings are held."""
        yield self.equations.offsets[state](known)
        rest = self.equations.rest[state]
        for name in rest.names:
            known[name] = known[name] if name in known else self.known[name]
        if any(known[name].requires_grad for name in rest.names):
            yield rest(known)

    def _links_reading(self, leaves):
        return [k for k in self.equations.links if set(leaves).intersection(k.source.names) and self.read_by[k]]


def _scaled(factor, value):
    return value if not isinstance(factor, Tensor) and factor == 1 else factor * value


def _solve_adjoint(system, grads, states):
    """The same by elimination, in double precision, for samples in which iterations converge slowly or not at all."""
    n, dtype = states[0].shape[-1], states[0].dtype
    matrix = system.double().linearised([x.double() for x in states])
    found = torch.linalg.solve(matrix.mT, torch.cat(grads, -1).double()).to(dtype)
    return found.split(n, -1)
