"""The circuit whose steady state a layer computes, and its input: what `organics_neuro.transfer` offers for such layers."""

from copy import deepcopy

import numpy as np
import torch
from scipy import sparse

from organics_neuro.core.circuits import Circuit
from organics_neuro.core.operators import LowRank, Sparse
from organics_neuro.core.units import real_numbers
from organics_neuro.nn.steady import DivisiveNormalization, DivisiveNormalization2d


def steady_circuit(layer, x):
    """The circuit of a steady-state layer and its input: run to its steady state, it gives the output of the layer.

    The layer's input gain depends on ``x``. Gain and drive act as a product, so the circuit has the gain 1 and its
    input is b z, one trial for each sample.

    Parameters
    ----------
    layer : DivisiveNormalization or DivisiveNormalization2d
    x : array_like or Tensor
        A batch of inputs, as the layer takes it.

    Returns
    -------
    circuit : Circuit
        In float64. Of model "two_type"; for a convolutional layer of model "two_type_rectified", with the units of all channels
        in the order (channel, height, width). The output of the layer is relu(y)^2. Time constants are those of the
        model: they do not change the steady state, only whether and how fast it is reached.
    z : ndarray, shape (trials, units)

    Raises
    ------
    TypeError, ValueError
        For another module, or one with ``legacy=True``, whose output is no steady state.

    Examples
    --------
    >>> circuit, z = steady_circuit(DivisiveNormalization(3, 5), np.ones((2, 3)))
    >>> circuit.size, z.shape
    (5, (2, 5))
    """
    if not isinstance(layer, (DivisiveNormalization, DivisiveNormalization2d)):
        raise TypeError(
            f"steady_circuit takes a DivisiveNormalization or its 2d form, got {type(layer).__name__}; a recurrent layer "
            "becomes a circuit by to_circuit"
        )
    double = in_double(layer)
    x = x.detach().cpu() if isinstance(x, torch.Tensor) else real_numbers("x", x)
    x = torch.as_tensor(x, dtype=torch.float64)
    if isinstance(layer, DivisiveNormalization2d):
        return _sheet_circuit(double, x)
    if layer.legacy:
        raise ValueError("the output of a layer with legacy=True is not the steady state of a circuit")
    weights = {"W": array(double.W), **({} if double.W_r is None else {"W_r": array(double.W_r)})}
    circuit = Circuit("two_type", weights, b=1.0, b0=array(double.b0), sigma=1.0)
    return circuit, array(double.drive(x)).reshape(-1, circuit.size)


def _sheet_circuit(layer, x):
    """Circuit and input of a convolutional layer, with a pool that is stored by its structure."""
    drive = array(layer.drive(x))
    channels, height, width = drive.shape[-3:]
    if layer.pool == "uniform":  # all units of a channel, with one weight
        members = np.kron(np.eye(channels), np.ones((height * width, 1)))
        pool = LowRank(members * array(layer.W).ravel(), members)
    else:  # one diagonal for each pair of displacements
        middle = layer.W.shape[-1] // 2
        blocks = [
            sum(
                w * sparse.kron(sparse.eye_array(height, k=i - middle), sparse.eye_array(width, k=j - middle))
                for (i, j), w in np.ndenumerate(kernel)
                if abs(i - middle) < height and abs(j - middle) < width  # others reach beyond the image
            )
            for kernel in array(layer.W)
        ]
        pool = Sparse(sparse.block_diag(blocks))
    b0 = np.repeat(array(layer.b0).ravel(), height * width)
    circuit = Circuit("two_type_rectified", {"W": pool}, size=len(b0), b=1.0, b0=b0, sigma=1.0)
    return circuit, drive.reshape(-1, len(b0))


def in_double(module):
    """A float64 copy: weights that are functions of parameters, such as W = exp(log W), are then exact as well."""
    return deepcopy(module).to("cpu", torch.float64).eval()


def array(tensor):
    """The numbers of a tensor, without its gradient."""
    return tensor.detach().numpy()
