"""What benchmarks keep: tables by machine, the ratios that matter, and the pages and the figure that are made of them."""

import importlib

import pytest

from benchmarks import lines, machine, tables

ABOUT = {"processor": "Some Chip", "instructions": "AVX2, AVX-512", "caches": "L1 32 kB, L2 1024 kB"}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Tables of a machine that there is not, in an empty folder."""
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    monkeypatch.setattr(machine, "header", lambda: dict(ABOUT))
    return tmp_path


def one_trial(engine, target, dtype, ratio):
    return 64, engine, target, dtype, 1.0, ratio, 0.5, 1.0


def test_a_table_is_read_as_it_was_written(results):
    table = tables.Table("some", ["N", "engine, of some kind", "us"])
    table.add(64, 'a "name", with commas', 1.23456)
    table.add(256, "b", "")
    (kept,) = tables.machines()["some_chip_avx512"].values()
    assert kept.header == ABOUT
    assert kept.columns == table.columns
    assert [list(row.values()) for row in kept.rows] == [["64", 'a "name", with commas', "1.235"], ["256", "b", ""]]
    assert kept.find(N=256) == [kept.rows[1]]


def test_this_machine_says_what_it_is():
    about = machine.header()
    assert list(about) == ["processor", "instructions", "caches", "compiler", "versions"]
    assert all(about.values())
    assert "Brian2 " in about["versions"]
    assert machine.folder(about) == machine.folder(machine.header())


def test_tables_lie_in_the_folder_of_their_machine():
    for folder, found in tables.machines().items():
        for name, table in found.items():
            assert machine.folder(table.header) == folder, name


def test_ratios_are_those_of_the_quick_table_or_of_whole_benchmarks(results):
    line = lines.Line(lines.JAX, 1.1, 64, 1, "float32")
    assert line.kept({}) is None
    columns = ["N", "engine", "target", "dtype", "us/step", "times C++", "of bandwidth", "first [s]"]
    whole = tables.Table("one_trial", columns)
    for engine, target, dtype, ratio in (
        (lines.OURS, "cpp", "float64", 1.0),
        (lines.OURS, "cpp", "float32", 0.4),
        (lines.OURS, "numpy", "float32", 30.0),
        (lines.JAX, "jit", "float64", 1.3),
        (lines.JAX, "jit", "float32", 0.6),
    ):
        whole.add(*one_trial(engine, target, dtype, ratio))
    kept = tables.machines()["some_chip_avx512"]
    assert line.kept(kept) == pytest.approx(1.5)
    assert lines.Line(lines.SYNAPSES, 4.0, 64, 1, "float64").kept(kept) is None
    quick = tables.Table("quick", ["what", "against", "ratio"])
    quick.add(line.what, line.against, 1.7)
    assert line.kept(tables.machines()["some_chip_avx512"]) == 1.7


def test_there_are_ten_ratios_each_once():
    assert len({(line.what, line.against) for line in lines.LINES}) == len(lines.LINES) == 10


def test_the_page_is_that_of_the_results():
    pytest.importorskip("torch")  # a benchmark needs it
    report = importlib.import_module("benchmarks.report")
    assert report.PAGE.read_text(encoding="utf-8") == report.page(), "run python -m benchmarks.report"


def test_figures_show_every_machine(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend("docs")
    importlib.import_module("figures").write(tmp_path)
    heading = (tmp_path / "speed.md").read_text(encoding="utf-8").splitlines()[0]
    found = [found for found in tables.machines().values() if any(line.kept(found) for line in lines.LINES)]
    assert found
    assert all(next(iter(each.values())).machine in heading for each in found)
    assert {path.name for path in tmp_path.iterdir()} == {"performance.png", "operators.png", "speed.md"}
