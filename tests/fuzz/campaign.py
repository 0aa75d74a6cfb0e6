"""The campaign: areas one after the other, each in child processes that may crash or hang."""

import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.areas import NAMES, attempt_of
from tests.fuzz.outcomes import BAD, CRASHED, HUNG, judge

#: Seconds after which a case counts as hung; what is refused for its size is refused at once.
LIMIT = 60
#: Bytes that a child may take: what asks for more is to be refused by the package.
_MEMORY = 24 * 2**30


@dataclass
class Report:
    """What became of the inputs of a campaign: counts by area and outcome, and a line for each that is bad."""

    seed: int
    minutes: float
    counts: dict[str, Counter] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)

    def total(self, outcome):
        return sum(counts[outcome] for counts in self.counts.values())


def draw(area, seed, number):
    """The source of random numbers of a case."""
    return Random(f"{area}:{seed}:{number}")


def run(minutes, seed, areas=NAMES, echo=print):
    """Try inputs of each area for an equal part of the time, in which starting a process does not count."""
    report = Report(seed, minutes)
    for area in areas:
        counts, number, left = report.counts.setdefault(area, Counter()), 0, 60 * minutes / len(areas)
        while left > 0:
            number, left = _watch(area, seed, number, left, counts, report.bad, echo)
        echo(f"{area:14}", ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(counts.items())))
    return report


def _watch(area, seed, number, left, counts, bad, echo):
    """Follow one child from case ``number`` on, until it ends or no seconds are left; the next case and the rest of them."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    command = [sys.executable, "-m", "tests.fuzz", "--child", f"{area}:{seed}:{number}"]
    # not buffered: select does not see the lines that a buffer holds
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "bufsize": 0}
    child = subprocess.Popen(command, env=environment, **options)

    def keep(outcome, text=""):
        counts[outcome] += 1
        if outcome in BAD:
            bad.append(f"{area}:{seed}:{number} {outcome}: {text}")
            echo(bad[-1])

    try:
        if not child.stdout.readline():
            raise RuntimeError(
                f"the area {area} does not start; try python -m tests.fuzz --case {area}:{seed}:{number}"
            )
        end = time.monotonic() + left
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([child.stdout], [], [], min(LIMIT, left))
            if not ready and left < LIMIT:
                break  # the time is over
            line = child.stdout.readline() if ready else b""
            if not line:
                keep(
                    *(CRASHED, f"the process ended with {child.wait()}") if ready else (HUNG, f"no answer in {LIMIT} s")
                )
                return number + 1, end - time.monotonic()
            keep(*json.loads(line))
            number += 1
        return number, 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def serve(area, seed, number):
    """Try cases without end, and write a line of what became of each to what was the standard output."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what commands print is not for the parent
    attempt = attempt_of(area)
    judge(attempt, draw(area, "start", 0))  # what is imported and made once
    print("ready", file=answers, flush=True)
    while True:
        answers.write(json.dumps(judge(attempt, draw(area, seed, number))) + "\n")
        answers.flush()
        number += 1
