"""What multiplies with weights: one table of operator classes by engines.

An engine enters what it has where its own code is: the kernels of Brian2 in `organics_neuro.brian.kernels`, torch in
`organics_neuro.nn.operators`. A class that an engine does not know is refused. It is never replaced by a dense matrix:
that would change cost and memory from O(units) to O(units²) without a word.
"""

from collections.abc import Callable

from organics_neuro.core.operators import CLASSES, Operator

#: The engines, and what they are called in messages and in the documentation.
ENGINES = {
    "numpy": "Brian2 with NumPy",
    "cython": "Brian2 with Cython",
    "cpp": "Brian2 with C++",
    "cuda": "Brian2 with CUDA",
    "torch": "torch",
    "jvp": "products with a Jacobian",
}
_ENTRIES: dict[str, dict[type[Operator], Callable]] = {engine: {} for engine in ENGINES}


def register(engine: str, cls: type[Operator], make: Callable) -> None:
    """Enter what an engine has for operators of exactly this class.

    Parameters
    ----------
    engine : str
        One of `ENGINES`, but "jvp": for that a class defines ``apply`` and ``T``.
    cls : type
        Also a class of a user's own.
    make : callable
        torch: from an operator, a dtype and a device to the function that multiplies. Brian2: from an operator to its
        kernels, a list of pairs (`Kernel`, operator).
    """
    _ENTRIES[engine][cls] = make


def find(engine: str, operator: Operator) -> Callable:
    """What an engine has for an operator.

    Raises
    ------
    TypeError
        If it has nothing.
    """
    cls = type(operator)
    if cls not in _ENTRIES[engine]:
        raise TypeError(
            f"{ENGINES[engine]} cannot multiply with weights of the class {cls.__name__}; convert them with Dense(weights.to_dense())"
        )
    return _ENTRIES[engine][cls]


def has(engine: str, cls: type[Operator]) -> bool:
    """Whether an engine multiplies with operators of this class. The engine's module must have been imported."""
    if engine == "jvp":
        return cls.apply is not Operator.apply and cls.T is not Operator.T
    return cls in _ENTRIES[engine]


def missing() -> list[tuple[str, str]]:
    """Names of classes of the package and engines that have nothing for them."""
    return [(name, engine) for name, cls in CLASSES.items() for engine in ENGINES if not has(engine, cls)]
