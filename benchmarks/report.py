"""Write docs/benchmarks.md from the results that are kept: ``python -m benchmarks.report``"""

import csv
from importlib import import_module
from pathlib import Path

from benchmarks.harness import RESULTS
from organics_neuro.core.files import replacing

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_INTRODUCTION = """# Benchmarks

Made by `python -m benchmarks.report` from what the benchmarks wrote. Everything in a table was measured in one run, in
turns, on one core (where threads are named, on so many) of a virtual machine that it shared with others: of the processor
that the table names, else of one with AVX-512. Compare within a table, by the ratios. Times are medians, without
compilation; ratios are medians over the rounds, not quotients of these medians. "first" is the time to the first result,
compilation included. "of bandwidth" compares with the rate at which NumPy's product of two vectors reads as many bytes,
"of peak" with NumPy's product of two matrices; a kernel can be faster than either.
"""


def table(path):
    """The rows of a CSV file as a Markdown table, below the processor that the file names."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    named = [f"Processor: {', '.join(rows.pop(0)).removeprefix('# ')}.", ""] if rows[0][0].startswith("#") else []
    head, *rows = rows
    return "\n".join([*named, *(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))])


def main():
    parts = [_INTRODUCTION]
    for path in sorted(RESULTS.glob("*.csv")):
        description = import_module(f"benchmarks.{path.stem}").__doc__.strip()
        parts.append(f"## {path.stem}\n\n{description}\n\n{table(path)}\n")
    with replacing(PAGE) as temporary:
        temporary.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
