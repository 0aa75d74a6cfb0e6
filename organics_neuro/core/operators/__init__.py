"""Weight operators: a linear map with a structure, so that its cost and its memory follow the structure.

Each class has a file of its own, named after it (``low_rank.py`` defines `LowRank`), and is found by itself: a new
operator is one new file. Here is what needs several of them.
"""

from importlib import import_module
from pkgutil import iter_modules

from numpy.typing import ArrayLike
from scipy.sparse import issparse

from organics_neuro.core.operators.all_to_all import AllToAll
from organics_neuro.core.operators.base import KINDS, Cost, Operator, from_arrays
from organics_neuro.core.operators.circulant import by_fourier, identity, rotate_and_add
from organics_neuro.core.operators.convolution import convolve
from organics_neuro.core.operators.dense import Dense
from organics_neuro.core.operators.sparse import Sparse
from organics_neuro.core.units import real_numbers

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
#: The classes of the package by name.
CLASSES: dict[str, type[Operator]] = {
    cls.__name__: cls for cls in KINDS.values() if cls.__module__.startswith(f"{__name__}.")
}
globals().update(CLASSES)

__all__ = [  # noqa: PLE0604  the classes are found, not listed
    *CLASSES,
    "CLASSES",
    "KINDS",
    "Cost",
    "Operator",
    "as_operator",
    "by_fourier",
    "convolve",
    "from_arrays",
    "identity",
    "rotate_and_add",
]


def as_operator(value: "Operator | ArrayLike", name: str, size: tuple[int, int] | None = None) -> Operator:
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
