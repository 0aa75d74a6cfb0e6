"""The engine that simulates in Brian2."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from organics_neuro.core.boundary import known_name
from organics_neuro.core.schemes import scheme
from organics_neuro.engines._base import DEVICES, Arrays
from organics_neuro.engines._simulator import Run, Simulator

_PRECISIONS = ("float64", "float32")


@dataclass(frozen=True, repr=False, kw_only=True)
class Brian(Simulator):
    """Brian2: a `CircuitGroup` for each population, all conditions as trials of one network.

    Parameters
    ----------
    duration : float or Brian2 quantity, optional
        Seconds that are simulated: 0.3 by default, 0.5 for steady responses, 4 for spectra, where it is the length of
        the recording.
    dt : float or Brian2 quantity, optional
        Time step in seconds, 0.1 ms by default.
    trials : int, optional
        Repetitions of each condition, with other noise.
    seed : int, optional
        For the noise; by default Brian2's random numbers go on as they are (`brian2.seed`).
    window : float or Brian2 quantity, optional
        Seconds at the end of a run over which steady responses are averaged, 0.1 by default.
    transient : float or Brian2 quantity, optional
        Seconds before the recording of a spectrum starts, 0.3 by default: several of the slowest time constants.
    device : {"runtime", "cpp", "cuda"}
        As for `use_device`; "cpp" builds a C++ program in a temporary directory and runs it.
    method : str
        Integration scheme, as for `CircuitGroup`.
    report : bool or str
        Whether to report the progress of what takes more than two seconds; a text is Brian2's own ``report``.
    dtype : {"float64", "float32"}, optional
        Of the states, inputs and parameters, as in `brian2.NeuronGroup`.
    weights_dtype : {"float64", "float32"}, optional
        As for `CircuitGroup`.
    """

    device: str = "runtime"
    method: str = "euler"
    report: bool | str = True
    dtype: Any = None
    weights_dtype: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        known_name("device", self.device, DEVICES)
        scheme(self.method)
        for name in ("dtype", "weights_dtype"):  # kept as a name, which files and commands can hold
            if getattr(self, name) is not None:
                object.__setattr__(self, name, known_name(name, np.dtype(getattr(self, name)).name, _PRECISIONS))

    def _run(self, run: Run) -> Arrays:
        from organics_neuro.brian.run import run_circuit

        return run_circuit(
            run.circuit,
            run.inputs,
            run.steps,
            run.dt,
            **run.options,
            noise=run.noise,
            device=self.device,
            method=self.method,
            seed=self.seed,
            report=self.report,
            dtype=self.dtype and np.dtype(self.dtype).type,
            weights_dtype=self.weights_dtype and np.dtype(self.weights_dtype).type,
        )
