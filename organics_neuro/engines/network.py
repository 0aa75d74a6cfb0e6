"""The engine that runs a Brian2 network of the user's own, in which groups stand for the circuit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from organics_neuro.core.boundary import known_name, list_of, shown
from organics_neuro.core.names import FIRING_RATE, Name
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
    measure : sequence of str, optional
        What else is recorded, from other groups of the network, by their names: ``"lif.firing_rate"`` counts the spikes
        of the group ``lif``, in Hz, from one sample to the next, and takes the mean over the cells of a unit; anything
        else is a variable, ``"lfp.lfp"``, in SI units. The groups must have as many trials as the run: see `set_trials`.
        `simulate` returns them by these names, and datasets of experiments have columns of these names.
    device : {"runtime", "cpp", "cuda"}
        As for `use_device`. Inputs that change with time need "runtime".
    report, duration, dt, trials, seed, window, transient :
        As for `Brian`. The step must be that of the groups; noise is what the network has.

    Examples
    --------
    ::

        def build(circuit, trials):
            v1 = on.CircuitGroup(circuit, trials)
            lif = on.set_trials(b2.NeuronGroup(..., name="lif"), trials)
            return b2.Network(v1, lif, ...), v1

        engine = on.engines.Network(build, measure=["lif.firing_rate"])
        on.experiments.contrast_response(circuit, contrasts, engine=engine)["lif.firing_rate"]
    """

    brings_noise = True

    build: Callable[[Any, int], tuple]
    inputs: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    measure: Sequence[str] = field(default=(), kw_only=True)
    device: str = field(default="runtime", kw_only=True)
    report: bool | str = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        known_name("device", self.device, DEVICES)
        if not callable(self.build):
            raise TypeError(f"build must be a function of a circuit and a number of trials, got {shown(self.build)}")
        for name in list_of("measure", self.measure):
            if not isinstance(name, str) or name.count(".") != 1:
                raise ValueError(
                    f"measure takes names such as 'lif.firing_rate', a group and what is measured, got {shown(name)}"
                )

    @property
    def beside(self) -> dict[str, str]:
        """What is measured of other groups: firing rates in Hz, other variables in SI units."""
        return {name: "Hz" if Name.parse(name).variable == FIRING_RATE else "SI" for name in self.measure}

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
            **{**run.options, "record": [name for name in run.record if name not in self.beside]},
            device=self.device,
            seed=self.seed,
            report=self.report,
            beside=[name for name in run.record if name in self.beside],
        )

    def __repr__(self) -> str:
        name = f"{self.build.__module__}.{getattr(self.build, '__qualname__', type(self.build).__name__)}"
        return super().__repr__().replace(repr(self.build), name)
