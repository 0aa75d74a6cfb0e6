"""The check of the time step before a simulation starts."""

import warnings

import numpy as np

from organics_neuro.core.dynamics import qualify
from organics_neuro.core.errors import ConvergenceWarning, StepSizeWarning
from organics_neuro.core.theory import euler_bound

#: Circuits with more state variables are checked against their time constants only: to find the fixed point takes longer
#: than many simulations.
_LARGEST = 100


class StepGuard:
    """Warns when the step of a forward Euler simulation is too large for the circuit."""

    def __init__(self, circuit, groups):
        self.circuit = circuit
        self.groups = groups

    def check(self):
        """Compare dt with the time constants, then with the stability bound at the fixed point of the strongest trial."""
        dt = float(next(iter(self.groups.values())).clock.dt)
        time_constants = {
            qualify(p, f"tau_{s}"): float(np.min(population.parameters[f"tau_{s}"]))
            for p, population in self.circuit.populations.items()
            for s in population.model.states
            if f"tau_{s}" in population.parameters
        }
        shortest = min(time_constants, key=time_constants.get, default=None)
        if shortest and dt > time_constants[shortest]:
            warnings.warn(
                f"dt = {dt:g} s is larger than the time constant {shortest} = {time_constants[shortest]:g} s; use a smaller dt",
                StepSizeWarning,
                stacklevel=2,
            )
            return
        inputs = self._inputs()
        if inputs is None or self.circuit.dynamics.size > _LARGEST:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            bound = euler_bound(self.circuit, inputs)
        if 0 < bound < dt:  # negative if the circuit itself is unstable, whatever the step
            warnings.warn(
                f"dt = {dt:g} s is above the largest step {bound:.3g} s at which forward Euler is stable around the fixed "
                "point of this circuit; oscillations may come from the step, so use a smaller dt",
                StepSizeWarning,
                stacklevel=2,
            )

    def _inputs(self):
        """Inputs of the trial with the strongest ones; None where they are expressions, or only known when it runs."""
        values = {}
        for name, units in self.circuit.inputs.items():
            p, _, variable = name.rpartition(".")
            group = self.groups[p].external.get(variable, self.groups[p])
            try:
                values[name] = np.asarray(group.variables[variable].get_value()).reshape(-1, units)
            except (NotImplementedError, AttributeError, TypeError):
                return None
        if not values:
            return {}
        strength = sum(np.abs(value).sum(axis=1) for value in values.values())
        return {name: value[np.argmax(strength)] for name, value in values.items()}
