"""Generated code for weight operators: one kernel for each kind, one frame for each target.

A kernel computes ``target[b, i] = sum_j W[i, j] source[b, j]`` for all trials b, on buffers that the frame has
prepared. Private parts of Brian2 are used here, and in `organics_neuro.brian.projection` and ``group``.
"""

from organics_neuro.brian.device import current_device
from organics_neuro.brian.kernels.all_to_all import ALL_TO_ALL
from organics_neuro.brian.kernels.circulant import CIRCULANT
from organics_neuro.brian.kernels.convolution import CONVOLUTION
from organics_neuro.brian.kernels.dense import DENSE
from organics_neuro.brian.kernels.fourier import FOURIER, is_faster
from organics_neuro.brian.kernels.low_rank import LOW_RANK
from organics_neuro.brian.kernels.program import Kernel, Program
from organics_neuro.brian.kernels.sparse import SPARSE
from organics_neuro.core.errors import unknown_name

KERNELS = {
    "dense": DENSE,
    "all_to_all": ALL_TO_ALL,
    "circulant": CIRCULANT,
    "convolution": CONVOLUTION,
    "sparse": SPARSE,
    "low_rank": LOW_RANK,
}


def get_program(operator, trials):
    """The `Program` that runs an operator for this number of trials."""
    terms = getattr(operator, "terms", (operator,))
    for term in terms:
        if term.kind not in KERNELS:
            raise TypeError(
                f"Brian2 cannot run these weights: {unknown_name('kernel', term.kind, KERNELS)}; convert them with Dense(weights.to_dense())"
            )
    target = current_device()
    return Program([_kernel(term, target) for term in terms], terms, trials, target)


def _kernel(operator, target):
    if operator.kind == "circulant" and target != "cuda" and is_faster(operator):
        return FOURIER
    return KERNELS[operator.kind]


__all__ = ["KERNELS", "Kernel", "Program", "get_program"]
