"""Errors and warnings of the package, each with a message that names the argument, the value and the remedy."""

__all__ = [
    "ConvergenceError",
    "ConvergenceWarning",
    "FileFormatError",
    "MissingExtraError",
    "StepSizeWarning",
    "UncheckedFileWarning",
    "UnitError",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


#: Characters of a wrong value that a message shows.
_SHOWN = 80


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


class UncheckedFileWarning(UserWarning):
    """A file has no checksum, as older versions wrote it: damage to it would go unnoticed."""


def missing_extra(what, package, extra):
    """The error for ``what`` (a module or function) that needs ``package``, installed by ``extra``."""
    return MissingExtraError(f"{what} needs {package}; install it with: pip install 'organics_neuro[{extra}]'")


def shown(value, write=repr, most=_SHOWN):
    """A value for a message, in one line and not longer than a line: it may be a large array."""
    try:
        text = " ".join(write(value).split())
    except Exception:  # of lists nested too deep, of integers of thousands of digits, of what has no repr at all
        text = f"<{type(value).__name__}>"
    return text if len(text) <= most else f"{text[:most]}..."


def unknown_name(kind, name, known):
    """The sentence for a ``name`` that is not among ``known``."""
    listed = ", ".join(repr(k) for k in known) or "none"
    return f"unknown {kind} {shown(name)}; known: {listed}"
