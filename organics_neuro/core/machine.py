"""What one core of this machine can do at most: read memory, and multiply matrices. Measured, in less than a second each."""

import ctypes
import mmap
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np

_SOURCE = Path(__file__).with_name("reading.cpp")
#: Sizes are multiples of this many bytes: a vector for each of eight streams.
_UNIT = 512
#: Bytes of a huge page.
_HUGE = 1 << 21
#: Bytes that are read for one measurement, and how many measurements are made of each way.
_ENOUGH, _TRIES = 1e8, 4
#: Rows and columns of matrices, large enough for the highest rate.
_MATRIX = 1024


def compiler() -> str:
    """The command that compiles C++: what the variable CXX says, else the usual one."""
    return os.environ.get("CXX", "g++" if os.name == "posix" else "cl")


class Reading:
    """Reads so many bytes over and over, and nothing else, in the way that is the fastest here.

    Ways are one to eight streams side by side, each forwards or forwards and backwards in turn, and memory in large or
    small pages, in C++; without a compiler NumPy's product of two vectors.

    Parameters
    ----------
    size : int
        Bytes, rounded up to a multiple of 512.

    Attributes
    ----------
    way : str
    """

    def __init__(self, size: int):
        self.size = max(1, -(-int(size) // _UNIT)) * _UNIT
        self._passes = max(2, int(_ENOUGH / self.size))
        read = _reader()
        if read is None:
            x, y = np.ones((2, self.size // 16))
            self.way, self._call = "NumPy's product of two vectors", lambda: [np.dot(x, y) for _ in range(self._passes)]
            return
        large = self._ways(read, True)
        streams, turns, _ = self._fastest(large)
        two = {**large, **self._ways(read, False)}
        best = self._fastest({way: two[way] for way in two if way[:2] == (streams, turns)})
        self._call = two[best]
        self.way = f"{streams} stream{'s' * (streams > 1)}{', back and forth' * turns}{', huge pages' * best[2]}"

    def seconds(self) -> float:
        """Seconds of the processor to read everything once."""
        start = time.process_time()
        self._call()
        return (time.process_time() - start) / self._passes

    def _ways(self, read: Callable, huge: bool) -> dict[tuple[int, bool, bool], Callable]:
        """Calls by their number of streams, whether they turn, and the pages, on one piece of memory."""
        data = _memory(self.size, huge)

        def call(streams: int, turns: bool) -> Callable:
            return lambda: read(data.ctypes.data, self.size, streams, turns, self._passes)

        return {(streams, turns, huge): call(streams, turns) for streams, turns in product((1, 2, 4, 8), (False, True))}

    def _fastest(self, calls):
        """The way that took the least time, in turns with the others."""
        best = dict.fromkeys(calls, np.inf)
        for _ in range(_TRIES):
            for way, self._call in calls.items():
                best[way] = min(best[way], self.seconds())
        return min(best, key=best.__getitem__)


class Multiplying:
    """NumPy's product of two square matrices, as a measure of what multiplications take at least.

    Parameters
    ----------
    dtype : dtype
        float64 or float32.
    """

    #: Multiplications, each with an addition, of a product.
    count = _MATRIX**3

    def __init__(self, dtype: np.dtype | type | str = "float64"):
        self._matrices = np.ones((3, _MATRIX, _MATRIX), dtype)

    def seconds(self) -> float:
        """Seconds of a product, of all processors together: so threads make no difference."""
        a, b, out = self._matrices
        start = time.process_time()
        np.dot(a, b, out=out)
        return time.process_time() - start


@lru_cache
def reading_rate(size: int) -> float:
    """Bytes in a second at which one core reads ``size`` bytes over and over; measured at the first call."""
    reading = Reading(size)
    return reading.size / min(reading.seconds() for _ in range(_TRIES))


@lru_cache
def multiplying_rate(dtype: str) -> float:
    """Multiplications, each with an addition, of one core in a second; measured at the first call."""
    multiplying = Multiplying(dtype)
    multiplying.seconds()  # the first call is slower
    return multiplying.count / min(multiplying.seconds() for _ in range(_TRIES))


def _memory(size: int, huge: bool) -> np.ndarray:
    """Ones that begin at a multiple of a huge page, and lie in such pages if the system has them."""
    room = mmap.mmap(-1, size + _HUGE)
    advice = getattr(mmap, "MADV_HUGEPAGE" if huge else "MADV_NOHUGEPAGE", None)
    if advice is not None:
        with suppress(OSError):  # a system without huge pages
            room.madvise(advice)
    numbers = np.frombuffer(room, np.float64)
    first = -numbers.ctypes.data % _HUGE // 8
    numbers = numbers[first : first + size // 8]
    numbers[:] = 1
    return numbers


@lru_cache(maxsize=1)
def _reader() -> Callable | None:
    """The function in C++, compiled; None where that is not possible."""
    command = compiler().split()
    if os.name != "posix" or shutil.which(command[0]) is None:
        return None
    with tempfile.TemporaryDirectory(prefix="organics_") as folder:
        library = f"{folder}/reading.so"
        flags = ["-O3", "-march=native", "-shared", "-fPIC"]
        try:
            subprocess.run([*command, *flags, "-o", library, str(_SOURCE)], check=True, capture_output=True)
            read = ctypes.CDLL(library).organics_read
        except (OSError, subprocess.SubprocessError, AttributeError):
            return None
    read.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3]
    read.restype = ctypes.c_double
    return read
