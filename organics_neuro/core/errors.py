"""Errors and warnings of the package, each with a message that names the argument, the value and the remedy."""

__all__ = [
    "ConvergenceError",
    "ConvergenceWarning",
    "FileFormatError",
    "MissingExtraError",
    "StepSizeWarning",
    "UnitError",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


class UnitError(TypeError):
    """A quantity has the wrong physical dimension."""


class FileFormatError(ValueError):
    """A file is not what it should be: corrupt, of another format, or of a newer version."""


class MissingExtraError(ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class ConvergenceError(RuntimeError):
    """A solver found no solution where one is needed to go on."""


class ConvergenceWarning(RuntimeWarning):
    """A solver stopped before it met its tolerance."""


class StepSizeWarning(RuntimeWarning):
    """The time step is larger than the integration scheme allows for this circuit."""


def missing_extra(what, package, extra):
    """The error for ``what`` (a module or function) that needs ``package``, installed by ``extra``."""
    return MissingExtraError(f"{what} needs {package}; install it with: pip install 'organics_neuro[{extra}]'")


def unknown_name(kind, name, known):
    """The sentence for a ``name`` that is not among ``known``."""
    listed = ", ".join(repr(k) for k in known) or "none"
    return f"unknown {kind} {name!r}; known: {listed}"
