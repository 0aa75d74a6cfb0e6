"""All benchmarks, one after the other, and the page with their tables: ``python -m benchmarks [--quick | --all]``

``--quick`` measures the ten ratios that matter alone, ``--all`` the slow engines, too.
"""

import argparse
import subprocess
import sys
from pkgutil import iter_modules

import benchmarks

#: What is here besides benchmarks, and the ten ratios, which are parts of them.
_OTHERS = ("__main__", "gpu", "gpu_cases", "gpu_parts", "harness", "lines", "machine", "quick", "report", "tables")

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition(":")[0])
which = parser.add_mutually_exclusive_group()
which.add_argument("--quick", action="store_true", help="the ten ratios that matter, in less than five minutes")
which.add_argument("--all", action="store_true", help="with the slow engines")
chosen = parser.parse_args()
names = (
    ["quick"] if chosen.quick else [each.name for each in iter_modules(benchmarks.__path__) if each.name not in _OTHERS]
)
for name in names:
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *["--all"] * chosen.all], check=True)
subprocess.run([sys.executable, "-m", "benchmarks.report"], check=True)
