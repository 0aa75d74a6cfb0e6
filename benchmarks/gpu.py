"""Circuits on a GPU against its limits, a jitted JAX scan there and `Synapses` in brian2cuda. ``make gpu``

It runs the tests for GPUs first, keeps within so many minutes by leaving out what does not fit, and says what it left out.
``python -m benchmarks.gpu --stand-in`` tries the script out without a GPU, on small circuits: its times say nothing, and are
kept apart.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from organics_neuro.core.files import replacing

ROOT = Path(__file__).parents[1]
COLUMNS = [
    "what",
    "N",
    "trials",
    "method",
    "dtype",
    "engine",
    "us/step",
    "us/trial-step",
    "times ours",
    "of limit",
    "note",
]
#: What is done in turn, each in a process of its own, and the share of the time that is left then it may take.
PARTS = {"tests": 0.45, "limits": 0.3, "circuits": 0.55, "synapses": 0.6, "jax": 0.9}
TESTS = [
    ["tests/brian/test_cuda.py", "-k", "rk4"],
    ["tests/brian/test_cuda_programs.py"],
    ["tests/brian/test_cuda.py", "-k", "not rk4"],
    ["tests/brian/spiking/test_couplings.py"],
]
_STAND_IN = "**These are not times of a GPU.** The programs ran on the CPU, on the stand-in of tests/cuda_on_cpu, to try the script out. Do not keep them."


_PAGE = """Made by `make gpu`. "us/step" is the time of one step of all trials, from the start of a run until the GPU has done all of it,
without compilation. "of limit" is what a step takes at least, over what it took: the largest of three times, to read its
weights and states once for each product at the measured rate, to multiply at the rate of cuBLAS, and to launch two kernels for
each product. JAX scans the same step in one jitted function."""


class Clock:
    """How much of the time is left."""

    def __init__(self, minutes):
        self.start, self.minutes = time.monotonic(), minutes

    def left(self):
        return 60 * self.minutes - (time.monotonic() - self.start)

    def say(self, text):
        print(f"[{(time.monotonic() - self.start) / 60:4.1f} min] {text}", flush=True)


def environment(stand_in):
    """That of the processes that are started: this package first, and the stand-in where there is to be no GPU."""
    own = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", "")])
    if stand_in:
        own["PATH"] = os.pathsep.join([str(ROOT / "tests" / "cuda_on_cpu" / "bin"), own["PATH"]])
    return own


def gpu_name(env):
    """What nvidia-smi says of the GPU; None if there is none."""
    command = shutil.which("nvidia-smi", path=env["PATH"])
    listed = command and subprocess.run([command, "--list-gpus"], capture_output=True, text=True, check=False, env=env)
    lines = listed.stdout.splitlines() if listed and listed.returncode == 0 else []
    return lines[0].split(": ", 1)[-1].split(" (UUID")[0] if lines else None


def run(command, seconds, env, log):
    """Run a command for so many seconds at most; returns "passed", "failed" or "too long". What it says goes into a file."""
    with open(log, "a") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=file, start_new_session=True)
        try:
            return "failed" if process.wait(max(seconds, 1)) else "passed"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # with the compilers and programs that it started
            process.wait()
            return "too long"


def run_tests(clock, folder, env, small):
    """The tests for GPUs, as many as there is time for; returns a line for each group of them."""
    until, lines = clock.left() * (1 - PARTS["tests"]), []
    for k, test in enumerate(TESTS[:1] if small else TESTS):
        name, log = " ".join(test), folder / f"tests_{k}.log"
        if clock.left() - until < 20:
            lines.append(f"{name}: not run, no time left")
        else:
            command = [sys.executable, "-m", "pytest", "-m", "gpu", "-v", "-p", "no:cacheprovider", *test]
            how = run(command, clock.left() - until, env, log)
            passed, failed = log.read_text().count(" PASSED"), log.read_text().count(" FAILED")
            cut = ", then there was no time left" if how == "too long" else ""
            error = f"; see {log}" if how == "failed" else ""
            lines.append(f"{name}: {passed} passed, {failed} failed{cut}{error}")
        clock.say(lines[-1])
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="time for all")
    parser.add_argument("--stand-in", action="store_true", help="without a GPU, on small circuits, into build/gpu")
    chosen = parser.parse_args()
    clock, env = Clock(chosen.minutes), environment(chosen.stand_in)
    name = gpu_name(env)
    if name is None:
        sys.exit("nvidia-smi lists no GPU; to try the script out without one: python -m benchmarks.gpu --stand-in")
    results = ROOT / "build" / "gpu" if chosen.stand_in else ROOT / "benchmarks" / "results"
    folder = ROOT / "build" / "gpu" / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    results.mkdir(exist_ok=True)
    clock.say(f"{name}; {chosen.minutes:g} minutes; logs and programs in {folder}")
    said = run_tests(clock, folder, env, chosen.stand_in)
    for part in list(PARTS)[1:]:
        said += run_part(part, clock, folder, env, chosen.stand_in)
    rows = list(table(folder, chosen.stand_in))
    write(rows, said, results, name, chosen.stand_in)
    clock.say(f"written: {results / 'gpu.csv'}, {results / 'gpu.md'}")


def run_part(part, clock, folder, env, small):
    """A part of the measurements; returns a line if it did not end well."""
    seconds = PARTS[part] * clock.left()
    if seconds < 15:
        line = f"{part}: left out, no time left"
    else:
        command = [sys.executable, "-m", "benchmarks.gpu_parts", part, str(folder), *["--small"] * small]
        how = run(command, seconds, env, folder / f"{part}.log")
        notes = [row["note"] for row in read(folder, part) if row.get("note")]
        end = {
            "passed": "done",
            "too long": f"stopped after {seconds:.0f} s",
            "failed": f"failed, see {folder / part}.log",
        }
        line = f"{part}: {'; '.join([end[how], *notes])}"
    clock.say(line)
    return [line]


def read(folder, part):
    """What a part has measured, one line of JSON each."""
    path = folder / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def table(folder, small):
    """The rows of the table."""
    from benchmarks.gpu_cases import cases

    limits = read(folder, "limits")
    for row in limits:
        rate = row["size"] / row["seconds"]
        note = {"read": f"{rate * 1e-9:.4g} GB/s, {row['size'] * 1e-6:.4g} MB", "gemm": f"{rate * 1e-12:.4g} TFLOP/s"}
        yield dict(
            what=row["what"], dtype=row["dtype"], engine="limit", step=row["seconds"], note=note.get(row["what"], "")
        )
    ours = {row["label"]: row["seconds"] for row in read(folder, "circuits") if "label" in row}
    others = [{**row, "engine": part} for part in ("synapses", "jax") for row in read(folder, part) if "label" in row]
    for case in cases(small):
        limit = limit_of(case, limits)
        own = ours.get(case.label)
        found = [("organics_neuro", own)] + [
            (row["engine"], row["seconds"]) for row in others if row["label"] == case.label
        ]
        for engine, seconds in found:
            yield dict(
                what=case.name,
                N=case.circuit.size,
                trials=case.trials,
                method=case.method,
                dtype=case.dtype,
                engine={"synapses": "Synapses, brian2cuda", "jax": "JAX"}.get(engine, engine),
                step=seconds,
                ratio=seconds / own if seconds and own else None,
                share=limit / seconds if limit and seconds else None,
                note="" if seconds else "not measured",
            )


def limit_of(case, limits):
    """Seconds that a step takes at least, by what was measured: its bytes, its operations, or two launches for each product."""
    read_ = [row for row in limits if row["what"] == "read"]
    gemm = [row for row in limits if row["what"] == "gemm" and row["dtype"] == case.dtype]
    launch = [row for row in limits if row["what"] == "launch"]
    if not (read_ and gemm and launch):
        return None
    near = min(read_, key=lambda row: abs(row["size"] - case.bytes()))
    return max(
        case.bytes() * near["seconds"] / near["size"],
        case.operations() * gemm[0]["seconds"] / gemm[0]["size"],
        2 * case.products * launch[0]["seconds"],
    )


def write(rows, said, results, name, stand_in):
    """The table as CSV, and a page with what was done."""

    def text(value, scale=1.0):
        return "" if value is None else f"{value * scale:.4g}"

    lines = []
    for row in rows:
        step = row["step"]
        trial = step / row["trials"] if step and "trials" in row else None
        keys = [str(row.get(key, "")) for key in ("what", "N", "trials", "method", "dtype", "engine")]
        numbers = [text(step, 1e6), text(trial, 1e6), text(row.get("ratio")), text(row.get("share"))]
        lines.append([*keys, *numbers, row["note"]])
    about = f"{name}{' (times of the stand-in: not to be kept)' if stand_in else ''}"
    with replacing(results / "gpu.csv") as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows([[f"# {about}"], COLUMNS, *lines])
    table_ = [f"| {' | '.join(line)} |" for line in (COLUMNS, ["---"] * len(COLUMNS), *lines)]
    page = [f"# {name}", *([_STAND_IN] if stand_in else []), _PAGE, "\n".join(table_), "## What was done"]
    with replacing(results / "gpu.md") as temporary:
        temporary.write_text("\n\n".join([*page, "\n".join(f"* {line}" for line in said)]) + "\n")


if __name__ == "__main__":
    main()
