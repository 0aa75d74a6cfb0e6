"""Tables of results: printed as they come, kept as CSV in a folder for each machine, with what the machine is above them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import machine
from organics_neuro.core.files import replacing

RESULTS = Path(__file__).parent / "results"


class Table:
    """Rows that are printed as they come and kept in the folder of this machine.

    Parameters
    ----------
    name : str
        That of the benchmark.
    columns : sequence of str
    texts : int
        How many columns hold sentences; the first ones. They are printed wider.
    """

    def __init__(self, name, columns, texts=0):
        self.header = machine.header()
        self.path = RESULTS / machine.folder(self.header) / f"{name}.csv"
        self.columns, self.rows, self._texts = columns, [], texts
        print(*(f"{key}: {value}" for key, value in self.header.items()), sep="\n")
        print(self._line(columns), flush=True)

    def add(self, *row):
        self.rows.append([_text(value) for value in row])
        print(self._line(self.rows[-1]), flush=True)
        self.path.parent.mkdir(exist_ok=True, parents=True)
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            file.writelines(f"# {key}: {value}\n" for key, value in self.header.items())
            csv.writer(file, lineterminator="\n").writerows([self.columns, *self.rows])

    def _line(self, texts):
        return "  ".join(f"{text:<30}" if k < self._texts else f"{text:>14}" for k, text in enumerate(texts))


@dataclass(frozen=True)
class Kept:
    """A table that was kept.

    Parameters
    ----------
    path : Path
    header : dict of str
        What stands above it.
    columns : list of str
    rows : list of dict of str
        By column.
    """

    path: Path
    header: dict[str, str]
    columns: list[str]
    rows: list[dict[str, str]]

    @property
    def machine(self):
        """The processor and its vector instructions."""
        return f"{self.header['processor']} ({self.header['instructions']})"

    def find(self, **values):
        """The rows with these values."""
        return [row for row in self.rows if all(row[column] == str(value) for column, value in values.items())]


def kept(path):
    """The `Kept` table in a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    above = [line.removeprefix("# ").partition(": ") for line in lines if line.startswith("#")]
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return Kept(path, {key: value for key, _, value in above}, list(rows.fieldnames), list(rows))


def machines():
    """The tables that were kept, by folder and name."""
    folders = sorted(folder for folder in RESULTS.iterdir() if folder.is_dir())
    return {folder.name: {path.stem: kept(path) for path in sorted(folder.glob("*.csv"))} for folder in folders}


def _text(value):
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
