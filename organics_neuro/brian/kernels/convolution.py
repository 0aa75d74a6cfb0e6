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


def _rows(operator, trials):
    return {
        "rows": trials * operator.kernel.shape[0] * operator.kernel.shape[1] * operator.sheet[0] * operator.sheet[1]
    }


CONVOLUTION = Kernel(
    function="_organics_convolution",
    arrays=_arrays,
    scratch=_scratch,
    numpy=source("convolution.py_"),
    cpp=with_vectors("convolution.cpp", SPARE=_SPARE),
    cuda=source("convolution.cu"),
    steps=lambda operator: ("organics_convolution",),
)

#: CUDA, separable kernels.
SEPARABLE = Kernel(
    function="_organics_separable",
    arrays=_arrays,
    cuda_scratch=_rows,
    cuda=source("convolution.cu"),
    steps=lambda operator: ("organics_convolve_rows", "organics_convolve_columns"),
    suits=lambda operator: len(operator.passes) == 2,
)

serve(Convolution, SEPARABLE, CONVOLUTION)
