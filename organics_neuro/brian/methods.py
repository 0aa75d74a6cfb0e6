"""Integration methods: the equations of a group as Brian2 code, one piece for each stage of a step.

Within a step everything that comes from outside is held: inputs, and white noise, which counts as an input of variance
1/dt. Its amplitude is that of the beginning of the step, so noise that depends on the state is read in the sense of Itô.

Stages move the states themselves, so source expressions and abbreviations need no second version. The first stage
is the group's own state update, at its own place in the schedule, and the others follow: what runs before the group
(projections, summed synapses) sees whole steps only.
"""

from dataclasses import dataclass

import numpy as np
from brian2.utils.stringtools import word_substitute

from organics_neuro.core.boundary import known_name
from organics_neuro.core.reference import METHODS

#: Stages as (weight of the slope, how far the states move for the next stage, in steps; None completes the step).
_EULER = ((1, None),)
_RK4 = ((1, 0.5), (2, 0.5), (2, 1.0), (1, None))


@dataclass(frozen=True)
class Integrator:
    """A method for one group, in the form that `brian2.NeuronGroup` takes as its ``method``.

    It must not refer to the group: Brian2 keeps it in a cache.

    Parameters
    ----------
    method : str
    coupled : tuple of str
        Variables of the group that receive what other units do.
    """

    method: str
    coupled: tuple

    def __post_init__(self):
        known_name("method", self.method, METHODS)

    def for_equations(self, equations):
        """What to hand to `NeuronGroup`: Brian2's own Euler method, unless the noise depends on the state."""
        if self.method == "euler":
            return self if equations.stochastic_type == "multiplicative" else "euler"
        for name in equations.diff_eq_names:
            if equations[name].flags:
                raise ValueError(
                    f"the method {self.method!r} cannot integrate {name!r}, which is ({', '.join(equations[name].flags)}); use method='euler'"
                )
        return self

    def __call__(self, equations, variables, _options=None):
        """Code of the first stage: Brian2 asks for it before a run."""
        slopes, noises = _split(equations, variables)
        if self.method == "ab2":
            return _extrapolated(slopes, noises, self.coupled)
        return _stage(slopes, noises, {"euler": _EULER, "rk4": _RK4}[self.method], 0)

    def add_stages(self, group):
        """Give a group the variables and the further stages that the method needs.

        Returns
        -------
        list of int
            Where in the schedule the couplings must be evaluated again.
        """
        if self.method == "ab2":
            _add_memory(group, self.coupled)
        if self.method != "rk4":
            return []
        slopes, noises = _split(group.equations, group.variables)
        _add_arrays(group, slopes, noises)
        orders = [group.order + 2 * k for k in range(1, len(_RK4))]
        for k, order in enumerate(orders, start=1):
            code = _stage(slopes, noises, _RK4, k)
            group.run_regularly(code, when="groups", order=order, name=f"{group.name}_stage_{k}")
        return [order - 1 for order in orders]

    def forget(self, group):
        """Take the next step of a group for its first: nothing follows from the states before it."""
        if "_extrapolate" in group.variables:
            group.variables["_extrapolate"].set_value(0)


# --- variables ------------------------------------------------------------------------------------------------------


def _add_arrays(group, states, noisy):
    """What a stage leaves to the next ones: where the step began, the sum of the slopes, the noise."""
    for name in states:
        unit, dtype = group.variables[name].dim, group.variables[name].dtype
        slope = unit / group.variables["dt"].dim
        kinds = {"start": unit, "sum": slope, **({"noise": slope} if name in noisy else {})}
        for kind, dimensions in kinds.items():
            group.variables.add_array(f"_{kind}_{name}", size=len(group), dtype=dtype, dimensions=dimensions)


def _add_memory(group, coupled):
    """What a step leaves to the next one: its couplings, and that there was one (for each neuron: on a GPU, neurons are
    threads that do not wait for each other)."""
    group.variables.add_array("_extrapolate", size=len(group), dtype=np.float32)
    for name in coupled:
        variable = group.variables[name]
        group.variables.add_array(f"_before_{name}", size=len(group), dtype=variable.dtype, dimensions=variable.dim)


# --- code -----------------------------------------------------------------------------------------------------------


def _split(equations, variables):
    """Slopes of the states, and the noise of those that have any (a list of pairs: amplitude, name of the process)."""
    slopes, noises = {}, {}
    for name, expression in equations.get_substituted_expressions(variables):
        slope, noise = expression.split_stochastic()
        slopes[name] = slope.code if slope is not None else "0"
        if noise:
            noises[name] = [(amplitude.code, process) for process, amplitude in noise.items()]
    return slopes, noises


def _stage(slopes, noises, stages, k):
    """Code of stage k: all slopes, then the states moved along them from where the step began."""
    lines = _first_lines(slopes, noises) if k == 0 else []
    for name, slope in slopes.items():
        lines.append(f"_slope_{k}_{name} = {slope}" + (f" + _noise_{name}" if name in noises else ""))
    weight, advance = stages[k]
    total = sum(w for w, _ in stages)
    for name in slopes:
        slope = f"_slope_{k}_{name}"
        summed = (f"_sum_{name} + " if k else "") + f"{weight}*{slope}"
        if advance is None:
            lines.append(f"{name} = _start_{name} + dt*({summed})/{total}")
        else:
            lines.append(f"_sum_{name} = {summed}")
            lines.append(f"{name} = _start_{name} + {advance}*dt*{slope}")
    return "\n".join(lines)


def _first_lines(slopes, noises):
    """The states at the beginning of the step, and the noise that is held during it."""
    processes = sorted({process for noise in noises.values() for _, process in noise})
    lines = [f"_{process} = randn()*dt**-0.5" for process in processes]
    for name, noise in noises.items():
        lines.append(f"_noise_{name} = " + " + ".join(f"({amplitude})*_{process}" for amplitude, process in noise))
    return [*lines, *(f"_start_{name} = {name}" for name in slopes)]


def _extrapolated(slopes, noises, coupled):
    """All stages in one piece, with the couplings held where two steps say they are in the middle of this one."""
    slopes = {name: word_substitute(slope, {c: f"_held_{c}" for c in coupled}) for name, slope in slopes.items()}
    lines = [f"_held_{name} = {name} + _extrapolate*({name} - _before_{name})" for name in coupled]
    lines += [f"_before_{name} = {name}" for name in coupled]
    lines += ["_extrapolate = 0.5"]  # it starts at 0: before the first step there is none to extrapolate from
    return "\n".join([*lines, *(_stage(slopes, noises, _RK4, k) for k in range(len(_RK4)))])
