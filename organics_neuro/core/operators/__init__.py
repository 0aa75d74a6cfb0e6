"""Weight operators: a linear map with a structure, so that its cost and its memory follow the structure."""

from scipy.sparse import issparse

from organics_neuro.core.operators.base import Operator, from_arrays
from organics_neuro.core.operators.circulant import Circulant, by_fourier, identity, rotate_and_add
from organics_neuro.core.operators.convolution import Convolution, convolve
from organics_neuro.core.operators.matrices import AllToAll, Dense, LowRank, Sparse
from organics_neuro.core.operators.sums import Sum
from organics_neuro.core.units import real_numbers

__all__ = [
    "Circulant",
    "Convolution",
    "Dense",
    "LowRank",
    "Operator",
    "Sparse",
    "Sum",
    "AllToAll",
    "as_operator",
    "by_fourier",
    "convolve",
    "from_arrays",
    "identity",
    "rotate_and_add",
]


def as_operator(value, name, size=None):
    """``value`` as an operator.

    Parameters
    ----------
    value : Operator, array_like, scipy.sparse array or float
        A single number means a `AllToAll` operator, for which ``size`` must be known.
    name : str
        Name used in error messages.
    size : (int, int), optional
    """
    if isinstance(value, Operator):
        return value
    try:
        if issparse(value):
            return Sparse(value)
        if real_numbers("the weight matrix", value).ndim == 0:
            if size is None:
                raise ValueError(
                    "a single number needs a known size; give an array or an operator such as AllToAll(size, value)"
                )
            return AllToAll(size, value)
        return Dense(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"weights {name!r}: {error}") from None
