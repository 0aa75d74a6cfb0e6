"""What ``nvcc`` of the stand-in does: kernel launches become calls, and g++ compiles the rest as C++.

A script without dependencies, because a makefile starts it once for each file.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: What is compiled once for all programs: the runtime, and headers that all of them include.
CACHE = Path(os.environ.get("CUDA_ON_CPU_CACHE", HERE.parents[1] / "build" / "cuda_on_cpu"))
#: What ``nvcc`` says of itself; brian2cuda reads the fourth line.
VERSION = "CUDA on the CPU\n\n\nCuda compilation tools, release 13.0, V13.0.0"

_STANDARD = "-std=c++17"
_INCLUDE = f"-I{HERE / 'include'}"
_HEADERS = (
    *("cuda_runtime.h", "cublas_v2.h", "curand_kernel.h", "thrust/vectors.h", "thrust/algorithms.h"),
    *("cassert", "chrono", "cmath", "csignal", "ctime", "fstream", "iomanip", "iostream", "map", "set", "tuple"),
)
#: What is launched, before ``<<<``, within so many characters.
_KERNEL, _LONGEST = re.compile(r"([A-Za-z_][\w:]*(?:<[\w, ]+>)?)\s*$"), 300
_DYNAMIC = re.compile(r"extern\s+__shared__\s+(\w+)\s+(\w+)\s*\[\s*\]\s*;")


def translate(text: str) -> str:
    """CUDA as C++: launches and dynamic shared memory, which are no C++, in other words on the same lines."""
    text = _DYNAMIC.sub(r"\1* const \2 = (\1*)::stand_in::shared_memory();", text)
    parts, done = [], 0
    while (start := text.find("<<<", done)) >= 0:
        match = _KERNEL.search(text, max(done, start - _LONGEST), start)
        if match is None:
            raise SystemExit(f"nvcc: nothing to launch before {text[start : start + 60]!r}")
        kernel, end = match[1], text.index(">>>", start)
        grid, block, *more = _split(text[start + 3 : end])
        opening = text.index("(", end)
        closing = _closing(text, opening)
        arguments = re.sub(r"//[^\n]*", "", text[opening + 1 : closing])
        where = f'{{{grid}, {block}, {more[0] if more else 0}, "{kernel}"}}'
        call = f"::stand_in::launch({where}, [](auto... _a) {{ {kernel}(_a...); }}"
        parts += [text[done : match.start()], call, "," * bool(arguments.strip()), arguments, ")"]
        done = closing + 1
    return "".join(parts) + text[done:]


def _closing(text, opening):
    """Where the parenthesis closes that opens at a place."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if not depth:
            return place
    raise SystemExit(f"nvcc: no end of the arguments {text[opening : opening + 60]!r}")


def _split(text):
    """The parts of a list, without those commas that are within parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def compile_text(text: str, output: Path, name: str, flags=(), compiler=("g++",), precompiled=True) -> None:
    """Compile CUDA to an object file; raises `subprocess.CalledProcessError`.

    ``precompiled`` headers pay for themselves where there are many files that include all of them.
    """
    own = [_STANDARD, "-O0", "-w", _INCLUDE]
    header = _cached(compiler, own, "all.h.gch", _precompile).with_suffix("") if precompiled else "cuda_runtime.h"
    command = [*compiler, *own, "-include", header, *flags, "-x", "c++", "-c", "-", "-o", output]
    subprocess.run(command, input=f'#line 1 "{name}"\n' + translate(text), text=True, check=True)


def link(objects, output: Path, compiler=("g++",)) -> None:
    """Link object files and the runtime to a program; raises `subprocess.CalledProcessError`."""
    # some compilers check that jumps stay on one stack
    flags = [_STANDARD, "-O1", "-U_FORTIFY_SOURCE", _INCLUDE]
    runtime = _cached(compiler, flags, "runtime.o", _compile_runtime)
    subprocess.run([*compiler, *objects, runtime, "-o", output], check=True)


def _cached(compiler, flags, name, make):
    """A file of the cache, made by one process for a compiler, its flags and the sources of the stand-in."""
    sources = [path.read_bytes() for folder in ("include", "runtime") for path in sorted((HERE / folder).rglob("*.*"))]
    key = hashlib.sha256(b"\0".join([*(str(part).encode() for part in (*compiler, *flags)), *sources]))
    folder = CACHE / key.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            make([*compiler, *flags], folder, folder / f"new_{name}")
            (folder / f"new_{name}").rename(folder / name)
    return folder / name


def _precompile(command, folder, output):
    (folder / "all.h").write_text("".join(f"#include <{name}>\n" for name in _HEADERS))
    subprocess.run([*command, "-x", "c++-header", folder / "all.h", "-o", output], check=True)


def _compile_runtime(command, folder, output):
    sources = sorted((HERE / "runtime").glob("*.cpp"))
    objects = [folder / f"{source.stem}.o" for source in sources]
    for source, made in zip(sources, objects):  # noqa: B905  the script runs on any Python
        subprocess.run([*command, "-c", source, "-o", made], check=True)
    subprocess.run(["ld", "-r", *objects, "-o", output], check=True)


def main(arguments) -> int:
    """What the makefile of brian2cuda asks for: ``--version``, to compile one file (``-dc``), or to link."""
    if "--version" in arguments:
        print(VERSION)
        return 0
    compiler, flags, files, output, mode = ("g++",), [], [], "a.out", link
    rest = iter(arguments)
    for argument in rest:
        if argument == "-ccbin":
            compiler = (next(rest),)
        elif argument == "-include":
            flags += [argument, next(rest)]
        elif argument == "-o":
            output = next(rest)
        elif argument in ("-Xcompiler", "-Xlinker"):
            flags += [flag for flag in next(rest).split() if flag.startswith(("-I", "-D"))]
        elif argument in ("-c", "-dc"):
            mode = compile_text
        elif argument.startswith(("-I", "-D")):
            flags.append(argument)
        elif not argument.startswith("-"):
            files.append(argument)
    try:
        if mode is link:
            link(files, output, compiler)
        else:
            compile_text(Path(files[0]).read_text(), output, files[0], flags, compiler)
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
