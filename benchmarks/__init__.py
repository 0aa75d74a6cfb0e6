"""What coupling costs, as ratios measured within one run; ``python -m benchmarks``, or ``python -m benchmarks.one_trial`` and so on.

All is measured on one core, but ``threads`` and the last row of ``training``, which take two. Times are medians of several
repeats, without compilation; the time to the first result contains it.
"""

import os
import sys

if sys.argv[0] == "-m":  # a benchmark is being started, and NumPy, JAX and their pools of threads are not loaded yet
    for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(_name, "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
