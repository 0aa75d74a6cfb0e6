"""Where compiled and measured things are kept, and the processor that they are for."""

import hashlib
import os
import platform
from pathlib import Path
from typing import Any


def cache_folder(*variables: str) -> Path:
    """The folder of the package in the cache of the user; the first of the environment's ``variables`` that is set moves it."""
    moved = (os.environ.get(name) for name in (*variables, "XDG_CACHE_HOME"))
    folder = Path(next(filter(None, moved), None) or Path.home() / ".cache") / "organics_neuro"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def processor() -> dict[str, str]:
    """What the system says of the first processor: ``model name``, ``flags`` (its instructions), ``cache size``, where it does."""
    found = {"model name": platform.processor() or platform.machine(), "flags": "", "cache size": ""}
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return found
    lines = (line.partition(":") for line in first.splitlines())
    entries = {key.strip().replace("Features", "flags"): text.strip() for key, _, text in lines}  # Features: of ARM
    return found | {key: entries[key] for key in found if key in entries}


def key(*parts: Any) -> str:
    """A short name for what was made from the ``parts`` for this processor."""
    return hashlib.sha256(repr((parts, processor())).encode()).hexdigest()[:20]
