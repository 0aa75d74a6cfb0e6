"""Training step of a steady-state layer: the implicit solver against ten LU solutions. ``python -m benchmarks.steady``

Both are layers with learned recurrence, forward and backward, in single precision: one finds the steady state, the
other (``legacy=True``) follows the authors' public code. The recurrence is random with largest singular value 1.
"""

import torch

from benchmarks import harness as h
from organics_neuro.nn import DivisiveNormalization

BATCH, INPUTS, SIZES = 256, 40, (60, 80, 120)


def layers(n):
    """The two layers with equal parameters, and a batch."""
    torch.manual_seed(n)
    ours, published = (DivisiveNormalization(INPUTS, n, "learned", legacy=legacy) for legacy in (False, True))
    with torch.no_grad():
        ours.W_r = torch.randn(n, n)
    published.load_state_dict(ours.state_dict())
    return ours, published, torch.randn(BATCH, INPUTS)


def training_step(layer, x):
    """Forward and backward, as a function."""
    return lambda: layer(x).sum().backward()


def main():
    h.pin()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    columns = ["units", "implicit [ms]", "ten LU [ms]", "ratio", "iterations", "residual", "LU residual"]
    table = h.Table("steady", columns)
    for n in SIZES:
        ours, published, x = layers(n)
        found, other = ours.steady_state(x), published.steady_state(x)
        implicit = h.best(training_step(ours, x), 20 * h.REPEATS)
        solved = h.best(training_step(published, x))
        errors = found.residual.max().item(), other.residual.max().item()
        table.add(n, 1e3 * implicit, 1e3 * solved, solved / implicit, found.iterations.max().item(), *errors)


if __name__ == "__main__":
    main()
