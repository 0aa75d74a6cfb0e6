"""Equation text: the lines of a declaration, in Brian2's syntax."""

from __future__ import annotations

import re
from typing import NamedTuple

from organics_neuro.core.expressions.reading import shorten

_LINE = re.compile(
    r"^(?:d(?P<state>\w+)/dt\s*=|(?P<alias>\w+)\s*=|(?P<plain>\w+))(?P<expression>[^:]*):(?P<unit>[^:]*)$"
)


class Line(NamedTuple):
    """One line: a differential equation ("state"), an abbreviation ("alias"), or a variable that is declared ("plain")."""

    kind: str
    name: str
    expression: str
    unit: str


def read_lines(text: str) -> tuple[Line, ...]:
    """The lines of an equation text. An expression may span several lines; ``#`` begins a comment.

    Raises
    ------
    ValueError
        If a line is none of ``dx/dt = ... : unit``, ``x = ... : unit`` and ``x : unit``.
    """
    text = re.sub(r"#[^\n]*", "", text)
    lines, pending = [], ""
    for piece in filter(None, (" ".join(raw.split()) for raw in text.splitlines())):
        pending = f"{pending} {piece}".strip()
        if ":" not in pending:
            continue
        match = _LINE.match(pending)
        kind = match and next(k for k in ("state", "alias", "plain") if match[k])
        if not match or (kind == "plain") != (not match["expression"].strip()):
            raise ValueError(
                f"cannot read the line {shorten(pending)}; write 'dx/dt = ... : 1', 'x = ... : 1' or 'x : 1'"
            )
        lines.append(Line(kind, match[kind], match["expression"].strip(), match["unit"].strip()))
        pending = ""
    if pending:
        raise ValueError(f"the line {shorten(pending)} has no unit; end it with ': 1' or ': second'")
    return tuple(lines)
