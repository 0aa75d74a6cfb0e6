"""The ten ratios that matter, with their aims: ``python -m benchmarks --quick``

A ratio is the time of the other divided by ours, the median over rounds; of reading, the share of its rate. "limit" is what
the ratio would be if ours took no longer than reading its weights, or multiplying with them, alone: no aim above it can be
met on this machine.
"""

import numpy as np

from benchmarks import harness as h
from benchmarks import one_trial
from benchmarks.lines import JAX, LINES, LSTM, OURS, READING, SYNAPSES, TASK
from benchmarks.tables import Table

#: Fewer than elsewhere, so that all takes less than five minutes.
ROUNDS = 5


def competitors(units, trials):
    """What the lines of one circuit need, by name and type: made once, measured in turns."""
    lines = [line for line in LINES if (line.units, line.trials) == (units, trials)]
    made = {}
    for dtype in dict.fromkeys(line.dtype for line in lines):
        made[OURS, dtype] = h.circuit(units, dtype=dtype, trials=trials)
        made[READING, dtype] = _limit(units, trials, dtype)
    for line in lines:
        if line.other == JAX:
            made[JAX, line.dtype] = h.jax(units, trials, line.dtype)
        elif line.other == SYNAPSES:
            made[SYNAPSES, line.dtype] = one_trial.synapses(units, "connect", "cpp")
    return {key: engine for key, engine in made.items() if engine is not None}


def _limit(units, trials, dtype):
    """Reading the weights of both couplings, which one trial cannot be faster than, or multiplying with them."""
    count = 2 * units**2
    if trials == 1:
        return h.read_bandwidth(count * np.dtype(dtype).itemsize)
    product = h.gemm(dtype)
    return h.Engine(product.name, product.target, dtype, lambda: product.run() * count * trials)


def layers():
    """What the line of the training step needs."""
    try:
        from benchmarks import training
    except ImportError:  # no torch
        return {}
    names = {OURS: "fused", LSTM: LSTM}
    made = {(key, "float32"): training.engine(name, TASK) for key, name in names.items()}
    made[READING, "float32"] = h.Engine("floor", "", "float32", training.floor(*TASK))
    return made


def measure(table, made, lines):
    """A row for each line that there is an engine for."""
    times = dict(zip(made, h.race(list(made.values()), ROUNDS).T, strict=True))
    for line in lines:
        other = times.get((line.other, line.dtype))
        if other is None:
            table.add(line.what, line.against, "", "", "", line.aim, "", f"{line.other} is not installed")
            continue
        ours, limit = times[OURS, line.dtype], times[READING, line.dtype]
        ratio, most = np.median(other / ours), np.median(other / limit)
        met = "yes" if ratio >= line.aim else "no"
        if met == "no" and most < line.aim:
            met = "no, beyond the limit"
        seconds = [np.median(each) * 1e6 for each in (ours, other)]
        table.add(line.what, line.against, *seconds, ratio, line.aim, most, met)


def main():
    h.pin()
    columns = ["what", "against", "ours [us]", "other [us]", "ratio", "aim", "limit", "met"]
    table = Table("quick", columns, texts=2)
    for units, trials in dict.fromkeys((line.units, line.trials) for line in LINES):
        lines = [line for line in LINES if (line.units, line.trials) == (units, trials)]
        measure(table, competitors(units, trials) if units else layers(), lines)


if __name__ == "__main__":
    main()
