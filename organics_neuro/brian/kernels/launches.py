"""CUDA: the launches of projections that run at one place of a step, as a Brian2 template.

Projections share launches: the first kernel of each runs in the first launch, and so on. A source expression is evaluated
where a kernel reads it. It goes into a buffer first if it is delayed, if a library reads it, or if it costs much and is
read often.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from organics_neuro.brian.kernels import frames
from organics_neuro.brian.kernels.patterns import PART, PARTS
from organics_neuro.brian.kernels.program import Launched, add_template
from organics_neuro.brian.kernels.sources import source

#: What all kernels of CUDA are made of.
_COMMON = source("launch.cuh", "rows.cuh") + source("patterns.cuh", PART=PART, PARTS=PARTS)


@dataclass(frozen=True)
class Coupling:
    """What the launches must know of a projection.

    Parameters
    ----------
    mark : str
        Ends the names of its variables: ``_source_0``, ``_w_0_matrix``.
    calls : sequence of Launched
        Of its kernels, one for each term of a sum.
    real : {"double", "float"}
        Type of weights and products.
    buffer : str or None
        Name of the variable that the source expression is written to; else it is evaluated where it is read.
    read : tuple of str and int, or None
        Name of a variable that is all of the source expression, for a library, and where the source begins in it.
    delayed : bool
    converted : bool
        Whether the target is of another type than ``real``.
    """

    mark: str
    calls: Sequence[Launched]
    real: str
    buffer: str | None = None
    read: tuple[str, int] | None = None
    delayed: bool = False
    converted: bool = False

    @property
    def sizes(self):
        return ", ".join(f"{{{{_{size}{self.mark}}}}}" for size in ("m", "n", "trials"))

    def count(self, size):
        return f"(size_t)({{{{_{size}{self.mark}}}}})*({{{{_trials{self.mark}}}}})"

    def target(self, prefix, add):
        """Where results go, and whether they are added to what is there."""
        variable = f"variables['_target{self.mark}']"
        place = f"{_array(f'_target{self.mark}', prefix)} + {{{{_start{self.mark}}}}}"
        return f"Organics_target<{{{{c_data_type({variable}.dtype)}}}}>{{ {place}, {add} }}"

    def weights(self, call, prefix):
        return "".join(f", {_array(f'_w{self.mark}_{key}', prefix)}" for key in call.keys)

    def source(self):
        """What the kernels read on the GPU: the source expression, or the buffer that it was written to."""
        evaluated = (
            f"const auto _now{self.mark} = organics_source<{self.real}>([&](const int _idx)\n{{\n"
            "    const int _vectorisation_idx = _idx;\n    {{vector_code|autoindent}}\n"
            f"    return _source{self.mark};\n}});"
        )
        read = f"{_array(self.buffer, '_ptr')}" if self.buffer else f"_now{self.mark}"
        return f"{evaluated}\nconst auto _x{self.mark} = {read};"

    def run(self, launches: "_Launches") -> None:
        """Enter its kernels in launches, one after the other."""
        count = self.count("n")
        if self.buffer:
            now, buffer = f"AT, _now{self.mark}", _array(self.buffer, "_ptr")
            past, delay = (_array(f"_w{self.mark}_{key}", "_ptr") for key in ("past", "delay"))
            delayed = f"organics_delay<{self.real}>({now}, {buffer}, {past}, {delay}, {count})"
            stored = f"organics_store<{self.real}>({now}, {buffer}, {count})"
            launches.device(f"organics_blocks({count}, 256)", delayed if self.delayed else stored)
        if self.delayed:
            launches.beside("1", f"organics_next_slot({delay})")
        for term, call in enumerate(self.calls):
            self._call(launches, call, "true" if term else "false")

    def _call(self, launches, call, add):
        for step in call.steps:
            arguments = f"AT, _x{self.mark}, {self.target('_ptr', add)}, {self.sizes}{self.weights(call, '_ptr')}"
            launches.device(f"{step}_blocks({self.sizes})", f"{step}<{self.real}>({arguments})")
        if not call.kernel.library:
            return
        name, start = self.read or (self.buffer, 0)
        x, target = f"{_array(name, 'dev')} + {start}", self.target("dev", add)
        if self.converted:
            target = f"Organics_target<{self.real}>{{ {_array(f'_product{self.mark}', 'dev')}, false }}"
        launches.host(f"{call.kernel.library}<{self.real}>({x}, {target}, {self.sizes}{self.weights(call, 'dev')});")
        if self.converted:
            count, product = self.count("m"), _array(f"_product{self.mark}", "_ptr")
            converted = f"organics_convert(AT, {self.target('_ptr', add)}, {product}, {count})"
            launches.device(f"organics_blocks({count}, 256)", converted)


class _Launches:
    """Launches, each with what runs in it on the GPU, and what the host calls after it."""

    def __init__(self):
        self.slots, self.next = [], 0

    def device(self, blocks, call):
        self._slot(self.next)[0].append((blocks, call))
        self.next += 1

    def beside(self, blocks, call):
        """As `device`, but what follows need not wait for it."""
        self._slot(self.next)[0].append((blocks, call))

    def host(self, call):
        self.next = max(self.next, 1)
        self._slot(self.next - 1)[1].append(call)

    def _slot(self, k):
        while len(self.slots) <= k:
            self.slots.append(([], []))
        return self.slots[k]

    def on_device(self):
        """Which blocks of a launch run what."""
        lines = []
        for k, (device, _) in enumerate(self.slots):
            lines += [f"if (_launch == {k})", "{"]
            for blocks, call in device:
                call = call.replace("AT", "Organics_place{_block, _blocks}", 1)
                lines += ["    {", f"        const int _blocks = {blocks};"]
                lines += [f"        if (_block < _blocks) {{ {call}; return; }}", "        _block -= _blocks;", "    }"]
            lines += ["}"]
        return "\n".join(lines)

    def on_host(self):
        lines = []
        for k, (device, host) in enumerate(self.slots):
            if device:
                blocks = " + ".join(blocks for blocks, _ in device)
                lines += [f"_run_kernel_{{{{codeobj_name}}}}<<<{blocks}, 256>>>(_N, 256, {k}, %HOST_PARAMETERS%);"]
            lines += host
        return "\n".join(lines)


def _array(variable, prefix):
    return f"{{{{get_array_name(variables['{variable}'], access_data=True, prefix='{prefix}')}}}}"


def launch_text(couplings: Sequence[Coupling]) -> str:
    """The template for brian2cuda, which it need not have."""
    launches = []
    for coupling in couplings:
        own = _Launches()
        coupling.run(own)
        launches.append(own)
    shared = _Launches()
    for own in launches:
        for k, (device, host) in enumerate(own.slots):
            for kind, parts in enumerate((device, host)):
                shared._slot(k)[kind].extend(parts)
    support = {call.kernel.cuda: None for coupling in couplings for call in coupling.calls}
    return frames.fill(
        frames.CUDA,
        SUPPORT=_COMMON + "\n".join(support),
        SOURCES="\n".join(coupling.source() for coupling in couplings),
        DEVICE=shared.on_device(),
        HOST=shared.on_host(),
    )


def add_launches(couplings: Sequence[Coupling]) -> str:
    """Make the launches known to brian2cuda; returns the name of the template."""
    from brian2cuda.codeobject import CUDAStandaloneCodeObject

    text = launch_text(couplings)
    name = f"organics_launches_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    add_template(CUDAStandaloneCodeObject, name, lambda: text)
    return name
