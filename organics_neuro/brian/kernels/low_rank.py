"""Low-rank weights: the source is weighted into a few patterns, and these are added up for the target."""

import numpy as np

from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.sources import source
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.low_rank import LowRank

LOW_RANK = Kernel(
    function="_organics_low_rank",
    arrays=lambda operator: {
        "rank": np.array([operator.left.shape[1]], np.int32),
        "left": operator.left.T,
        "right": operator.right.T,
    },
    numpy=source("low_rank.py_"),
    cpp=with_vectors("low_rank.cpp"),
    cuda=source("block_sum.cuh", "low_rank.cu"),
)

serve(LowRank, LOW_RANK)
