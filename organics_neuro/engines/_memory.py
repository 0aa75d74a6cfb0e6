"""A simulation that does not fit into memory is refused before it starts."""

import os
from pathlib import Path
from typing import Any


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


def check_memory(run: Any, units: int) -> None:
    """Raise `MemoryError` if the recording of so many ``units`` does not fit."""
    asked, free = run.count * run.trials * units * 8, available_memory()
    if free is not None and asked > free:
        raise MemoryError(
            f"the recording takes {asked / 1e9:.3g} GB ({run.count:,} samples of {run.trials:,} trials of {units:,} "
            f"units), but {free / 1e9:.3g} GB are free; record less with record=[...] or every=..., or use fewer trials"
        )
