"""The engine that makes its steps in NumPy: it needs nothing compiled, and every other one is compared with it."""

from dataclasses import dataclass

from organics_neuro.core import reference
from organics_neuro.core.circuits.base import warn_of_step
from organics_neuro.core.schemes import scheme
from organics_neuro.engines._base import Arrays
from organics_neuro.engines._simulator import Run, Simulator


@dataclass(frozen=True, repr=False, kw_only=True)
class Reference(Simulator):
    """The NumPy simulator.

    Parameters
    ----------
    method : str
        Integration scheme; "euler" equals the torch layers step by step.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.
    duration, dt, trials, seed, window, transient :
        As for all simulators, see `Brian`.
    """

    method: str = "euler"
    progress: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        scheme(self.method)

    def _run(self, run: Run) -> Arrays:
        warn_of_step(run.circuit, run.dt, run.inputs)
        return reference.trace(
            run.circuit,
            run.inputs,
            run.steps,
            run.dt,
            self.method,
            **run.options,
            noise=run.noise,
            seed=self.seed,
            progress=self.progress,
        )
