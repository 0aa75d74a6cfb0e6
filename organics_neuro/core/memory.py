"""What does not fit into memory is refused before it is made."""

import os
from math import inf
from pathlib import Path


def available_memory() -> int | None:
    """Bytes of memory that are free or can be freed; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_memory(what: str, size: float, remedy: str) -> None:
    """Raise `MemoryError`, in one sentence, if ``size`` bytes are more than are free.

    Parameters
    ----------
    what : str
        What takes them, with its size, for the message.
    size : float
    remedy : str
    """
    free = available_memory()
    if free is not None and size > free:
        taken = size / 1e9 if size < 1e300 else inf
        raise MemoryError(f"{what} takes {taken:.3g} GB, but {free / 1e9:.3g} GB are free; {remedy}")
