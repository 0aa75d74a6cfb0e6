"""What the authors' public code computes in place of a steady state, for comparison."""

import torch
from torch import Tensor

#: How often the authors' public code solves for y.
PUBLISHED_ITERATIONS = 10


def published_iteration(drive: Tensor, offset: Tensor, W_r: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    """(y, a) by the algebra of the authors' public code, which is not the steady state of the circuit.

    Repeated solutions of y = (I - W_r + D[a] W_r)⁻¹ b z. The circuit's gate is 1 - sqrt(a), so D[sqrt(a)] belongs there:
    what is found is the steady state of a circuit with the gate 1 - a.

    Parameters
    ----------
    drive : Tensor, shape (..., units)
        b z.
    offset : Tensor, shape (units,)
        (sigma b0)².
    W_r, W : Tensor, shape (units, units)
        Recurrence and pool.
    """
    recurrent = drive @ W_r.T
    a = offset + recurrent.square() @ W.T + 1e-10
    for _ in range(PUBLISHED_ITERATIONS):
        matrix = torch.eye(len(W_r), dtype=W_r.dtype, device=W_r.device) - W_r + a.unsqueeze(-1) * W_r
        y = torch.linalg.solve(matrix, drive)
        a = offset + (a * y.square()) @ W.T + 1e-10
    return y, a  # pyright: ignore[reportPossiblyUnboundVariable]
