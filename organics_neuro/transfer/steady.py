"""Steady-state layers as circuits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from organics_neuro.core.circuits import Circuit
from organics_neuro.nn.protocol import SteadyLayer
from organics_neuro.transfer.recurrent import name_of


def steady_circuit(layer: SteadyLayer, x: ArrayLike | Tensor) -> tuple[Circuit, np.ndarray]:
    """The circuit of a steady-state layer and its input: run to its steady state, it gives the output of the layer.

    Parameters
    ----------
    layer : DivisiveNormalization, DivisiveNormalization2d, or another that has the method ``steady_circuit``
    x : array_like or Tensor
        A batch of inputs, as the layer takes it.

    Returns
    -------
    circuit : Circuit
        In float64.
    z : ndarray, shape (trials, units)
        Its input, one trial for each sample.

    Raises
    ------
    TypeError, ValueError
        For another module, or one with ``legacy=True``, whose output is no steady state.

    Examples
    --------
    >>> from organics_neuro.nn import DivisiveNormalization
    >>> circuit, z = steady_circuit(DivisiveNormalization(3, 5), np.ones((2, 3)))
    >>> circuit.size, z.shape
    (5, (2, 5))
    """
    if not isinstance(layer, SteadyLayer) or isinstance(layer, type):
        raise TypeError(
            f"steady_circuit takes a steady-state layer such as DivisiveNormalization, got {name_of(layer)}; a recurrent "
            "layer becomes a circuit by to_circuit"
        )
    return layer.steady_circuit(x)
