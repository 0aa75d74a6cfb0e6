"""The steady state of the two-type circuit for any recurrence, and its derivative without unrolling the solver.

With the gated drive u = b z and the offset c = (sigma b0)², a steady state of the model "two_type" is a solution of

    y = u + (1 - sqrt(a)) W_r y,      a = c + W (a y²).

`equilibrium` iterates these two lines, which takes matrix products only. Where that does not settle, it solves for y
exactly at given a (the iteration of Rawat, Heeger & Martiniani, NeurIPS 2024, arXiv:2409.18946), moves a part of the
way on a logarithmic scale, and ends with Newton's method, which is slower and robust. What it finds solves the
equations; whether the circuit is stable there is another question (`organics_neuro.experiments.stability`). The backward
pass solves the adjoint equations in the same way (implicit differentiation), so memory and gradients do not depend on
the number of iterations.

Arrays of states are (samples, units); a matrix product with weights is written ``y @ W_r.T``.
"""

import torch

from organics_neuro.core.errors import ConvergenceError
from organics_neuro.nn.protocol import SteadyState

#: Largest residual of a steady state, relative to its largest value or 1, whichever is larger.
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
#: How often the authors' public code solves for y.
PUBLISHED_ITERATIONS = 10
_FAST_ITERATIONS = 120
#: Steps of the damped iteration on a logarithmic scale, and how many of each; Newton's method follows each time.
_DAMPED_ITERATIONS = {0.5: 150, 0.1: 300}
_NEWTON_ITERATIONS = 20
#: To see whether all samples have settled costs more than an iteration.
_CHECK_EVERY = 5


def equilibrium(drive, offset, W_r, W):
    """The steady state of the model "two_type".

    Parameters
    ----------
    drive : Tensor, shape (..., units)
        b z, in float32 or float64.
    offset : Tensor, shape (units,)
        (sigma b0)², larger than 0.
    W_r, W : Tensor, shape (units, units)
        Recurrence and pool; no entry of the pool is negative.

    Returns
    -------
    SteadyState

    Raises
    ------
    ConvergenceError
        If there are samples without a steady state, or none was found.
    """
    flat = drive.reshape(-1, drive.shape[-1])
    found = _Equilibrium.apply(flat, offset, W_r, W)
    return SteadyState(*(value.reshape(drive.shape[:-1] + value.shape[1:]) for value in found))


def residual(y, a, drive, offset, W_r, W):
    """Largest ``|tau dx/dt|`` over the units, shape (...); see `equilibrium`."""
    return _largest(*_residuals(y, a, drive, offset, W_r, W))


def _residuals(y, a, drive, offset, W_r, W):
    """tau dx/dt of y and of a."""
    return drive + (1 - a.sqrt()) * (y @ W_r.T) - y, offset + (a * y.square()) @ W.T - a


def published_iteration(drive, offset, W_r, W):
    """(y, a) by the algebra of the authors' public code, which is not the steady state of the circuit.

    Repeated solutions of y = (I - W_r + D[a] W_r)⁻¹ b z. The circuit's gate is 1 - sqrt(a), so D[sqrt(a)] belongs there:
    what is found is the steady state of a circuit with the gate 1 - a.
    """
    recurrent = drive @ W_r.T
    a = offset + recurrent.square() @ W.T + 1e-10
    for _ in range(PUBLISHED_ITERATIONS):
        matrix = torch.eye(len(W_r), dtype=W_r.dtype, device=W_r.device) - W_r + a.unsqueeze(-1) * W_r
        y = torch.linalg.solve(matrix, drive)
        a = offset + (a * y.square()) @ W.T + 1e-10
    return y, a


class _Equilibrium(torch.autograd.Function):
    @staticmethod
    def forward(ctx, drive, offset, W_r, W):
        y, a, error, moving, steps = _iterate(drive, offset, W_r, W)
        steps = torch.full_like(error, steps, dtype=torch.long)
        if moving.any():
            failed = moving.nonzero().squeeze(1)
            y[failed], a[failed], more = _search(drive[failed], offset, W_r, W)
            error, steps[failed] = residual(y, a, drive, offset, W_r, W), steps[failed] + more
            _check(_exceeds(error, y, a), error, drive)
        ctx.save_for_backward(y, a, W_r, W)
        ctx.mark_non_differentiable(error, steps)
        return y, a, error, steps

    @staticmethod
    def backward(ctx, grad_y, grad_a, *_):
        return _Gradient.apply(grad_y, grad_a, *ctx.saved_tensors)


class _Gradient(torch.autograd.Function):
    """A function of its own, as it depends on the steady state: one more derivative then comes by here, and is refused."""

    @staticmethod
    def forward(ctx, grad_y, grad_a, y, a, W_r, W):
        at_y, at_a = _adjoint(grad_y, grad_a, y, a, W_r, W)
        return (
            at_y,
            at_a.sum(0),
            ((1 - a.sqrt()) * at_y).T @ y,
            at_a.T @ (a * y.square()),
        )

    @staticmethod
    def backward(ctx, *_):
        raise RuntimeError("learned recurrence has no second derivatives; make the layer with recurrence='identity'")


def _largest(*values):
    """The largest absolute value of each sample."""
    return torch.maximum(*(value.abs().amax(-1) for value in values))


def _exceeds(error, y, a):
    """Where a residual is larger than the tolerance allows; also where it is NaN."""
    return ~(error <= TOLERANCE[y.dtype] * _largest(y, a).clamp(min=1))


