"""All-to-all weights: one sum per trial."""

import numpy as np

from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.sources import source
from organics_neuro.core.operators.all_to_all import AllToAll

ALL_TO_ALL = Kernel(
    function="_organics_all_to_all",
    arrays=lambda operator: {"value": np.array([operator.value])},
    numpy="_r[:] = {{_w_value}}[0]*_x.sum(axis=1, keepdims=True)",
    cpp=source("all_to_all.cpp"),
    cuda=source("block_sum.cuh", "all_to_all.cu"),
)

serve(AllToAll, ALL_TO_ALL)
