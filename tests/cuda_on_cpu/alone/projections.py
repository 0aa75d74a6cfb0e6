"""Projections by themselves: their CUDA in its frame, without brian2cuda, compiled to a small program and run.

What brian2cuda would add, `common_group.cu` and `main.cpp` of this folder do instead.
"""

import hashlib
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jinja2
import numpy as np
from brian2.codegen.generators.cpp_generator import c_data_type

from organics_neuro.brian.kernels import Program, find_kernels
from organics_neuro.brian.kernels.launches import Coupling, launch_text
from tests.cuda_on_cpu.compiler import compile_text, link

HERE = Path(__file__).parent
#: How many numbers follow the targets of a projection in their group, and what these and those before them hold.
BEHIND, UNTOUCHED = 2, 7.0


class Variant(NamedTuple):
    """The type of weights and products, the type of the target, and whether the source arrives after a delay or by a buffer."""

    weights: str
    target: str
    delayed: bool = False
    buffered: bool = False

    @property
    def name(self):
        return "_".join([self.weights, self.target, *["delayed"] * self.delayed, *["buffered"] * self.buffered])

    def coupling(self, program):
        """What the launches are told of it."""
        converted, buffered = self.weights != self.target, self.delayed or self.buffered
        return Coupling(
            "_0",
            program.launched(),
            real=_REAL[self.weights],
            buffer="_buffer_0" if buffered else None,
            read=None if buffered else ("given", 0),
            delayed=self.delayed,
            converted=converted,
        )


_REAL = {"float64": "double", "float32": "float"}
VARIANTS = [
    Variant("float64", "float64"),
    Variant("float32", "float32"),
    Variant("float32", "float64", buffered=True),
    Variant("float32", "float64", delayed=True),
    Variant("float64", "float32", delayed=True),
]


def get_program(operator, trials):
    """The `Program` of an operator on "cuda"."""
    return Program(*zip(*find_kernels(operator, "cuda"), strict=True), trials, "cuda")


def build(program, folder, change=lambda text: text):
    """Compile a program in all variants; returns the executable. ``change`` makes a mutant of its text."""
    parts = []
    for k, variant in enumerate(VARIANTS):
        environment = jinja2.Environment(
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
            loader=jinja2.DictLoader(
                {
                    "frame": change(launch_text([variant.coupling(program)])),
                    "common_group.cu": (HERE / "common_group.cu").read_text(),
                }
            ),
        )
        environment.filters["autoindent"] = lambda text: text
        names = _types(program, variant)
        kernel = [f"{_c(type_)}* _ptr_{name}" for name, type_ in names.items()]
        host = [_place(SimpleNamespace(name=name, dtype=np.dtype(type_)), True, "dev") for name, type_ in names.items()]
        text = environment.get_template("frame").render(**_context(names, variant, first=not k))
        sizes = ("_m_0", "_n_0", "_trials_0", "_start_0")
        text = text.replace("%KERNEL_PARAMETERS%", ", ".join([*kernel, *(f"const int {size}" for size in sizes)]))
        text = text.replace("%HOST_PARAMETERS%", ", ".join([*host, *sizes])).replace("%KERNEL_CONSTANTS%", "")
        parts.append(text)
    calls = [f'    if (!std::strcmp(variant, "{v.name}")) run_{v.name}(device);' for v in VARIANTS]
    text = "\n".join([*parts, "void run(const char* variant, Device& device)", "{", *calls, "}\n"])
    name = f"{program.template}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    flags = (f"-I{HERE}",)
    compile_text(text, folder / f"{name}.o", f"{name}.cu", flags, precompiled=False)
    if not (folder / "main.o").exists():
        compile_text((HERE / "main.cpp").read_text(), folder / "main.o", "main.cpp", flags, precompiled=False)
    link([folder / f"{name}.o", folder / "main.o"], folder / name)
    return folder / name


def _types(program, variant):
    """The arrays of a projection, with their types."""
    types = {"given": variant.weights, "_target_0": variant.target, "_buffer_0": variant.weights}
    types |= {"_product_0": variant.weights}
    types |= {f"_w_0_{key}": _type(array, variant) for key, array in program.arrays.items()}
    types |= {f"_w_0_{key}": variant.weights for key in program.scratch}
    return types | {"_w_0_past": variant.weights, "_w_0_delay": "int32"}


def _context(types, variant, first):
    """What brian2cuda gives to the template of projections: sizes are those of the run."""
    return {
        "variables": {name: SimpleNamespace(name=name, dtype=np.dtype(type_)) for name, type_ in types.items()},
        "c_data_type": c_data_type,
        "get_array_name": _place,
        **{f"_{name}_0": f"_{name}_0" for name in ("m", "n", "trials", "start")},
        "codeobj_name": variant.name,
        "kernel_lines": "",
        "scalar_code": "",
        "vector_code": f"const {_REAL[variant.weights]} _source_0 = _ptr_given[_idx];",
        "_first": first,
    }


def _c(type_):
    return c_data_type(np.dtype(type_))


def _type(array, variant):
    return "int32" if array.dtype.kind in "iu" else variant.weights


def _place(variable, access_data, prefix):
    assert access_data
    if prefix == "_ptr":
        return f"_ptr_{variable.name}"
    return f'device.array<{c_data_type(variable.dtype)}>("{variable.name}")'


def run(executable, operator, sources, variant, delay=(0, False), environment=()):
    """The targets of a projection for sources of shape (steps, trials, n), by a program of `build`.

    ``delay`` is how many steps, and whether what arrives is the mean of two of them. Returns an array (steps, trials, m).
    """
    sources = np.asarray(sources, variant.weights)
    steps, trials, n = sources.shape
    m, program = operator.shape[0], get_program(operator, trials)
    start = 2 if trials == 1 else 3  # where targets begin: at a whole complex number, and in the middle of one
    target = np.full(start + m * trials + BEHIND, UNTOUCHED, variant.target)
    arrays = {f"_w_0_{key}": array.ravel().astype(_type(array, variant)) for key, array in program.arrays.items()}
    arrays["_target_0"] = target
    room = {f"_w_0_{key}": size for key, size in program.scratch.items()}
    room |= {"given": trials * n, "_buffer_0": trials * n, "_product_0": m * trials}
    arrays["_w_0_delay"] = np.array([0, delay[0] + 1, delay[1]], np.int32)
    room["_w_0_past"] = (delay[0] + 1) * trials * n
    header = [f"{variant.name} {m} {n} {trials} {start} {steps} {len(arrays) + len(room)}"]
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
    np.testing.assert_array_equal(np.delete(found, np.s_[start : start + m * trials], axis=1), UNTOUCHED)
    return found[:, start : start + m * trials].reshape(steps, trials, m)
