"""Commands about this machine: what works on it, and the demonstration that tries it all."""

import platform
import shutil
import sys
from argparse import Namespace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from organics_neuro.cli.commands import argument, command

#: Packages that matter, and the extra that brings them.
_PACKAGES = {
    "Brian2": "",
    "numpy": "",
    "scipy": "",
    "sympy": "",
    "xarray": "",
    "torch": "torch",
    "ninja": "torch",
    "matplotlib": "plot",
    "brian2cuda": "cuda",
}


@command(
    "train on digits, transfer to Brian2 C++, classify 10,000 digits, study a ring: in demo/", example="organics demo"
)
def demo(options: Namespace) -> None:
    import runpy

    from organics_neuro.datasets import EXAMPLES

    runpy.run_path(str(EXAMPLES / "demo.py"), run_name="__main__")


@command(
    "say what is installed, which compilers, targets and kernels work, and what to do about the others",
    argument("--compile", action="store_true", help="also compile and run a small program, which takes a minute"),
    example="organics doctor --compile",
)
def doctor(options: Namespace) -> int:
    from organics_neuro import __version__, datasets

    print(f"organics_neuro {__version__} in {Path(datasets.__file__).parent}")
    print(f"Python {platform.python_version()}, {platform.platform()}, {platform.machine()}\n")
    for name, extra in _PACKAGES.items():
        try:
            print(f"  ok       {name} {version(name)}")
        except PackageNotFoundError:
            print(f"  missing  {name}: pip install 'organics_neuro[{extra}]'" if extra else f"  missing  {name}")
    compiler = next((found for found in map(shutil.which, ("g++", "clang++", "cl")) if found), None)
    print(f"  ok       C++ compiler {compiler}" if compiler else f"  missing  C++ compiler: {_COMPILER}")
    nvcc = shutil.which("nvcc")
    print(f"  ok       CUDA compiler {nvcc}" if nvcc else "  absent   nvcc, which the device 'cuda' needs (docs: cuda)")
    print(
        f"  ok       {len(datasets.network_names())} trained networks in {datasets.DATA}"
        if datasets.network_names()
        else "  missing  data"
    )
    targets = {"numpy, by the reference simulator": "reference", "Brian2": "brian"}
    if options.compile and compiler:
        targets["Brian2, device cpp"] = "brian(device='cpp')"
    return sum(not _works(name, engine) for name, engine in targets.items()) and 1


_COMPILER = "install g++ (Linux), Xcode's command line tools (macOS) or Visual Studio's build tools (Windows)"


def _works(name: str, engine: str) -> bool:
    """Run a small circuit by an engine, and say what happened."""
    import time

    import numpy as np

    from organics_neuro.core.ring import ring
    from organics_neuro.engines import simulate

    if engine != "reference":
        print(f"  ...      {name}: where it compiles, the first run takes up to a minute", flush=True)
    start = time.perf_counter()
    try:
        found = simulate(ring(n=12), np.full(12, 0.1), 0.001, engine)["y"]
        expected = simulate(ring(n=12), np.full(12, 0.1), 0.001, "reference")["y"]
        right = bool(np.allclose(found, expected, atol=1e-12))
        print(f"  {'ok      ' if right else 'WRONG   '} {name}: a small run took {time.perf_counter() - start:.1f} s")
        return right
    except Exception as error:  # whatever it is, that is the answer
        print(f"  broken   {name}: {type(error).__name__}: {error}", file=sys.stdout)
        return False
