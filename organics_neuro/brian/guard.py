"""The check of the time step before a simulation starts."""

import warnings

import numpy as np

from organics_neuro.core.circuits.base import warn_of_step
from organics_neuro.core.errors import ConvergenceWarning, StepSizeWarning
from organics_neuro.core.names import Name
from organics_neuro.core.theory.stability import largest_stable_dt, shortest_time_constant

#: Circuits with more state variables are checked against their time constants only: to find the fixed point takes longer
#: than many simulations.
_LARGEST = 100


class StepGuard:
    """Warns when the step is too large for the circuit and the method."""

    def __init__(self, circuit, groups):
        self.circuit = circuit
        self.groups = groups

    def check(self):
        """Compare dt with that of the circuit, with the bound at the fixed point of the strongest trial, with time constants."""
        group = next(iter(self.groups.values()))
        dt, method = float(group.clock.dt), group.integrator.scheme.name
        warn_of_step(self.circuit, dt, {Name(p, n) for p, g in self.groups.items() for n in g.given})
        if any(population.model.step for population in self.circuit.populations.values()):
            return  # a map has its step, whatever comes of it
        inputs = self._inputs()
        bound, shortest = self._bound(method, inputs), shortest_time_constant(self.circuit, inputs or None)
        if 0 < bound < dt:  # 0 if the circuit itself is unstable, whatever the step
            _warn(
                f"dt = {dt:g} s is above the largest step {bound:.3g} s at which the method {method!r} is stable around the "
                "fixed point of this circuit; oscillations may come from the step, so use a smaller dt"
            )
        elif dt > shortest[0]:
            _warn(f"dt = {dt:g} s is larger than the time constant {shortest[1]} = {shortest[0]:g} s; use a smaller dt")

    def _bound(self, method, inputs):
        """Largest stable step; NaN where it is not known."""
        if inputs is None or self.circuit.dynamics.size > _LARGEST or self.circuit.dynamics.has_delays:
            return np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return largest_stable_dt(self.circuit, inputs, method)

    def _inputs(self):
        """Inputs of the trial with the strongest ones; None where they are expressions, or only known when it runs."""
        values, parameters = {}, self.circuit.dynamics.parameters
        given = {
            name: units for name, units in parameters.items() if name.variable in self.groups[name.population].given
        }
        for name, units in {**self.circuit.inputs, **given}.items():
            p, variable = name.population, name.variable
            group = self.groups[p].external.get(variable, self.groups[p])
            try:
                values[name] = np.asarray(group.variables[variable].get_value()).reshape(-1, units)
            except (NotImplementedError, AttributeError, TypeError):
                return None
        if not values:
            return {}
        strength = sum(np.abs(value).sum(axis=1) for name, value in values.items() if name not in given)
        return {name: value[np.argmax(strength)] for name, value in values.items()}


def _warn(text):
    warnings.warn(text, StepSizeWarning, stacklevel=3)
