"""Training step of a steady-state layer: the implicit solver against ten LU solutions. ``python -m benchmarks.steady``

Both are layers with learned recurrence, forward and backward, in single precision: one finds the steady state, the
other (``legacy=True``) follows the authors' public code. The recurrence is random with largest singular value 1.
"""

import numpy as np
import torch

from benchmarks import harness as h
from benchmarks.tables import Table
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


def engine(name, layer, x, repeats):
    """Forward and backward of a layer."""

    def repeat():
        for _ in range(repeats):
            layer(x).sum().backward()

    return h.Engine(name, "torch", "float32", lambda: h.seconds(repeat) / repeats)


def main():
    h.pin()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    columns = ["units", "layer", "ms", "times implicit", "iterations", "residual"]
    table = Table("steady", columns)
    for n in SIZES:
        ours, published, x = layers(n)
        engines = [engine("implicit", ours, x, 40), engine("ten LU", published, x, 1)]
        for competitor in engines:  # the first call allocates
            competitor.run()
        times = h.race(engines)
        rows = zip((ours, published), engines, times.T, h.ratios(times), strict=True)
        for layer, competitor, seconds, ratio in rows:
            found = layer.steady_state(x)
            iterations, residual = found.iterations.max().item(), found.residual.max().item()
            table.add(n, competitor.name, 1e3 * np.median(seconds), ratio, iterations, residual)


if __name__ == "__main__":
    main()
