"""One part of what `benchmarks.gpu` measures: ``python -m benchmarks.gpu_parts PART FOLDER``; results go to FOLDER/PART.jsonl."""

import argparse
import json
import subprocess
import time
from pathlib import Path

import brian2 as b2
import numpy as np

import organics_neuro as on
from benchmarks import harness as h
from benchmarks.gpu_cases import COUPLINGS, EQUATIONS, cases
from organics_neuro.brian import build

DT = 0.1 * b2.ms
_START = """
CUDA_SAFE_CALL(cudaDeviceSynchronize());
const auto _start_NUMBER = std::chrono::steady_clock::now();
"""
_END = """
CUDA_SAFE_CALL(cudaDeviceSynchronize());
{
    const std::chrono::duration<double> _took = std::chrono::steady_clock::now() - _start_NUMBER;
    std::ofstream _file("FILE", std::ios::app);
    _file << "{\\"label\\": \\"LABEL\\", \\"seconds\\": " << _took.count()/STEPS << "}" << std::endl;
}
"""


class Part:
    """Where a part writes its results."""

    def __init__(self, name, folder, small):
        self.folder, self.small, self.file = folder, small, folder / f"{name}.jsonl"

    def add(self, **row):
        with self.file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def timed(self, networks):
        """Write one program for "cuda" that runs networks in turn: (label, network, steps); build it and run it."""
        for k, (label, network, steps) in enumerate(networks):
            network.run(max(steps // 10, 1) * DT)  # first launches, and what cuBLAS prepares
            replace = {"NUMBER": str(k), "FILE": str(self.file), "LABEL": label, "STEPS": f"{steps}.0"}
            for when in (_START, _END):
                for word, text in replace.items():
                    when = when.replace(word, text)
                if "_took" in when:
                    network.run(steps * DT)
                b2.get_device().insert_code("main", when)
        build()

    def steps(self, case):
        """Steps that take half a second or so, by a guess."""
        guess = case.products * 2.5e-5 + case.bytes() / 2e12 + case.operations() / 1e13
        return 3 if self.small else int(np.clip(0.5 / guess, 20, 20_000))


def limits(part):
    from organics_neuro.brian.cuda import find_toolkit

    program = part.folder / "roofline"
    compile_, link = find_toolkit()
    capability = subprocess.check_output(["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"], text=True)
    architecture = f"-arch=sm_{capability.split()[0].replace('.', '')}"
    flags = ["-std=c++17", architecture, *compile_]
    source = Path(__file__).with_name("roofline.cu")
    subprocess.run(["nvcc", *flags, "-dc", str(source), "-o", f"{program}.o"], check=True)
    subprocess.run(["nvcc", architecture, f"{program}.o", *" ".join(link).split(), "-o", str(program)], check=True)
    sizes = ["2", "40", "40", "40"] if part.small else ["4096", "4096", "4096", "4096"]
    for line in subprocess.check_output([str(program), *sizes], text=True).splitlines():
        what, dtype, size, seconds = line.split(",")
        part.add(what=what, dtype=dtype, size=int(size), seconds=float(seconds))


def circuits(part):
    on.use_device("cuda", directory=part.folder / "circuits", build_on_run=False)
    networks = []
    for case in cases(part.small):
        dtype = np.dtype(case.dtype).type
        group = on.CircuitGroup(case.circuit, case.trials, case.method, dt=DT, dtype=dtype, name=f"{case.label}")
        group.z = 0.5
        networks.append((case.label, b2.Network(group), part.steps(case)))
    part.timed(networks)


def synapses(part):
    """The dense circuit with one trial: replicated connections of many trials take gigabytes."""
    on.use_device("cuda", directory=part.folder / "synapses", build_on_run=False)
    case = next(c for c in cases(part.small) if c.name == "dense" and c.trials == 1 and c.method == "euler")
    n = case.circuit.size
    group = b2.NeuronGroup(n, EQUATIONS.replace("relu(a)", "clip(a, 0, inf)"), method="euler", dt=DT, name="neurons")
    group.tau = 2 * b2.ms
    group.z = np.random.default_rng(1).random(n)
    coupled = [
        couple(group, weights, target, source)
        for weights, (target, source) in zip(h.matrices(n), COUPLINGS.items(), strict=True)
    ]
    part.timed([(case.label, b2.Network(group, *coupled), 3 if part.small else 200)])


def couple(group, matrix, target, source):
    expression = source.replace("y", "y_pre")
    made = b2.Synapses(group, group, f"w : 1\n{target}_post = w*{expression} : 1 (summed)", dt=DT)
    made.connect()
    made.w = matrix.T.ravel()
    return made


def jax(part):
    try:
        import jax
    except ImportError:
        return part.add(note="JAX is not installed here")
    if jax.default_backend() != "gpu":
        return part.add(note=f"JAX has no GPU here, only {jax.default_backend()!r}")
    for case in cases(part.small):
        if case.name == "dense" and case.method == "euler":
            engine = h.jax(case.circuit.size, case.trials, case.dtype, clock=time.perf_counter)
            part.add(label=case.label, seconds=float(np.median([engine.run() for _ in range(3)])))
    return None


PARTS = {"limits": limits, "circuits": circuits, "synapses": synapses, "jax": jax}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    PARTS[chosen.part](Part(chosen.part, chosen.folder, chosen.small))
