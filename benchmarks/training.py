"""Training step of the recurrent layer: forward, backward and Adam. ``python -m benchmarks.training [steps ...]``

The compiled kernel against the loop of torch's operations, torch.nn.LSTM and GRU, and a jitted JAX gradient of the
same cell (without the optimizer); and against the floor, which is the time that the multiplications alone would take
at the rate of torch's best matrix product. Numbers that are not normal count as 0 for all of them; XLA does so itself.
"""

import os
import subprocess
import sys
import time
from functools import partial

import numpy as np
import torch

from benchmarks import harness as h
from organics_neuro.nn import ORGaNICs, State

UNITS = 128
#: Batch, steps and inputs of each task: digits by pixel, by pixel of a quarter of the size, by row.
TASKS = [(256, 784, 1), (256, 196, 1), (64, 196, 1), (256, 28, 28)]
LAYERS = {
    "fused": lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused"),
    "fused bf16": lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused", precision="bf16"),
    "fused checkpoints": lambda inputs: ORGaNICs(inputs, UNITS, kernel="fused", checkpoint_every=28),
    "torch loop": lambda inputs: ORGaNICs(inputs, UNITS, kernel="torch"),
    "nn.LSTM": lambda inputs: torch.nn.LSTM(inputs, UNITS),
    "nn.GRU": lambda inputs: torch.nn.GRU(inputs, UNITS),
}
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
    """The same gradient from a jitted JAX scan; None where JAX is not installed."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
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

    gradient = jax.jit(jax.grad(loss))
    return lambda: jax.block_until_ready(gradient(values, x))


def peak_memory(name, batch, steps, inputs):
    """Peak bytes of a training step above what the process holds after a short sequence; None if the system does not say.

    Seen in a process of its own. Linux forgets the peak so far when asked to.
    """
    if not os.path.exists("/proc/self/clear_refs"):
        return None
    code = (
        "import re, torch\n"
        "from benchmarks import training\n"
        "torch.set_num_threads(1)\n"
        f"layer, x = training.LAYERS[{name!r}]({inputs}), torch.rand({steps}, {batch}, {inputs})\n"
        "training.training_step(layer, x[:2])()\n"
        "open('/proc/self/clear_refs', 'w').write('5')\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])*1024\n"
        "before = peak()\n"
        "training.training_step(layer, x)()\n"
        "print(peak() - before)"
    )
    return int(subprocess.check_output([sys.executable, "-c", code]).split()[-1])


def measure(table, task):
    """All layers for one task, in turn on one core."""
    batch, steps, inputs = task
    x = torch.rand(steps, batch, inputs)
    functions = {name: training_step(make(inputs), x) for name, make in LAYERS.items()}
    gradient = jax_gradient(*task)
    if gradient is not None:
        functions["JAX gradient"] = gradient
    for function in functions.values():  # compiles and allocates
        function()
    engines = [h.Engine(name, "cpu", "float32", partial(h.seconds, function)) for name, function in functions.items()]
    engines.append(h.Engine("floor", "cpu", "float32", floor(*task)))
    times = h.race(engines, ROUNDS)
    names = [engine.name for engine in engines]
    to_fused, to_lstm, to_floor = (h.ratios(times, names.index(name)) for name in ("fused", "nn.LSTM", "floor"))
    for k, name in enumerate(names):
        memory = peak_memory(name, *task) if name in LAYERS else None
        megabytes = "" if memory is None else memory / 1e6
        table.add(*task, name, 1e3 * np.median(times[:, k]), to_fused[k], to_lstm[k], 1 / to_floor[k], megabytes)


def measure_threads(table, task, cores):
    """The compiled kernel with two threads against one, by the clock on the wall."""
    batch, steps, inputs = task
    os.sched_setaffinity(0, cores)
    step = training_step(LAYERS["fused"](inputs), torch.rand(steps, batch, inputs))

    def with_threads(n):
        torch.set_num_threads(n)
        return h.seconds(step, clock=time.perf_counter)

    engines = [h.Engine(f"{n} threads", "cpu", "float32", lambda n=n: with_threads(n)) for n in (1, 2)]
    h.race(engines, 1)
    times = h.race(engines, ROUNDS)
    table.add(*task, "fused 2 threads", 1e3 * np.median(times[:, 1]), h.ratios(times)[1], "", "", "")


def main():
    cores = os.sched_getaffinity(0)
    h.pin()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    columns = ["batch", "steps", "inputs", "layer", "ms", "times fused", "times LSTM", "floor/time", "MB"]
    table = h.Table("training", columns)
    chosen = [int(text) for text in sys.argv[1:]]
    tasks = [task for task in TASKS if not chosen or task[1] in chosen]
    for task in tasks:
        measure(table, task)
    if len(cores) > 1:
        measure_threads(table, tasks[0], cores)


if __name__ == "__main__":
    main()
