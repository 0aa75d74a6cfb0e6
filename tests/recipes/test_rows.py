"""Tables of results: every line has a checksum, and no change of one goes unnoticed."""

import csv
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("torch")

from filelock import FileLock  # noqa: E402

from organics_neuro.core.errors import FileFormatError, UncheckedFileWarning  # noqa: E402
from organics_neuro.recipes import rows  # noqa: E402

DATA = Path(__file__).parents[2] / "data"


def test_lines_that_are_written_at_the_same_time_are_all_kept(tmp_path, monkeypatch):
    path = tmp_path / "lines.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: rows.add_row(path, {"k": k}, ["k"]), range(24)))
    assert {row["k"] for row in rows.read_rows(path)} == set(map(str, range(24)))
    monkeypatch.setattr(rows, "_PATIENCE", 0)
    with (
        FileLock(tmp_path / ".lines.csv.lock"),
        pytest.raises(TimeoutError, match=r"another process is writing .*lines\.csv; try again when it has finished"),
    ):
        rows.add_row(path, {"k": 0}, ["k"])
    rows.add_row(path, {"k": 0}, ["k"])


@pytest.fixture
def path(tmp_path):
    """A table of two lines."""
    for k, text in enumerate(["a, b", 'quoted "x"']):
        rows.add_row(tmp_path / "lines.csv", {"k": k, "text": text, "score": 0.5}, ["k"])
    return tmp_path / "lines.csv"


def test_a_flipped_bit_of_a_table_is_found_or_harmless(path):
    """Every bit. Harmless is one in the name of the column of checksums: the lines are then read with a warning."""
    expected, data, harmless = rows.read_rows(path), path.read_bytes(), 0
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as noted, suppress(FileFormatError):
            found = rows.read_rows(path)
            harmless += len(noted)
            assert [{name: row[name] for name in expected[0]} for row in found] == expected, f"bit {bit}"
    assert harmless <= 8 * len("crc32 of 2 lines")


def test_a_table_that_is_cut_is_found_or_whole(path):
    """Cut where only the checksums of the last line, or their name, are lost: nothing of the lines is."""
    expected, data = rows.read_rows(path), path.read_bytes()
    for length in range(len(data) - 1):
        path.write_bytes(data[:length])
        with suppress(FileFormatError), warnings.catch_warnings(record=True):
            assert rows.read_rows(path) == expected, f"cut after {length} bytes"


@pytest.mark.parametrize("drop", [b"\n", b",0.5", b"0,"])
def test_a_table_with_a_part_missing_is_refused(path, drop):
    data = path.read_bytes()
    path.write_bytes(data.replace(drop, b"", 1))
    with pytest.raises(FileFormatError, match="lines.csv(, line [23])?(:| is damaged)"):
        rows.read_rows(path)


def test_zeros_where_a_table_was_are_found(path):
    """As file systems leave them after a crash: they can make one column of the end of a line and the next one."""
    data = path.read_bytes()
    for at in range(len(data)):
        for length in (1, 16, 28, 40):
            path.write_bytes(data[:at] + bytes(length) + data[at + length :])
            with pytest.raises(FileFormatError):
                rows.read_rows(path)


def test_tables_without_checksums_are_read_with_a_warning_and_get_them(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text("k,text\n0,a\n")
    with pytest.warns(UncheckedFileWarning, match="lines.csv has no checksums"):
        assert rows.read_rows(path, {"k": int}) == [{"k": 0, "text": "a"}]
    with pytest.warns(UncheckedFileWarning):
        rows.add_row(path, {"k": 1, "text": "b"}, ["k"])
    assert [row["k"] for row in rows.read_rows(path)] == ["0", "1"]


@pytest.mark.parametrize("path", sorted((DATA / "results").glob("*.csv")), ids=lambda path: path.stem)
def test_tables_that_ship_have_checksums(path):
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert all(len(line[f"crc32 of {len(lines)} lines"]) == 8 for line in lines)
    assert rows.read_rows(path)
