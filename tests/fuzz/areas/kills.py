"""Processes killed while they write: what is there afterwards is the old file or the new one, and nothing else."""

import os
import shutil
import signal
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np

import organics_neuro as on
from tests.fuzz.outcomes import WrongError


def _killed_after(seconds, work):
    """Kill a copy of this process, which works, after a while."""
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _circuits():
    return [on.ring(n=9, sigma=sigma) for sigma in (0.1, 0.2)]


@cache
def _datasets():
    return [on.experiments.contrast_response(circuit, [0.1, 1], engine="theory") for circuit in _circuits()]


def _write_for_ever(write, contents):
    while True:
        for content in contents:
            write(content)


def _files(random, folder):
    """A file that two contents are written to in turn."""
    path = folder / "file"
    write, read, contents = random.choice(
        [
            (lambda circuit: circuit.save(path), on.load, _circuits()),
            (lambda dataset: on.experiments.save(dataset, path), on.experiments.load, _datasets()),
        ]
    )
    write(contents[0])
    _killed_after(random.uniform(0, 0.05), lambda: _write_for_ever(write, contents))
    found = read(path)
    if not any(found.identical(c) if hasattr(c, "identical") else found == c for c in contents):
        raise WrongError("the file is neither the old nor the new one")
    write(contents[0])
    if [p.name for p in folder.iterdir()] != ["file"]:
        raise WrongError(f"there is more than the file: {sorted(p.name for p in folder.iterdir())}")


def _table(random, folder):
    from organics_neuro.recipes.rows import add_row, read_rows

    path = folder / "rows.csv"

    def add(k):
        add_row(path, {"k": k, "value": k**2}, ["k"])

    add(0)
    _killed_after(random.uniform(0, 0.1), lambda: [add(k) for k in range(1, 1000)])
    rows = read_rows(path, {"k": int, "value": int})
    if [row["k"] for row in rows] != list(range(len(rows))) or any(row["value"] != row["k"] ** 2 for row in rows):
        raise WrongError("lines of a table were lost")


def _sweep(random, folder):
    how = {"contrasts": [0.1, 1], "engine": "theory", "workers": 1, "progress": False}
    grid = {"sigma": [0.1, 0.2, 0.4, 0.8]}

    def run(where):
        return on.experiments.sweep("contrast_response", on.ring(n=9), grid, where, **how)

    _killed_after(random.uniform(0, 0.3), lambda: run(folder / "stopped"))
    if not run(folder / "stopped").identical(run(folder / "whole")):
        raise WrongError("a sweep that was killed and went on differs from one that was not")
    if len(list((folder / "stopped").iterdir())) != 4:
        raise WrongError("a sweep that was killed left files")


def _training(random, folder):
    import torch

    from organics_neuro import training

    x, y = np.random.default_rng(0).normal(size=(64, 3)).astype("f4"), np.arange(64) % 2

    def fit(**files):
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        history = training.fit(model, x, y, epochs=30, lr=0.1, batch_size=16, progress=False, **files)
        return history.loss, [p.detach().numpy().tobytes() for p in model.parameters()]

    files = {"checkpoint": folder / "run.pt", "log": folder / "log.csv", "resume": True}
    _killed_after(random.uniform(0, 0.5), lambda: fit(**files))
    if fit(**files) != fit():
        raise WrongError("a training run that was killed and went on differs from one that was not")
    if len(list(folder.iterdir())) != 2:
        raise WrongError("a training run that was killed left files")


def attempt(random):
    folder = Path(tempfile.mkdtemp(prefix="fuzz_"))
    try:
        random.choices([_files, _table, _sweep, _training], [6, 2, 1, 1])[0](random, folder)
    finally:
        shutil.rmtree(folder)
