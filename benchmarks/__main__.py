"""All benchmarks, one after the other, and the page with their tables: ``python -m benchmarks``"""

import subprocess
import sys

from benchmarks.harness import RESULTS

for _path in sorted(RESULTS.glob("*.csv")):
    subprocess.run([sys.executable, "-m", f"benchmarks.{_path.stem}"], check=True)
subprocess.run([sys.executable, "-m", "benchmarks.report"], check=True)
