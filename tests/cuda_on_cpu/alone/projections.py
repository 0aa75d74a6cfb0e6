"""Projections by themselves: their CUDA in its frame, without brian2cuda, compiled to a small program and run.

What brian2cuda would add, `common_group.cu` and `main.cpp` of this folder do instead.
"""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jinja2
import numpy as np
from brian2.codegen.generators.cpp_generator import c_data_type

from organics_neuro.brian.kernels import Program, find_kernels
from tests.cuda_on_cpu.compiler import compile_text, link

HERE = Path(__file__).parent
#: Where targets begin within their group, how many numbers follow them, and what these hold.
START, BEHIND, UNTOUCHED = 2, 3, 7.0


class Variant(NamedTuple):
    """The type of weights and products, the type of the target, and whether the source arrives after a delay."""

    weights: str
    target: str
    delayed: bool

    @property
    def name(self):
        return "_".join([self.weights, self.target, *["delayed"] * self.delayed])


VARIANTS = [
    Variant("float64", "float64", False),
    Variant("float32", "float32", False),
    Variant("float32", "float64", True),
    Variant("float64", "float32", True),
]


def get_program(operator, trials):
    """The `Program` of an operator on "cuda"."""
    return Program(*zip(*find_kernels(operator, "cuda"), strict=True), trials, "cuda")


def build(program, folder, change=lambda text: text):
    """Compile a program in all variants; returns the executable. ``change`` makes a mutant of its text."""
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.DictLoader(
            {"frame": change(program.cuda()), "common_group.cu": (HERE / "common_group.cu").read_text()}
        ),
    )
    frame = environment.get_template("frame")
    parts = [frame.render(**_context(program, variant, first=not k)) for k, variant in enumerate(VARIANTS)]
    calls = [f'    if (!std::strcmp(variant, "{v.name}")) run_{v.name}(device);' for v in VARIANTS]
    text = "\n".join([*parts, "void run(const char* variant, Device& device)", "{", *calls, "}\n"])
    name, flags = program.template, (f"-I{HERE}",)
    compile_text(text, folder / f"{name}.o", f"{name}.cu", flags, precompiled=False)
    if not (folder / "main.o").exists():
        compile_text((HERE / "main.cpp").read_text(), folder / "main.o", "main.cpp", flags, precompiled=False)
    link([folder / f"{name}.o", folder / "main.o"], folder / name)
    return folder / name


def _context(program, variant, first):
    """What brian2cuda gives to the template of a projection: sizes are those of the run."""
    types = {"_source": variant.weights, "_target": variant.target}
    if variant.weights != variant.target:
        types["_product"] = variant.weights
    types |= {f"_w_{key}": _type(array, variant) for key, array in program.arrays.items()}
    types |= {f"_w_{key}": variant.weights for key in program.scratch}
    if variant.delayed:
        types |= {"_w_past": variant.weights, "_w_delay": "int32"}
    return {
        "variables": {name: SimpleNamespace(name=name, dtype=np.dtype(type_)) for name, type_ in types.items()},
        "c_data_type": c_data_type,
        "get_array_name": _place,
        **{f"_{name}": f"device.{name}" for name in ("m", "n", "trials", "start")},
        "_variant": variant.name,
        "_first": first,
    }


def _type(array, variant):
    return "int32" if array.dtype.kind in "iu" else variant.weights


def _place(variable, access_data, prefix):
    assert access_data
    assert prefix == "dev"
    return f'device.array<{c_data_type(variable.dtype)}>("{variable.name}")'


def run(executable, operator, sources, variant, delay=(0, False), environment=()):
    """The targets of a projection for sources of shape (steps, trials, n), by a program of `build`.

    ``delay`` is how many steps, and whether what arrives is the mean of two of them. Returns an array (steps, trials, m).
    """
    sources = np.asarray(sources, variant.weights)
    steps, trials, n = sources.shape
    m, program = operator.shape[0], get_program(operator, trials)
    target = np.full(START + m * trials + BEHIND, UNTOUCHED, variant.target)
    arrays = {f"_w_{key}": array.ravel().astype(_type(array, variant)) for key, array in program.arrays.items()}
    arrays["_target"] = target
    room = {f"_w_{key}": size for key, size in program.scratch.items()}
    room |= {"_source": trials * n, "_product": m * trials}
    if variant.delayed:
        arrays["_w_delay"] = np.array([0, delay[0] + 1, delay[1]], np.int32)
        room["_w_past"] = (delay[0] + 1) * trials * n
    header = [f"{variant.name} {m} {n} {trials} {START} {steps} {len(arrays) + len(room)}"]
    header += [f"{name} {array.nbytes} 1" for name, array in arrays.items()]
    header += [f"{name} {size * np.dtype(variant.weights).itemsize} 0" for name, size in room.items()]
    bytes_ = [array.tobytes() for array in arrays.values()] + [sources.tobytes()]
    found = subprocess.run(
        [executable],
        input="\n".join(header).encode() + b"\n" + b"".join(bytes_),
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, **dict(environment)},
    ).stdout
    found = np.frombuffer(found, variant.target).reshape(steps, target.size)
    np.testing.assert_array_equal(np.delete(found, np.s_[START : START + m * trials], axis=1), UNTOUCHED)
    return found[:, START : START + m * trials].reshape(steps, trials, m)
