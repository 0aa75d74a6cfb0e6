"""Tables of results as CSV files, in which each line has a checksum of its own: lines are added, and merged by git."""

import csv
import json
import re
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from organics_neuro.core.errors import FileFormatError, UncheckedFileWarning
from organics_neuro.core.files import make_folder, replacing

#: How the last column is called: it holds the CRC-32 of the names and values of the others, and its name how many lines
#: there are, so that none can be lost.
_CHECKSUM = re.compile(r"crc32 of (\d+) lines")
#: Seconds that a process waits for others to write their lines to a CSV file.
_PATIENCE = 10
#: What is in each column of a CSV file.
Columns = Mapping[str, type[str] | type[int] | type[float]]


def read_rows(path: str | PathLike[str], columns: Columns | None = None) -> list[dict[str, Any]]:
    """The lines of a CSV file as dictionaries, without their checksums; none if there is no such file.

    Parameters
    ----------
    path : path
    columns : dict of type, optional
        Columns that every line must have, and what is in them: str, int or float. All others are texts.

    Raises
    ------
    FileFormatError
        If it is no CSV file, or a line is damaged, lacks a column, or has a text in the place of a number.
    """
    if not Path(path).is_file():
        return []
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            column = _CHECKSUM.fullmatch((reader.fieldnames or [""])[-1])
            rows = [_checked(row, column and column[0], f"{path}, line {reader.line_num}") for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            raise FileFormatError(f"{path} is not a CSV file ({error})") from error
    if any("\0" in text for row in rows for text in (*row, *row.values())):
        raise FileFormatError(f"{path} is not a CSV file (it holds null characters)")
    if len(rows) != (int(column[1]) if column else max(1, len(rows))):
        raise FileFormatError(
            f"{path} is damaged: it has {len(rows)} lines, not {column[1] if column else 'one or more'}"
        )
    if not column:
        warnings.warn(f"{path} has no checksums: damage would go unnoticed", UncheckedFileWarning, stacklevel=2)
    return [_typed(row, columns or {}, f"{path}, line {k}") for k, row in enumerate(rows, start=2)]


def _checked(row: dict[str, str], column: str | None, where: str) -> dict[str, str]:
    """A line without its checksum, if it has one that is right, or none at all."""
    missing = [str(name) for name, value in row.items() if value is None]
    if missing or None in row:
        raise FileFormatError(
            f"{where}: values are missing in the columns {', '.join(missing)}"
            if missing
            else f"{where}: there are more values than columns"
        )
    if column and row.pop(column) != _checksum(row):
        raise FileFormatError(f"{where} is damaged: it does not agree with its checksum; restore the line")
    return row


def _checksum(row: Mapping[str, str]) -> str:
    return f"{zlib.crc32(json.dumps(list(row.items())).encode()):08x}"


def _typed(row: dict[str, str], columns: Columns, where: str) -> dict[str, Any]:
    missing = [name for name in columns if name not in row]
    if missing:
        raise FileFormatError(f"{where}: values are missing in the columns {', '.join(missing)}")
    return row | {name: _value(name, row[name], kind, where) for name, kind in columns.items()}


def _value(name: str, text: str, kind: type, where: str) -> Any:
    """A text of a CSV file as the type of its column; numbers are finite."""
    try:
        if kind is str or isfinite(kind(text)):
            return kind(text)
    except (ValueError, OverflowError):
        pass
    what = "an integer" if kind is int else "a finite number"
    raise FileFormatError(f"{where}: {name} must be {what}, got {text!r}")


def add_row(path: str | PathLike[str], row: Mapping[str, object], key: Sequence[str]) -> None:
    """Add a line to a CSV file, in place of one that has the same values in the columns ``key``."""
    path, row = Path(path), {name: str(value) for name, value in row.items()}
    make_folder(path.parent)
    with _alone(path):
        rows = read_rows(path)
        foreign = set().union(*rows) - set(row)
        if foreign:
            raise FileFormatError(f"{path} has columns that are not known: {', '.join(map(str, foreign))}; remove them")
        kept = [old for old in rows if [old.get(name) for name in key] != [row[name] for name in key]]
        write_rows(path, [*({name: old.get(name, "") for name in row} for old in kept), row])


def write_rows(path: str | PathLike[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write lines with their checksums to a CSV file; all have the same columns."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        column = f"crc32 of {len(rows)} lines"
        writer = csv.DictWriter(file, [*rows[0], column], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, column: _checksum(row)} for row in rows)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process changes a file, and keep others waiting: what one reads, no other has replaced."""
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_PATIENCE):
            yield
    except Timeout:
        raise TimeoutError(f"another process is writing {path}; try again when it has finished") from None