def _check(failed, error, drive):
    if not failed.any():
        return
    if not drive.isfinite().all():
        raise ValueError("the input of the layer holds NaN or infinity, or makes its drive infinite")
    raise ConvergenceError(
        f"no steady state was found for {int(failed.sum())} of {len(failed)} samples (residual up to "
        f"{error[failed].max().item():.1e}); the circuit may have none for this input. Weaker recurrence, a weaker "
        "drive or a larger b0 keep it in the range where it has one"
    )


def _iterate(drive, offset, W_r, W):
    """Both equations in turn until all samples have settled: (y, a, residual, which samples have not, iterations)."""
    recurrent = drive @ W_r.T
    a = offset + recurrent.square() @ W.T
    y = recurrent / a.sqrt()  # a steady state if W_r is the identity
    steps = 0
    while True:
        for _ in range(_CHECK_EVERY):
            y = torch.addcmul(drive, 1 - a.sqrt(), y @ W_r.T)
            a = torch.addmm(offset, a * y.square(), W.T)
        error, steps = residual(y, a, drive, offset, W_r, W), steps + _CHECK_EVERY
        moving = _exceeds(error, y, a)
        if steps >= _FAST_ITERATIONS or not moving.any():
            return y, a, error, moving, steps


def _search(drive, offset, W_r, W):
    """(y, a, iterations) by the damped iteration and Newton's method, in double precision; iterations (samples,)."""
    dtype = drive.dtype
    drive, offset, W_r, W = (value.double() for value in (drive, offset, W_r, W))
    y, a = torch.zeros_like(drive), offset + (drive @ W_r.T).square() @ W.T
    steps = torch.zeros(len(drive), dtype=torch.long, device=drive.device)
    left = drive.isfinite().all(-1).nonzero().squeeze(1)
    for step, count in _DAMPED_ITERATIONS.items():
        circuit = drive[left], offset, W_r, W
        y[left], a[left], damped = _damped(a[left], *circuit, step, count)
        near_y, near_a, polished = _newton(y[left], a[left], *circuit)
        steps[left] += damped + polished
        found = ~_exceeds(residual(near_y, near_a, *circuit), near_y, near_a)
        y[left[found]], a[left[found]] = near_y[found], near_a[found]
        left = left[~found]
        if not len(left):
            break
    return y.to(dtype), a.to(dtype), steps


def _damped(a, drive, offset, W_r, W, step, count):
    """y solved for at given a, and a <- a (a_next / a)^step, until they differ little; (y, a, iterations)."""
    identity = torch.eye(len(W_r), dtype=W_r.dtype, device=W_r.device)
    steps, moving = 0, True
    while moving and steps < count:
        y, _ = torch.linalg.solve_ex(identity - (1 - a.sqrt()).unsqueeze(-1) * W_r, drive)
        ratio = (offset + (a * y.square()) @ W.T) / a
        a, steps = a * ratio**step, steps + 1
        moving = ((ratio - 1).abs() > 1e-3).any()
    return y, a, steps


def _newton(y, a, drive, offset, W_r, W):
    """Newton's method for both equations together; (y, a, iterations)."""
    n, steps, moving = y.shape[-1], 0, True
    while moving and steps < _NEWTON_ITERATIONS:
        error = torch.cat(_residuals(y, a, drive, offset, W_r, W), -1)
        change, _ = torch.linalg.solve_ex(_linearised(y, a, W_r, W), error)
        y, a, steps = y + change[:, :n], a + change[:, n:], steps + 1
        moving = (change.abs() > TOLERANCE[y.dtype]).any()
    return y, a, steps


def _adjoint(grad_y, grad_a, y, a, W_r, W):
    """The solution of v = grad + (∂F/∂x)ᵀ v, where x = F(x) are the two equations of the steady state."""
    root, square = a.sqrt(), y.square()
    gate, to_y, to_a = 1 - root, 2 * a * y, (y @ W_r.T) / (-2 * root)
    at_y, at_a = grad_y, grad_a
    for k in range(1, _FAST_ITERATIONS + 1):
        old_y, old_a = at_y, at_a
        pooled = at_a @ W
        at_y = torch.addcmul(grad_y, to_y, pooled).addmm_(gate * at_y, W_r)
        at_a = torch.addcmul(grad_a, to_a, at_y).addcmul_(square, pooled)
        if k % _CHECK_EVERY == 0:
            change = _largest(at_y - old_y, at_a - old_a)
            settled = change <= TOLERANCE[y.dtype] * _largest(at_y, at_a)
            if settled.all():
                break
    slow = (~settled).nonzero().squeeze(1)
    if len(slow):
        at_y[slow], at_a[slow] = _solve_adjoint(grad_y[slow], grad_a[slow], y[slow], a[slow], W_r, W)
    return at_y, at_a


def _solve_adjoint(grad_y, grad_a, y, a, W_r, W):
    """The same by elimination, in double precision, for samples in which iterations converge slowly or not at all."""
    n, dtype = y.shape[-1], y.dtype
    matrix = _linearised(*(value.double() for value in (y, a, W_r, W)))
    found = torch.linalg.solve(matrix.mT, torch.cat([grad_y, grad_a], -1).double()).to(dtype)
    return found[:, :n], found[:, n:]


def _linearised(y, a, W_r, W):
    """I - ∂F/∂x of the equations x = F(x), states ordered y, a: shape (samples, 2 units, 2 units)."""
    n, root = y.shape[-1], a.sqrt()
    matrix = torch.eye(2 * n, dtype=y.dtype, device=y.device).repeat(len(y), 1, 1)
    matrix[:, :n, :n] -= (1 - root).unsqueeze(-1) * W_r
    matrix[:, :n, n:] += torch.diag_embed((y @ W_r.T) / (2 * root))
    matrix[:, n:, :n] -= W * (2 * a * y).unsqueeze(-2)
    matrix[:, n:, n:] -= W * y.square().unsqueeze(-2)
    return matrix
