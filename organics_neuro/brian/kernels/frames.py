"""The text around the kernels on each target: evaluate the source expression, call the kernels, hand over the result.

Brian2 fills these templates. Lines that are one word in capitals stand for the code of the kernels. Names in generated
code begin with an underscore wherever a model's own names could be: no variable of a model does. Sizes reach NumPy and
Cython as data: written into the text, each new size would be compiled anew. On CUDA several projections share a frame,
and the kernels evaluate the source expressions themselves (see `launches`).
"""

from organics_neuro.brian.kernels.sources import source

NUMPY, CYTHON, CPP, CUDA = (source(f"frame.{ending}") for ending in ("py_", "pyx", "cpp", "cu"))

# C++: preparation waits for the first step of a run; only then has Brian2 set the arguments that a program was started with.
BEFORE = "{{_w_fresh}}[0] = 1;"
PREPARE = """
if ({{_w_fresh}}[0])
{
    PREPARE
    {{_w_fresh}}[0] = 0;
}
"""
#: What Brian2 looks for to leave a block out.
EMPTY = "// EMPTY_CODE_BLOCK"


def fill(frame: str, **texts: str) -> str:
    """Put texts into a frame where a line is their name, at the indentation of that line."""
    lines = []
    for line in frame.splitlines():
        text, indent = texts.get(line.strip()), line[: len(line) - len(line.lstrip())]
        lines += [line] if text is None else [indent + part if part else part for part in text.strip("\n").splitlines()]
    return "\n".join(lines)
