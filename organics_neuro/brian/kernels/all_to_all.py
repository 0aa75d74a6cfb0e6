"""All-to-all weights: one sum per trial."""

import numpy as np

from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.patterns import in_one_or_two, parts
from organics_neuro.brian.kernels.sources import source
from organics_neuro.core.operators.all_to_all import AllToAll

ALL_TO_ALL = Kernel(
    function="_organics_all_to_all",
    arrays=lambda operator: {"value": np.array([operator.value])},
    numpy="_r[:] = {{_w_value}}[0]*_x.sum(axis=1, keepdims=True)",
    cpp=source("all_to_all.cpp"),
    cuda=source("all_to_all.cu"),
    cuda_scratch=lambda operator, trials: parts(operator, 1, trials),
    steps=lambda operator: in_one_or_two("organics_all_to_all", operator, 1),
    reads_once=True,
)

serve(AllToAll, ALL_TO_ALL)
