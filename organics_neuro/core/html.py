"""How notebooks show models, circuits and operators: equations typeset, weights as a picture, sizes in a table.

Nothing but the standard library draws the pictures, so that they show without matplotlib.
"""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from organics_neuro.core import expressions

if TYPE_CHECKING:
    from organics_neuro.core.circuits.base import AnyCircuit
    from organics_neuro.core.model import CircuitModel
    from organics_neuro.core.operators import Operator

#: Pixels of the longer side of a picture, and the most weights of an operator that is drawn.
_SIDE, _MOST = 96, 4_000_000
#: Negative, zero and positive weights: colours that readers with any colour vision tell apart.
_NEGATIVE, _ZERO, _POSITIVE = (np.array(c, float) for c in ((0, 114, 178), (255, 255, 255), (213, 94, 0)))


def model_html(model: CircuitModel) -> str:
    """The equations, couplings and outputs of a declaration, typeset by the MathJax of a notebook."""
    rows = []
    for line in model.lines:
        if line.kind == "state":
            rows.append(rf"\frac{{d{_symbol(line.name)}}}{{dt}} &= {_latex(line.expression)}")
        elif line.kind == "alias":
            rows.append(f"{_symbol(line.name)} &= {_latex(line.expression)}")
    for coupling in model.couplings:
        delay = rf"\ (\text{{{1e3 * coupling.delay:g} ms later}})" if coupling.delay else ""
        rows.append(
            rf"{_symbol(coupling.target)} &= {_symbol(str(coupling.weights))} \cdot \left({_latex(coupling.source)}\right){delay}"
        )
    equations = r" \\ ".join(rows)
    outputs = ", ".join(f"<code>{html.escape(name)}</code>" for name in model.outputs)
    return (
        f"<p><b>model {html.escape(repr(model.name))}</b></p>$$\\begin{{aligned}}{equations}\\end{{aligned}}$$"
        f"<p>inputs: {', '.join(model.inputs) or 'none'}; outputs: {outputs or 'none'}</p>"
    )


def circuit_html(circuit: AnyCircuit) -> str:
    """Equations, parameters and weights of each population, and the connections between them."""
    parts = []
    for name, population in circuit.populations.items():
        title = f"population {name!r}" if name else "circuit"
        rows = [(key, _number(value)) for key, value in population.parameters.items()]
        parts.append(
            f"<p><b>{html.escape(title)}</b>, {population.size} units</p>{model_html(population.model)}{table_html(rows)}"
        )
    links = [
        (html.escape(f"{link.written} ← {link.expression}"), html.escape(repr(link.weights)), picture(link.weights))
        for link in circuit.connections
    ]
    return "".join(parts) + table_html(links)


def operator_html(operator: Operator) -> str:
    """The kind and size of weights, and a picture of them."""
    return f"<p><code>{html.escape(repr(operator))}</code></p>{picture(operator)}"


def parity_html(differences: Mapping[Any, np.ndarray]) -> str:
    """The largest difference of each state, and the step at which it is."""
    rows = [(str(name), f"{d.max():.1e}", f"{d.argmax() + 1} of {len(d)}") for name, d in differences.items()]
    return table_html([("<b>state</b>", "<b>largest difference, torch and Brian2</b>", "<b>at step</b>"), *rows])


def picture(operator: Operator) -> str:
    """Weights as an image: blue below 0, white at 0, red above; nothing if there are too many of them."""
    if operator.shape[0] * operator.shape[1] > _MOST:
        return ""
    matrix = _smaller(_smaller(np.asarray(operator.to_dense(), dtype=float)).T).T
    largest = np.abs(matrix).max() or 1.0
    share = (matrix / largest)[..., None]
    colours = _ZERO + np.abs(share) * (np.where(share < 0, _NEGATIVE, _POSITIVE) - _ZERO)
    content = base64.b64encode(_png(colours.round().astype(np.uint8))).decode()
    size = f"style='image-rendering:pixelated;width:{_SIDE}px;height:{max(4, round(_SIDE * matrix.shape[0] / matrix.shape[1]))}px'"
    return f"<img alt='weights from {-largest:.2g} (blue) to {largest:.2g} (red)' title='±{largest:.2g}' {size} src='data:image/png;base64,{content}'/>"


def _smaller(matrix: np.ndarray) -> np.ndarray:
    """Means of neighbouring rows, so that at most `_SIDE` are left."""
    block = -(-len(matrix) // _SIDE)
    return np.stack([matrix[k : k + block].mean(axis=0) for k in range(0, len(matrix), block)])


def _png(colours: np.ndarray) -> bytes:
    """An image (rows, columns, 3) of bytes in the PNG format."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows, columns, _ = colours.shape
    lines = b"".join(b"\0" + line.tobytes() for line in colours)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def _latex(text: str) -> str:
    try:
        return sp.latex(expressions.parse(text))
    except (ValueError, TypeError, AttributeError):  # of a function that SymPy cannot print
        return rf"\texttt{{{html.escape(text).replace('_', chr(92) + '_')}}}"


def _symbol(name: str) -> str:
    return sp.latex(sp.Symbol(name))


def _number(value: Any) -> str:
    return f"{value:g}" if np.ndim(value) == 0 else f"{np.min(value):.3g} to {np.max(value):.3g}"


def table_html(rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{cells}</table>" if cells else ""
