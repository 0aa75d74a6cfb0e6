"""Generated code for weight operators, one kernel an operator and one frame a target.

A kernel computes ``target[b, i] = sum_j W[i, j] source[b, j]`` for all trials b, on buffers that the frame has
prepared. Here, and nowhere else in the package, private parts of Brian2 are used.
"""

from organics_neuro.brian.kernels.circulant import CIRCULANT
from organics_neuro.brian.kernels.dense import DENSE
from organics_neuro.brian.kernels.frames import Kernel, register
from organics_neuro.brian.kernels.uniform import UNIFORM
from organics_neuro.core.errors import unknown_name

KERNELS = {"dense": DENSE, "uniform": UNIFORM, "circulant": CIRCULANT}

for _kind, _kernel in KERNELS.items():
    register(_kind, _kernel)


def get_kernel(operator):
    """The kernel for an operator, by its kind."""
    if operator.kind not in KERNELS:
        raise TypeError(
            f"Brian2 cannot run these weights: {unknown_name('kernel', operator.kind, KERNELS)}; convert them with Dense(weights.to_dense())"
        )
    return KERNELS[operator.kind]


def template_name(kind):
    """Name of the Brian2 template that holds the kernel of an operator kind."""
    return f"organics_projection_{kind}"


__all__ = ["KERNELS", "Kernel", "get_kernel"]
