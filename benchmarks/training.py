"""Training step of the recurrent layer: forward, backward and Adam. ``python -m benchmarks.training [steps ...] [--all]``

The compiled kernel against the loop of torch's operations, torch.nn.LSTM and GRU, and a jitted JAX gradient of the
same cell (without the optimizer), each in a process of its own; and against the floor, which is the time that the
multiplications alone would take at the rate of torch's best matrix product in float32. The kernel can be below it where
the processor has AMX tiles (Intel), on which it makes its products in float32; "fused no tiles" is the
kernel compiled without. Without ``--all``, the kernel, the loop and nn.LSTM alone. Numbers that are not normal count as 0 for all of them; XLA does so itself.
"""

import multiprocessing
import os
import re
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from benchmarks import harness as h
from benchmarks.tables import Table
from organics_neuro.nn import ORGaNICs, State
from organics_neuro.nn.kernels import build

UNITS = 128
#: Batch, steps and inputs of each task: digits by pixel, by pixel of a quarter of the size, by row.
TASKS = [(256, 784, 1), (256, 196, 1), (64, 196, 1), (256, 28, 28)]
_NO_TILES, _THREADS = "fused no tiles", "fused 2 threads"
LAYERS = {
    "fused": lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused"),
    _NO_TILES: lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused"),
    _THREADS: lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused"),
    "fused bf16": lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused", precision="bf16"),
    "fused checkpoints": lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused", checkpoint_every=28),
    "torch loop": lambda inputs: ORGaNICs(inputs, UNITS, kernel="torch"),
    "nn.LSTM": lambda inputs: torch.nn.LSTM(inputs, UNITS),
    "nn.GRU": lambda inputs: torch.nn.GRU(inputs, UNITS),
}
#: Layers that are measured without being asked for.
_QUICK = "fused", "torch loop", "nn.LSTM"
ROUNDS = 5


def training_step(layer, x):
    """A function that makes one step of Adam towards a silent end of the sequence."""
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad()
        state = layer.final_state(x) if isinstance(layer, ORGaNICs) else layer(x)[1]
        state[0].square().mean().backward()  # y of ORGaNICs, h of the others
        optimizer.step()

    return step


def floor(batch, steps, inputs):
    """Seconds of the multiplications of a training step: each weight once a sample and step, and twice on the way back."""
    operations = 2 * 3 * batch * steps * (6 * UNITS**2 + 3 * UNITS * inputs)
    a, b, out = torch.ones(512, 512), torch.ones(512, 512), torch.empty(512, 512)
    calls = 20

    def run():
        return h.seconds(lambda: [torch.mm(a, b, out=out) for _ in range(calls)])

    return lambda: min(run() for _ in range(3)) / (calls * 2 * 512**3) * operations


def jax_gradient(batch, steps, inputs):
    """The same gradient from a JAX scan, compiled."""
    import jax
    import jax.numpy as jnp

    cell = ORGaNICs(inputs, UNITS).cells[0]
    with torch.no_grad():
        names = [*cell.model.weights, *(f"step_{state}" for state in State._fields)]
        values = {name: jnp.asarray(getattr(cell, name).numpy()) for name in names}
        start = tuple(jnp.asarray(s.numpy()) for s in cell.initial_state((batch,)))
    x = jnp.asarray(np.random.default_rng(0).random((steps, batch, inputs), dtype=np.float32))

    def loss(w, x):
        def step(state, x):
            y, a, b0, b = state
            relu, sigmoid = jax.nn.relu, jax.nn.sigmoid
            active = relu(a) + 1e-30  # no infinite slope at 0
            target = (
                b * relu(x @ w["W_zx"].T) + (1 - jnp.sqrt(active)) * relu(y @ w["W_r"].T),
                b0**2 + (active * relu(y) ** 2) @ w["W"].T,
                sigmoid(x @ w["W_b0x"].T + y @ w["W_b0y"].T + a @ w["W_b0a"].T),
                sigmoid(x @ w["W_bx"].T + y @ w["W_by"].T + a @ w["W_ba"].T),
            )
            sizes = (w[f"step_{name}"] for name in State._fields)
            return tuple(s + k * (g - s) for s, k, g in zip(state, sizes, target, strict=True)), None

        return jnp.mean(jax.lax.scan(step, start, x)[0][0] ** 2)

    gradient = jax.jit(jax.grad(loss)).lower(values, x).compile()
    return lambda: jax.block_until_ready(gradient(values, x))


def serve(pipe, name, task):
    """The life of a process that trains one layer: its peak memory first, then the seconds of a step whenever asked."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    clock = time.process_time
    batch, steps, inputs = task
    if name == _THREADS:
        os.sched_setaffinity(0, range(os.cpu_count()))
        torch.set_num_threads(2)
        clock = time.perf_counter
    if name == _NO_TILES and "amx_int8" in Path("/proc/cpuinfo").read_text():
        build._FLAGS.append("-mno-amx-int8")
    if name in LAYERS:
        layer, x = LAYERS[name](inputs), torch.rand(steps, batch, inputs)
        step = training_step(layer, x)
        training_step(layer, x[:2])()  # a short one, for what is made once
    else:
        step = jax_gradient(*task)
    pipe.send(peak_memory(step))
    with suppress(EOFError):  # nobody will ask again
        while True:
            pipe.recv()
            pipe.send(h.seconds(step, clock=clock))


def peak_memory(step):
    """Bytes by which a step raises the memory of the process; None if the system does not say.

    Linux forgets earlier peaks when asked to.
    """
    if not os.path.exists("/proc/self/clear_refs"):
        return None
    Path("/proc/self/clear_refs").write_text("5")

    def peak():
        return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024

    before = peak()
    step()
    return peak() - before


def engine(name, task):
    """A layer in a process of its own, as one would train it: what others leave in the heap changes its speed."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    context.Process(target=serve, args=(there, name, task), daemon=True).start()
    there.close()  # so that a process that dies is noticed, not waited for

    def run():
        here.send(None)
        return here.recv()

    return h.Engine(name, "cpu", "float32", run, memory=here.recv())


def measure(table, task, everything):
    """Layers for one task, in turn on one core; that with two threads by the clock on the wall."""
    names = list(_QUICK)
    if everything:
        names = [name for name in LAYERS if name != _THREADS or os.cpu_count() > 1]
        names += ["JAX gradient"] if find_spec("jax") else []
    engines = [*(engine(name, task) for name in names), h.Engine("floor", "cpu", "float32", floor(*task))]
    times = h.race(engines, ROUNDS)
    names = [each.name for each in engines]
    to_fused, to_lstm, to_floor = (h.ratios(times, names.index(name)) for name in ("fused", "nn.LSTM", "floor"))
    for k, each in enumerate(engines):
        megabytes = "" if each.memory is None else each.memory / 1e6
        table.add(*task, each.name, 1e3 * np.median(times[:, k]), to_fused[k], to_lstm[k], 1 / to_floor[k], megabytes)


def main():
    steps, everything = h.arguments(__doc__, int, *(steps for _, steps, _ in TASKS))
    h.pin()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    columns = ["batch", "steps", "inputs", "layer", "ms", "times fused", "times LSTM", "floor/time", "MB"]
    table = Table("training", columns)
    for task in TASKS:
        if task[1] in steps:
            measure(table, task, everything)


if __name__ == "__main__":
    main()
