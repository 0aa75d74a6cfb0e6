"""Standard headers are most of what a compiler reads of Brian2's C++ programs: compiled once and kept, they take no time.

GCC alone does that here. Where the compiled headers do not fit, GCC reads the text; so nothing can go wrong but time.
"""

import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

from organics_neuro.brian.kernels.templates import rewrite
from organics_neuro.core.cache import cache_folder, key
from organics_neuro.core.files import replacing
from organics_neuro.core.machine import compiler

#: What the files of a program include.
_HEADERS = (
    *(
        "algorithm",
        "climits",
        "cmath",
        "csignal",
        "cstddef",
        "cstdlib",
        "ctime",
        "fstream",
        "iostream",
        "map",
        "random",
    ),
    *("set", "string", "tuple", "vector", "stdlib.h", "time.h"),
)
_TEXT = "".join(f"#include <{name}>\n" for name in _HEADERS)
_FLAGS = "CXXFLAGS = -c -Wno-write-strings $(OPTIMISATIONS) -I."
#: Files that run once, for which the compiler's best is not worth its time.
_ONCE = "main.o objects.o run.o"
_SECONDS = 60


def include(flags: str) -> str:
    """The argument that makes GCC read the compiled headers for these flags; empty where there are none."""
    header = _compiled(compiler(), flags)
    return "" if header is None else f" -include {shlex.quote(str(header)).replace('$', '$$')}"


@cache
def _compiled(command: str, flags: str) -> Path | None:
    """The header beside which its compiled form lies, made at the first call for these flags."""
    try:
        version = subprocess.run(
            [*shlex.split(command), "--version"], capture_output=True, text=True, check=True, timeout=_SECONDS
        ).stdout
        if sys.platform != "linux" or "Free Software Foundation" not in version:
            return None
        folder = cache_folder() / f"headers-{key(_TEXT, version, flags)}"
        header, made = folder / "standard.h", folder / "standard.h.gch"
        if not made.is_file():
            print(
                f"organics_neuro: compiling the headers of C++ programs, once, into {folder}; this takes some two seconds",
                file=sys.stderr,
            )
            folder.mkdir(exist_ok=True)
            with replacing(header) as temporary:
                temporary.write_text(_TEXT)
            with replacing(made) as temporary:
                arguments = [*shlex.split(flags), "-x", "c++-header", str(header), "-o", str(temporary)]
                subprocess.run([*shlex.split(command), *arguments], capture_output=True, check=True, timeout=_SECONDS)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return header


rewrite(
    CPPStandaloneCodeObject,
    "makefile",
    {
        _FLAGS: _FLAGS
        + "{{ organics_include(compiler_flags ~ ' ' ~ openmp_pragma('compilation') ~ ' ' ~ compiler_debug_flags) }}",
        ".PHONY: all clean": f"{_ONCE}: OPTIMISATIONS := $(OPTIMISATIONS:-O3=-O1)\n\n.PHONY: all clean",
    },
    organics_include=include,
)
