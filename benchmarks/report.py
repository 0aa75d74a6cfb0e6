"""Write docs/benchmarks.md from the results that are kept: ``python -m benchmarks.report``"""

from importlib import import_module
from pathlib import Path

from benchmarks.tables import machines
from organics_neuro.core.files import replacing

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_INTRODUCTION = """# Benchmarks

Made by `python -m benchmarks.report` from what the benchmarks wrote, on each machine into a folder of its own. Everything in
a table was measured in one run, in turns, on one core (where threads are named, on so many) of a virtual machine that it
shared with others. Compare within a table, by the ratios. Times are medians, without compilation; ratios are medians over
the rounds, not quotients of these medians. "first" is the time to the first result, compilation included. "reading" is the
fastest of several ways to read as many bytes and nothing else: in one to eight streams, back and forth or only forwards, from
large or small pages.

`python -m benchmarks --quick` measures the ten ratios that matter, in less than five minutes; `python -m benchmarks` all
tables, and `python -m benchmarks --all` the slow engines, too.
"""


def section(name, tables):
    """What a benchmark measures, and its table on each machine."""
    about = import_module(f"benchmarks.{name}").__doc__.strip()
    return "\n\n".join([f"## {name}", about, *(f"{_machine(table)}\n\n{_rows(table)}" for table in tables)]) + "\n"


def _machine(table):
    """What is said of the machine, as one paragraph."""
    rest = "; ".join(
        f"{key} {value}" for key, value in table.header.items() if key not in ("processor", "instructions")
    )
    return f"**{table.machine}**" + (f": {rest}" if rest else "")


def _rows(table):
    lines = [table.columns, ["---"] * len(table.columns), *(row.values() for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page():
    """The text of the page."""
    kept = machines()
    names = sorted({name for tables in kept.values() for name in tables}, key=lambda name: (name != "quick", name))
    return "\n".join([_INTRODUCTION, *(section(n, [t[n] for t in kept.values() if n in t]) for n in names)])


def main():
    with replacing(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
