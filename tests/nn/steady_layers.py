"""Steady-state layers and circuits with random parameters, for several tests."""

import numpy as np
import torch

from organics_neuro.nn import DivisiveNormalization
from organics_neuro.nn.equilibrium import solve
from organics_neuro.nn.protocol import SteadyState
from organics_neuro.nn.steady import TWO_TYPE


def random_layer(recurrence="learned", n=6, inputs=4, seed=0, dtype=torch.float64, **given):
    """A layer whose recurrence and gain have moved away from where they start."""
    torch.manual_seed(seed)
    layer = DivisiveNormalization(inputs, n, recurrence, dtype=dtype, **given)
    with torch.no_grad():
        layer.parametrizations.b0.original.normal_()
        if recurrence == "learned":
            layer.parametrizations.W_r.original.normal_()
    return layer


def random_circuit(n, seed, size=0.5, norm=1.0):
    """Drive (3, n), offset, W_r of largest singular value ``norm`` and W for `two_type`."""
    rng = np.random.default_rng(seed)
    drive = rng.normal(size=(3, n))
    drive *= size / np.linalg.norm(drive, axis=-1, keepdims=True)
    W_r = rng.normal(size=(n, n))
    values = drive, rng.uniform(0.1, 1, n), norm * W_r / np.linalg.norm(W_r, 2), np.exp(rng.uniform(-1, 0, (n, n)))
    return [torch.tensor(value) for value in values]


def two_type(drive, offset, W_r, W):
    """The steady state of the model "two_type" for b z and (sigma b0)²."""
    found = solve(TWO_TYPE, {"z": drive, "b": 1.0, "b0": offset.sqrt(), "sigma": 1.0}, {"W_r": W_r, "W": W})
    return SteadyState(*found.states.values(), found.residual, found.iterations)
