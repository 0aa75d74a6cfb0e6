"""Sums of operators: the kernels of the terms, whose results are added up (see `Program`)."""

from organics_neuro.core.operators.sum import Sum
from organics_neuro.core.products import find, register


def _terms(engine):
    """From a sum to the kernels of its terms."""
    return lambda operator: [pair for term in operator.terms for pair in find(engine, term)(term)]


for _engine in ("numpy", "cython", "cpp", "cuda"):
    register(_engine, Sum, _terms(_engine))
