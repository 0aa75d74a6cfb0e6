"""What would make a step faster: one sentence for each case, from a profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from organics_neuro.core.structure import structured

if TYPE_CHECKING:
    from organics_neuro.brian.profiling import Row, Work

#: Parts of a step below this share are not worth a change.
_SHARE = 0.1
#: A C++ program is worth its compilation where couplings at the limits of the machine would take less than this part.
_BOUND = 0.3
#: What would be gained is said from this factor on.
_FACTOR = 2
_BY_KIND = {
    "synapses": "synapses that sum a variable at every step are what on.Projection does with a matrix, in a fraction of the time",
    "state update": "dtype=numpy.float32 for the group halves the numbers that its update reads and writes",
    "monitor": "record fewer units (record=[...]) or less often (dt=1*ms)",
    "Python": "Python runs in every step; a TimedArray, an expression or run_regularly becomes part of the generated code",
}


def advise(rows: Sequence[Row], in_python: bool) -> tuple[str, ...]:
    """What to change, the largest part of a step first.

    Parameters
    ----------
    rows : sequence of Row
        Sorted, the largest first.
    in_python : bool
        Whether Brian2 steps through the simulation from Python.
    """
    found: dict[str, list[str]] = {}
    least = sum(work.seconds for row in rows for work in row.works)
    total = sum(row.seconds for row in rows)
    if in_python and 0 < least < _BOUND * total:
        times = f"a step takes {total / least:.0f} times what its couplings need on this machine"
        found[f"on.use_device('cpp'), before the groups are made: {times}"] = []
    for row in rows:
        if row.share >= _SHARE:
            for text in _for_row(row):
                found.setdefault(text, []).append(row.name)
    return tuple(f"{', '.join(names)}: {text}" if names else text for text, names in found.items())


def _for_row(row: Row) -> Iterator[str]:
    if row.works:
        for work in row.works:
            yield from _for_work(work)
    elif row.kind in _BY_KIND and not (row.kind == "synapses" and not row.is_summed):
        yield _BY_KIND[row.kind]


def _for_work(work: Work) -> Iterator[str]:
    """What a coupling could do with less."""
    cheaper = structured(work.operator)
    if cheaper is not None and work.operator.cost.multiplications >= _FACTOR * cheaper.cost.multiplications:
        fewer = work.operator.cost.multiplications / cheaper.cost.multiplications
        yield f"the matrix is that of {cheaper!r}: as such it takes {fewer:.0f} times fewer multiplications"
        return
    if work.limit == "reading" and work.reading >= _FACTOR * work.multiplying:
        trials = int(work.trials * work.reading / work.multiplying)
        yield f"up to {trials} trials (trials={trials}) share what is read for {work.trials}, and take hardly longer"
    if work.dtype == np.float64:
        what = "halves what is read" if work.limit == "reading" else "multiplies about twice as fast"
        yield f"weights_dtype=numpy.float32 {what}"
