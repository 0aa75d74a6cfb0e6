"""A sheet of 100,000 units with local recurrence and a broad pool fits in little memory."""

import pytest

pytest.importorskip("resource", reason="memory is measured on Unix")


@pytest.mark.slow
def test_a_sheet_of_100000_units_needs_less_than_a_gigabyte():
    from multiprocessing import get_context

    from benchmarks.operators import one

    with get_context("spawn").Pool(1) as pool:
        _, _, *memory = pool.apply(one, ("sheet: 7x7 + broad", 100_000))
    assert max(memory) < 1e9  # of the program, and of the process that made it
