"""How the weights of one trial are read: what is fastest on this machine is measured once, and kept in the cache of the user.

Free to choose are how many streams are read at the same time, and whether weights are asked for ahead of time. No choice changes a result by more than the rounding of sums.
"""

import json
import math
import os
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections import defaultdict
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import brian2 as b2
from brian2.codegen.cpp_prefs import get_compiler_and_args
from brian2.core.preferences import BrianPreference

from organics_neuro.brian.kernels.vectors import with_vectors
from organics_neuro.core.boundary import shown
from organics_neuro.core.cache import cache_folder, key, processor
from organics_neuro.core.files import replacing
from organics_neuro.core.machine import compiler

#: Vectors of sums that a product holds in registers, and how many bytes ahead weights may be asked for.
SUMS, AHEAD = 8, 1024
STREAMS = (1, 2, 4, 8)
#: Units of the square matrices that are measured; each stands for those of up to four times its bytes, less half of that.
SIZES = (64, 128, 256, 512, 1024, 2048)
#: What another choice must save before it takes the place of the usual one, as a fraction.
_WORTH = 0.05
_SECONDS = 60


class Choice(NamedTuple):
    """How matrices of up to so many ``bytes`` are read."""

    bytes: float
    streams: int
    ahead: bool

    def cpp(self) -> str:
        most = "1e300" if math.isinf(self.bytes) else repr(self.bytes)
        return f"CHOICE({most}, {self.streams}, {str(self.ahead).lower()})"


#: What is taken where nothing can be measured.
USUAL = Choice(math.inf, 4, False)


def _is_known(value: Any) -> bool:
    if not isinstance(value, Integral) or value not in (0, *STREAMS):
        known = ", ".join(map(str, STREAMS))
        raise ValueError(f"the preference organics_neuro.streams is {shown(value)}, but must be 0 (measured), {known}")
    return True


b2.prefs.register_preferences(
    "organics_neuro",
    "Preferences of organics_neuro",
    streams=BrianPreference(
        default=0,
        validator=_is_known,
        docs="""
        At how many places the weights of one trial are read at the same time in C++ programs: 1, 2, 4, 8, or 0 for what
        is fastest on this machine, which is measured once.
        """,
    ),
)


def cpp() -> str:
    """C++ of one trial's product, with the choices of this machine or those of the preference."""
    chosen = " ".join(choice.cpp() for choice in choices())
    return with_vectors("streams.cpp", "one_trial.cpp", SUMS=SUMS, AHEAD=AHEAD, CHOICES=chosen)


def choices() -> tuple[Choice, ...]:
    """What is chosen for each size, the smallest first; the last one is for all that are larger."""
    streams = b2.prefs["organics_neuro.streams"]
    return _measured() if not streams else (USUAL._replace(streams=streams),)


@cache
def _measured() -> tuple[Choice, ...]:
    if os.name != "posix":
        return (USUAL,)
    try:
        source = _program()
        command = [*shlex.split(compiler()), *get_compiler_and_args()[1]]
        path = cache_folder() / f"streams-{key(source, command)}.json"
        return _read(path) or _kept(path, _fastest(_times(source, command)))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        warnings.warn(
            f"how weights are read fastest could not be measured ({error}); C++ programs read them in {USUAL.streams} streams",
            RuntimeWarning,
            stacklevel=2,
        )
        return (USUAL,)


def _program() -> str:
    """C++ that measures all choices."""
    sizes, streams = ", ".join(map(str, SIZES)), " ".join(f"ORGANICS_MEASURE({each})" for each in STREAMS)
    files = ("streams.cpp", "panels.cpp", "measure.cpp")
    return with_vectors(*files, SUMS=SUMS, AHEAD=AHEAD, SIZES=sizes, ALL_STREAMS=streams)


def _read(path: Path) -> tuple[Choice, ...] | None:
    """The choices of a file; None if there is none, or something else is in it."""
    try:
        found = tuple(
            Choice(float(size), int(streams), bool(ahead))
            for size, streams, ahead in json.loads(path.read_text())["choices"]
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
    ordered = [each.bytes for each in found] == sorted(each.bytes for each in found)
    sound = found and math.isinf(found[-1].bytes) and ordered and all(each.streams in STREAMS for each in found)
    return found if sound else None


def _kept(path: Path, found: tuple[Choice, ...]) -> tuple[Choice, ...]:
    content = {"processor": processor()["model name"], "choices": [list(each) for each in found]}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1))
    return found


def _times(source: str, command: list[str]) -> dict[float, dict[Choice, float]]:
    """Microseconds of each choice, by bytes of the matrix."""
    print(
        "organics_neuro: measuring how this machine reads weights fastest, once; this takes some five seconds",
        file=sys.stderr,
    )
    times: dict[float, dict[Choice, float]] = defaultdict(dict)
    with tempfile.TemporaryDirectory(prefix="organics_") as folder:
        (Path(folder) / "measure.cpp").write_text(source)
        for run in ([*command, "measure.cpp", "-o", "measure"], ["./measure"]):
            done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
            if done.returncode:
                raise ValueError(f"{run[0]} failed: {done.stderr.strip()[:200]}")
    for line in done.stdout.splitlines():
        size, streams, ahead, time = line.split()
        choice = Choice(math.inf, int(streams), ahead == "1")
        times[float(size)][choice] = min(float(time), times[float(size)].get(choice, math.inf))
    return times


def _fastest(times: dict[float, dict[Choice, float]]) -> tuple[Choice, ...]:
    """The choice for each size: the usual one, unless another one is worth it."""
    found, sizes = [], sorted(times)
    for size in sizes:
        each = times[size]
        best = min(each, key=lambda choice: each[choice])
        chosen = best if each[best] < (1 - _WORTH) * each[USUAL] else USUAL
        chosen = chosen._replace(bytes=math.inf if size == sizes[-1] else 2 * size)
        if found and found[-1][1:] == chosen[1:]:
            found.pop()  # the same for larger ones
        found.append(chosen)
    return tuple(found)
