"""What became of an input: accepted, refused in one sentence, or one of the outcomes that must not be."""

import linecache
import traceback
import warnings
from pathlib import Path

import organics_neuro

ROOT = str(Path(organics_neuro.__file__).parent)
ACCEPTED, REFUSED = "accepted", "refused in one sentence"
#: A result that differs from an independent computation, or is not finite without a word.
WRONG = "wrong or NaN in silence"
#: An error that is none of the package's own sentences.
INSIDE = "tracebacks from inside"
CRASHED, HUNG = "crashed", "hung"
#: A damaged file that was read as another one.
UNDETECTED = "undetected changes of files"
GOOD = (ACCEPTED, REFUSED)
BAD = (WRONG, INSIDE, CRASHED, HUNG, UNDETECTED)
#: Kinds of errors that a sentence can come with; the others are mistakes of a program.
_KINDS = (ValueError, TypeError, OSError, ImportError, ArithmeticError, MemoryError, RuntimeError)
_MISTAKES = (RecursionError, OverflowError, UnicodeError)
_LONGEST = 2_500


class WrongError(Exception):
    """A result is wrong."""


class UndetectedError(Exception):
    """A damaged file was read as if it were whole, and as another one."""


class RefusedError(Exception):
    """A command has said what is wrong."""


def judge(attempt, random):
    """What becomes of an attempt, and a line that says what happened."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            attempt(random)
    except WrongError as error:
        return WRONG, str(error)
    except RefusedError:
        return REFUSED, ""
    except UndetectedError as error:
        return UNDETECTED, str(error)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]} ({frame.filename}:{frame.lineno})"
        return REFUSED if is_sentence(error) else INSIDE, text
    return ACCEPTED, ""


def is_sentence(error):
    """Whether the package itself raised the error, on purpose and in one line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    lines = range(frame.lineno, (frame.end_lineno or frame.lineno) + 1)
    raised = any(linecache.getline(frame.filename, k).lstrip().startswith("raise ") for k in lines)
    message = str(error)
    if isinstance(error, TypeError) and "unexpected keyword argument" in message:
        return True  # Python's own sentence says it all
    return (
        frame.filename.startswith(ROOT)
        and raised
        and isinstance(error, _KINDS)
        and not isinstance(error, _MISTAKES)
        and "\n" not in message
        and len(message) <= _LONGEST
    )
