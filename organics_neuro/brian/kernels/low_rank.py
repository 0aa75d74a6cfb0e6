"""Low-rank weights: the source is weighted into a few patterns, and these are added up for the target."""

import numpy as np

from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.patterns import in_one_or_two, parts
from organics_neuro.brian.kernels.sources import source
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.low_rank import LowRank


def _rank(operator):
    return operator.left.shape[1]


LOW_RANK = Kernel(
    function="_organics_low_rank",
    arrays=lambda operator: {
        "rank": np.array([_rank(operator)], np.int32),
        "left": operator.left.T,
        "right": operator.right.T,
    },
    numpy=source("low_rank.py_"),
    cpp=with_vectors("low_rank.cpp"),
    cuda=source("low_rank.cu"),
    cuda_scratch=lambda operator, trials: parts(operator, _rank(operator), trials),
    steps=lambda operator: in_one_or_two("organics_low_rank", operator, _rank(operator)),
    reads_once=True,
)

serve(LowRank, LOW_RANK)
