"""The gated circuit over a whole sequence as one operation with its own backward pass (``gated.cpp``).

Constraints on the weights stay with torch: the operation receives their effective values, computed once a sequence,
and returns gradients with respect to these.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from organics_neuro.nn.kernels import build

#: Rows of a batch that run through all steps together: their state and the weights fit into the cache of a core.
_ROWS = 64


def unroll(
    input: Tensor,
    state: Sequence[Tensor],
    weights: Mapping[str, Tensor],
    steps: Sequence[Tensor],
    *,
    rectified: bool,
    constant: Collection[str] = (),
    precision: Literal["bf16"] | None = None,
    checkpoint_every: int | None = None,
    whole: bool = True,
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Many steps of the gated circuit on the CPU.

    Parameters
    ----------
    input : Tensor, shape (steps, batch, inputs)
        float32 or float64, as all other tensors.
    state : tuple of Tensor
        y, a, b0 and b at the start, each (batch, units).
    weights : dict of Tensor
        Effective weights by their names in the model.
    steps : tuple of Tensor
        Step sizes of y, a, b0 and b, each (units,), none negative.
    rectified : bool
        Whether drive, recurrence and the pool see relu(.) of their input.
    constant : collection of str
        Gains, of "b0" and "b", that stay as they are: their step sizes are 0, and their gates are not computed.
    precision : {None, "bf16"}
        "bf16" rounds what the products between units multiply to bfloat16, in float32 and where there are such
        products: faster, and not exact.
    checkpoint_every : int, optional
        Keep only the state at every so many steps for the backward pass, and compute the rest again.
    whole : bool
        Whether the output is wanted; it is empty if not.

    Returns
    -------
    output : Tensor, shape (steps, batch, units)
        y after every step.
    state : tuple of Tensor
        y, a, b0 and b after the last step.
    """
    ops = build.operators()
    y, a, b0, b = state
    h_y, h_a = (h.unsqueeze(1) for h in steps[:2])
    w = weights
    tensors = (
        input if input.stride(-1) == 1 else input.contiguous(),
        torch.cat((h_y * w["W_zx"], w["W_b0x"], w["W_bx"])),
        h_y * w["W_r"],
        torch.cat((torch.cat((w["W_b0y"], w["W_b0a"]), 1), torch.cat((w["W_by"], w["W_ba"]), 1))),
        h_a * w["W"],
        torch.stack(tuple(steps)),
        torch.cat((y, a), 1),
        torch.cat((b0, b), 1),
    )
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    bf16 = precision == "bf16" and input.dtype == torch.float32 and ops.has_bfloat16()
    rows = max(1, min(_ROWS, -(-input.shape[1] // torch.get_num_threads())))
    units = y.shape[1]  # the gates of b0 come first
    gates = (units if "b0" in constant else 0, units if "b" in constant else 2 * units)
    options = (rows, checkpoint_every or len(input), *gates, rectified, bf16, whole, keep)
    output, last, gains, _ = ops.gated_forward(*tensors, *options)
    return output, (*last.chunk(2, 1), *gains.chunk(2, 1))
