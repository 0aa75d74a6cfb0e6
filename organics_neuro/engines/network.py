"""The engine that runs a Brian2 network of the user's own, in which groups stand for the circuit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from organics_neuro.core.boundary import known_name, shown
from organics_neuro.engines._base import DEVICES, Arrays
from organics_neuro.engines._simulator import Run, Simulator


@dataclass(frozen=True, repr=False)
class Network(Simulator):
    """A Brian2 network that is built anew for each run: experiments set its inputs, run it and read its states.

    Parameters
    ----------
    build : callable
        ``build(circuit, trials)`` makes a `brian2.Network` and returns it with the `CircuitGroup` that stands for the
        circuit; for a joined circuit with a dictionary of groups by population, as `organics_neuro.groups` makes them.
        Each must have ``trials`` times as many neurons as the circuit has units. Names that equations use must be
        global variables of its module, or given to the groups as ``namespace``.
    inputs : dict of str, optional
        Variables that take the place of inputs of the circuit: ``{"z": "stimulus"}`` where the group adds something
        of its own to the input.
    device : {"runtime", "cpp", "cuda"}
        As for `use_device`. Inputs that change with time need "runtime".
    report, duration, dt, trials, seed, window, transient :
        As for `Brian`. The step must be that of the groups; noise is what the network has.

    Examples
    --------
    ::

        def build(circuit, trials):
            v1 = on.CircuitGroup(circuit, trials)
            lif = b2.NeuronGroup(...)
            return b2.Network(v1, lif, ...), v1

        on.experiments.contrast_response(circuit, contrasts, engine=on.engines.Network(build))
    """

    build: Callable[[Any, int], tuple]
    inputs: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    device: str = field(default="runtime", kw_only=True)
    report: bool | str = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        known_name("device", self.device, DEVICES)
        if not callable(self.build):
            raise TypeError(f"build must be a function of a circuit and a number of trials, got {shown(self.build)}")

    def _run(self, run: Run) -> Arrays:
        from organics_neuro.brian.run import run_network

        if run.noise:
            raise ValueError("a network of one's own has the noise that its function gives it; leave noise out")
        return run_network(
            self.build,
            run.circuit,
            dict(self.inputs),
            run.inputs,
            run.steps,
            run.dt,
            **run.options,
            device=self.device,
            seed=self.seed,
            report=self.report,
        )

    def __repr__(self) -> str:
        name = f"{self.build.__module__}.{getattr(self.build, '__qualname__', type(self.build).__name__)}"
        return super().__repr__().replace(repr(self.build), name)
