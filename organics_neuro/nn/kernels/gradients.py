"""What torch must know of the compiled operators besides their code: shapes of their results, and gradients."""

from functools import cache

import torch
from torch.library import register_autograd, register_fake


@cache
def register() -> None:
    """Tell torch, once the operators are loaded. Autograd and `torch.compile` then take them like its own."""
    register_fake("organics_neuro::gated_forward", _forward_shapes)
    register_fake("organics_neuro::gated_backward", _backward_shapes)
    register_autograd("organics_neuro::gated_forward", _backward, setup_context=_remember)
    register_autograd("organics_neuro::gated_backward", _refuse)


def _forward_shapes(x, w_x, w_r, w_g, w_a, h, state, gains, block, segment, *options):
    *_, whole, keep = options
    steps, batch, units = x.shape[0], x.shape[1], w_r.shape[0]
    trace = torch.ops.organics_neuro.gated_trace(steps, batch, units, segment, keep)
    output = x.new_empty(steps if whole else 0, batch, units)
    return output, torch.empty_like(state), torch.empty_like(gains), x.new_empty(trace)


def _backward_shapes(d_output, d_last, d_last_gains, x, w_x, w_r, w_g, w_a, h, saved, *options):
    wants_x = options[-1]
    d_x = x.new_empty(x.shape if wants_x else (0, *x.shape[1:]))
    return d_x, *map(torch.empty_like, (w_x, w_r, w_g, w_a, h, d_last, d_last_gains))


def _remember(ctx, inputs, output):
    ctx.set_materialize_grads(False)
    ctx.options = inputs[8:-2]  # all but whole and keep
    ctx.save_for_backward(*inputs[:6], output[-1])


def _backward(ctx, d_output, d_last, d_gains, _):
    input, *weights, trace = ctx.saved_tensors
    shape = (input.shape[1], 2 * weights[1].shape[0])
    d_last, d_gains = (input.new_zeros(shape) if d is None else d for d in (d_last, d_gains))
    d_output = input.new_empty(0) if d_output is None else d_output
    if d_output.dim() and d_output.stride(-1) != 1:
        d_output = d_output.contiguous()
    wants_input = ctx.needs_input_grad[0]
    d_input, *rest = torch.ops.organics_neuro.gated_backward(
        d_output, d_last, d_gains, input, *weights, trace, *ctx.options, wants_input
    )
    return d_input if wants_input else None, *rest, *[None] * 8


def _refuse(ctx, *_):
    raise RuntimeError("the fused kernel has no second derivatives; use ORGaNICs(..., kernel='torch')")
