"""All benchmarks, one after the other, and the page with their tables: ``python -m benchmarks``"""

import subprocess
import sys
from pkgutil import iter_modules

import benchmarks

#: What is here besides benchmarks.
_OTHERS = ("__main__", "harness", "report", "gpu", "gpu_cases", "gpu_parts")

for _module in iter_modules(benchmarks.__path__):
    if _module.name not in _OTHERS:
        subprocess.run([sys.executable, "-m", f"benchmarks.{_module.name}"], check=True)
subprocess.run([sys.executable, "-m", "benchmarks.report"], check=True)
