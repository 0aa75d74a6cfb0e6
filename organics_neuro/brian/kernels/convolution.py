"""Convolutions: every plane is copied with a border, then correlated with the kernel, in two passes if separable."""

import numpy as np

from organics_neuro.brian.kernels.kernel import Kernel, serve
from organics_neuro.brian.kernels.sources import source
from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.operators.convolution import Convolution

#: Lines of the working memory are this many numbers longer than the sheet, so that vectors may read past its end.
_SPARE = 128


def _arrays(operator):
    flags = (operator.boundary == "wrap", len(operator.passes) == 2)
    return {
        "sizes": np.array([*operator.kernel.shape[:2], *operator.sheet, *operator.kernel.shape[2:], *flags], np.int32),
        "taps": np.concatenate([kernel.ravel() for kernel in operator.passes]),
    }


def _scratch(operator, _):
    (h, w), (kh, kw) = operator.sheet, operator.kernel.shape[2:]
    size = (h + kh - 1) * (w + kw - 1 + _SPARE) + _SPARE
    return {"padded": size, "rows": size if len(operator.passes) == 2 else 1}


def _cuda_scratch(operator, trials):
    outputs, inputs = operator.kernel.shape[:2]
    return {
        "rows": trials * outputs * inputs * operator.sheet[0] * operator.sheet[1] if len(operator.passes) == 2 else 1
    }


CONVOLUTION = Kernel(
    function="_organics_convolution",
    arrays=_arrays,
    scratch=_scratch,
    cuda_scratch=_cuda_scratch,
    numpy=source("convolution.py_"),
    cpp=with_vectors("convolution.cpp", SPARE=_SPARE),
    cuda=source("blocks.cuh", "convolution.cu"),
)

serve(Convolution, CONVOLUTION)
