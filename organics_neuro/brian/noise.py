"""The noise of a `CircuitGroup` in Brian2: lines of its equations, and groups of random processes that they read.

White noise that is private to the units of a state is Brian2's own ``xi``. All other processes are small groups whose
variable the equations read through a link: one neuron for each unit, or one for each trial if the units share it. They
step before everything else, so that a process is held during a step, whatever the method.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any

import brian2 as b2
import numpy as np

from organics_neuro.core.expressions import to_brian

if TYPE_CHECKING:
    from organics_neuro.brian.group import CircuitGroup
    from organics_neuro.core.noise import Source

_WHITE = "process : second**-0.5", "process = randn()*dt**-0.5"
#: An exact step of an Ornstein-Uhlenbeck process; the first one draws from the stationary distribution.
_CORRELATED = (
    "process : 1\nstarted : 1\ntau : second (shared, constant)",
    "process = started*exp(-dt/tau)*process + sqrt((1 - started*exp(-2*dt/tau))/2)*randn()\nstarted = 1",
)


class NoiseTerms:
    """What the equations of one group say about its noise.

    Parameters
    ----------
    sources : sequence of Source
    taken : collection of str
        Names of the model.

    Attributes
    ----------
    drives : dict of str
        What is added to the derivative of a state, by its name.
    noisy : dict of str
        What is added to an input where it is read, by its name.
    held : dict of str
        White noise that units share: the process by the ``xi`` for which it stands.

    Raises
    ------
    ValueError
        If the model has a variable with the name of a noise.
    """

    def __init__(self, sources: Iterable[Source], taken: Container[str] = ()) -> None:
        self.sources = tuple(sources)
        for source in self.sources:
            _check_names(source, taken)
        self.drives, self.noisy, self.held = {}, {}, {}
        for source in self.sources:
            name = source.name.variable
            if source.time_constant is None:
                self.noisy[name] = f"noise_{name}*process_{name}"
            elif source.tau is None:
                self.drives[name] = f"noise_{name}*{source.factor}*xi_{name}"
                if source.shared:
                    self.held[f"xi_{name}"] = f"process_{name}"
            else:
                self.drives[name] = f"noise_{name}*{source.factor}*process_{name}"

    def declarations(self) -> str:
        """The lines that declare amplitudes and processes."""
        return "\n".join(line for source in self.sources for line in _declare(source))

    def attach(self, group: b2.NeuronGroup, owner: CircuitGroup, dtype: Any = None) -> None:
        """Set the amplitudes of a group, and make the processes that it reads; ``owner`` gets them."""
        for source in self.sources:
            name = source.name.variable
            if not isinstance(source.eta, str):
                variable = group.variables[f"noise_{name}"]
                value = source.eta if variable.scalar else np.tile(source.eta, owner.trials)
                variable.set_value(value)  # SI units
            if _has_process(source):
                process = _process(group, source, owner, dtype)
                index = np.repeat(np.arange(owner.trials), source.size) if source.shared else None
                setattr(group, f"process_{name}", b2.linked_var(process, "process", index=index))
                owner.contained_objects.append(process)
                owner.processes[name] = process


def _check_names(source: Source, taken: Container[str]) -> None:
    name = source.name.variable
    for own in (f"noise_{name}", f"process_{name}"):
        if own in taken:
            raise ValueError(
                f"noise of {name!r} adds a variable {own!r} to the group, but the model has one of that name; rename it"
            )


def _has_process(source: Source) -> bool:
    return source.shared or source.tau is not None or source.time_constant is None


def _declare(source: Source) -> list[str]:
    name = source.name.variable
    if isinstance(source.eta, str):
        lines = [f"noise_{name} = {to_brian(source.eta)} : {source.unit}"]
    else:
        flags = "shared, constant" if source.eta.ndim == 0 else "constant"
        lines = [f"noise_{name} : {source.unit} ({flags})"]
    if _has_process(source):
        lines.append(f"process_{name} : {'second**-0.5' if source.tau is None else '1'} (linked)")
    return lines


def _process(group: b2.NeuronGroup, source: Source, owner: CircuitGroup, dtype: Any) -> b2.NeuronGroup:
    text, code = _WHITE if source.tau is None else _CORRELATED
    name = f"{group.name}_noise_{source.name.variable}"
    size = owner.trials * source.processes
    made = b2.NeuronGroup(size, text, clock=group.clock, order=group.order, dtype=dtype, name=name)
    made.run_regularly(code, when="before_groups", order=group.order, name=f"{name}_step")
    if source.tau is not None:
        made.variables["tau"].set_value(source.tau)
    return made
