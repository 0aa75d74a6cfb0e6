"""What a machine is, as far as speed goes: what stands above each table of results, and the folder that they are in."""

import platform
import re
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from organics_neuro.core.cache import processor
from organics_neuro.core.machine import compiler

#: Vector instructions that matter, as Linux names them, from narrow to wide, and as everyone else does.
_INSTRUCTIONS = {
    "asimd": "NEON",
    "sve": "SVE",
    "fma": "FMA",
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 bf16",
    "amx_tile": "AMX",
}
#: Packages that take part, or make the code that does.
_PACKAGES = {"brian2": "Brian2", "numpy": "NumPy", "jax": "JAX", "torch": "torch", "nest-simulator": "NEST"}


def header() -> dict[str, str]:
    """What is said of this machine, by heading, in the order in which it is shown."""
    name, instructions = _processor()
    return {
        "processor": name,
        "instructions": ", ".join(instructions) or "none of those that are looked for",
        "caches": _caches(),
        "compiler": _compiler(),
        "versions": ", ".join([f"Python {platform.python_version()}", *_versions()]),
    }


def folder(about: dict[str, str]) -> str:
    """The name of the folder for results of a machine: its processor and the widest of its instructions."""
    widest = about["instructions"].rpartition(", ")[2]
    return re.sub(r"[^a-z0-9]+", "_", f"{about['processor']} {widest}".lower().replace("-", "")).strip("_")


def _processor():
    """Its name, and its instructions by `_INSTRUCTIONS`."""
    about = processor()
    flags = about["flags"].split()
    name = re.sub(r"\((R|TM)\)|\s@.*", "", about["model name"])
    return name, [text for flag, text in _INSTRUCTIONS.items() if flag in flags]


def _caches():
    """Sizes of the caches that a core reads data from; what Linux says."""
    found = []
    for each in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size, cores = (
            (each / name).read_text().strip() for name in ("level", "type", "size", "shared_cpu_list")
        )
        if kind != "Instruction":
            shared = " shared" if re.search("[,-]", cores) else ""
            found.append(f"L{level} {re.sub('K$', ' kB', size)}{shared}")
    return ", ".join(found) or "unknown"


def _compiler():
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run([*compiler().split(), "--version"], capture_output=True, text=True, check=True)
        return said.stdout.splitlines()[0]
    return "none"


def _versions():
    for package, name in _PACKAGES.items():
        with suppress(PackageNotFoundError):
            yield f"{name} {version(package)}"
