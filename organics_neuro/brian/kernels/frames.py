"""The text around the kernels on each target: evaluate the source expression, call the kernels, hand over the result.

Brian2 fills these templates. Lines that are one word in capitals stand for the code of the kernels. Names in generated
code begin with an underscore wherever a model's own names could be: no variable of a model does. Sizes reach NumPy and
Cython as data: written into the text, each new size would be compiled anew. On CUDA several projections share a frame,
and the kernels evaluate the source expressions themselves (see `launches`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from organics_neuro.brian.kernels.sources import source

NUMPY, CYTHON, CUDA = (source(f"frame.{ending}") for ending in ("py_", "pyx", "cu"))
_CPP, _SOURCE, _PREPARE, _PRODUCT, _UPDATE, _TURNS = (
    source(f"{name}.cpp") for name in ("frame", "source", "prepare", "product", "update", "turns")
)

_BEFORE = "{{_w_fresh@}}[0] = 1;"
_SIZES = """typedef {{_real@}} _Real;
const int _m = {{_m@}}, _n = {{_n@}}, _trials = {{_trials@}};"""
#: What Brian2 looks for to leave a block out.
_EMPTY = "// EMPTY_CODE_BLOCK"


@dataclass(frozen=True)
class Part:
    """C++ of one projection: what makes its source ready, what multiplies, what comes before a run, and definitions by name.

    "@" stands for the end of its variables' names, which tells those of several projections apart.
    """

    source: str
    product: str
    before: str
    support: dict[str, str]

    def named(self, suffix: str) -> "Part":
        texts = (self.source, self.product, self.before)
        return Part(*(text.replace("@", suffix) for text in texts), self.support)


def part(kernel: str, prepare: str, support: dict[str, str]) -> Part:
    """The `Part` of a projection, from the calls of its kernels, what prepares them, and their definitions."""
    source = _SOURCE + (fill(_PREPARE, SIZES=_SIZES, PREPARE=prepare) if prepare else "")
    return Part(source, fill(_PRODUCT, SIZES=_SIZES, KERNEL=kernel), _BEFORE if prepare else "", support)


def cpp(parts: Sequence[Part], update: bool = False, turns: bool = False) -> str:
    """The C++ template of one projection, or of several with the state update behind them.

    Parameters
    ----------
    parts : sequence of Part
    update : bool
    turns : bool
        Whether the products are computed in one order and the other in turn; they must not read each other.
    """
    if turns:
        products = [each.product for each in parts]
        forwards, backwards = ("".join(each) for each in (products, reversed(products)))
        lines = [*(each.source for each in parts), fill(_TURNS, FORWARDS=forwards, BACKWARDS=backwards)]
    else:
        lines = [each.source + each.product for each in parts]
    support = {name: text for each in parts for name, text in each.support.items()}
    return fill(
        _CPP,
        SUPPORT="\n".join(support.values()),
        BEFORE="\n".join(filter(None, (each.before for each in parts))) or _EMPTY,
        PARTS="".join([*lines, _UPDATE if update else ""]),
    )


def fill(frame: str, **texts: str) -> str:
    """Put texts into a frame where a line is their name, at the indentation of that line."""
    lines = []
    for line in frame.splitlines():
        text, indent = texts.get(line.strip()), line[: len(line) - len(line.lstrip())]
        lines += [line] if text is None else [indent + part if part else part for part in text.strip("\n").splitlines()]
    return "\n".join(lines)
