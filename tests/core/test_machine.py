"""The limits of a core: everything is read, by every way, and rates are those of what was counted."""

import time

import numpy as np
import pytest

from organics_neuro.core import machine

SIZES = (512, 512 * 37, 512 * 8192)


@pytest.fixture
def read():
    found = machine._reader()
    if found is None:
        pytest.skip("there is no C++ compiler")
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("huge", [True, False])
@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize("streams", [1, 2, 4, 8])
def test_every_way_reads_every_number_once_in_a_pass(read, streams, turns, huge, size):
    numbers = machine._memory(size, huge)
    numbers[:] = np.arange(len(numbers))
    passes = 3
    total = read(numbers.ctypes.data, size, streams, turns, passes)
    assert total == passes * numbers.sum()  # whole numbers below 2**53: exact


def test_memory_begins_with_a_huge_page():
    for huge in (True, False):
        assert machine._memory(512, huge).ctypes.data % (1 << 21) == 0


def test_a_number_of_streams_that_is_not_there_reads_nothing(read):
    numbers = machine._memory(512, False)
    assert read(numbers.ctypes.data, 512, 3, False, 1) == 0


@pytest.mark.parametrize(("size", "read_in_fact"), [(1, 512), (512, 512), (513, 1024)])
def test_sizes_are_rounded_up(size, read_in_fact):
    assert machine.Reading(size).size == read_in_fact


def test_without_a_compiler_numpy_reads(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    machine._reader.cache_clear()
    try:
        reading = machine.Reading(1 << 16)
        assert "NumPy" in reading.way
        assert 0 < reading.seconds() < 1
    finally:
        machine._reader.cache_clear()


def test_rates_are_measured_once_in_less_than_two_seconds():
    machine.reading_rate.cache_clear()
    machine.multiplying_rate.cache_clear()
    start = time.process_time()
    rates = machine.reading_rate(1 << 24), machine.multiplying_rate("float64")
    assert time.process_time() - start < 2
    assert (machine.reading_rate(1 << 24), machine.multiplying_rate("float64")) == rates
    assert rates[0] > 1e8  # no machine that runs this reads less than 100 MB/s
    assert rates[1] > 1e8
