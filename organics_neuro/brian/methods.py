"""Integration schemes as Brian2 code: the equations of a group, one piece for each stage of a step.

Within a step everything that comes from outside is held: inputs, and white noise, which counts as an input of variance
1/dt. Its amplitude is that of the beginning of the step, so noise that depends on the state is read in the sense of Itô.

Stages move the states themselves, so source expressions and abbreviations need no second version. The first stage
is the group's own state update, at its own place in the schedule, and the others follow: what runs before the group
(projections, summed synapses) sees whole steps only.
"""

from dataclasses import dataclass

import brian2 as b2

from organics_neuro.brian.kernels.private import word_substitute
from organics_neuro.core.schemes import Scheme


@dataclass(frozen=True)
class Integrator:
    """A scheme for one group, in the form that `brian2.NeuronGroup` takes as its ``method``.

    It must not refer to the group: Brian2 keeps it in a cache.

    Parameters
    ----------
    scheme : Scheme
    processes : tuple of pairs of str
        White noise that is not drawn here but read: ``xi_x`` of the equations, and the variable that holds it.
    """

    scheme: Scheme
    processes: tuple[tuple[str, str], ...] = ()

    def for_equations(self, equations: b2.Equations) -> "Integrator | str":
        """What to hand to `NeuronGroup`: Brian2's own Euler method, unless the noise depends on the state."""
        if self.scheme.is_euler:
            return self if self.processes or equations.stochastic_type == "multiplicative" else "euler"
        for name in equations.diff_eq_names:
            if equations[name].flags:
                raise ValueError(
                    f"the method {self.scheme.name!r} cannot integrate {name!r}, which is ({', '.join(equations[name].flags)}); use method='euler'"
                )
        return self

    def __call__(self, equations, variables, _options=None) -> str:
        """Code of the first stage, or of all if the couplings are evaluated once: Brian2 asks for it before a run."""
        slopes, noises = _split(equations, variables)
        stages = 1 if self.scheme.coupling == "stages" else len(self.scheme.b)
        first = _first_lines(slopes, noises, dict(self.processes))
        return "\n".join([*first, *(_stage(self.scheme, slopes, noises, k) for k in range(stages))])

    def add_stages(self, group: b2.NeuronGroup) -> list[int]:
        """Give a group the variables and the further stages that the scheme needs.

        Returns
        -------
        list of int
            Where in the schedule the couplings must be evaluated again.
        """
        slopes, noises = _split(group.equations, group.variables)
        for kind, states in _arrays(self.scheme, slopes, noises).items():
            for name in states:
                unit, dtype = group.variables[name].dim, group.variables[name].dtype
                unit = unit if kind == "start" else unit / group.variables["dt"].dim
                group.variables.add_array(f"_{kind}_{name}", size=len(group), dtype=dtype, dimensions=unit)
        orders = [group.order + 2 * k for k in range(1, self.scheme.products)]
        for k, order in enumerate(orders, start=1):
            code = _stage(self.scheme, slopes, noises, k)
            group.run_regularly(code, when="groups", order=order, name=f"{group.name}_stage_{k}")
        return [order - 1 for order in orders]

    def seen(self, group: b2.NeuronGroup, source: str) -> str:
        """What the couplings of a circuit read of a group for a ``source`` expression: where its states will be in the
        middle of the step, if the scheme extrapolates them."""
        if not self.scheme.ahead:
            return source
        states = group.equations.diff_eq_names
        moved = {name: f"({name} + {self.scheme.ahead}*dt*_slope_{name})" for name in states}
        for name, text in group.equations.get_substituted_expressions(group.variables, include_subexpressions=True):
            if name not in states and not text.identifiers.isdisjoint(states):  # an abbreviation
                moved[name] = f"({word_substitute(text.code, {state: moved[state] for state in states})})"
        return word_substitute(source, moved)

    def forget(self, group: b2.NeuronGroup) -> None:
        """Take the next step of a group for its first: nothing follows from the states before it."""
        for name in group.equations.diff_eq_names if self.scheme.ahead else ():
            if f"_slope_{name}" in group.variables:
                group.variables[f"_slope_{name}"].set_value(0)


def _split(equations, variables):
    """Slopes of the states, and the noise of those that have any (a list of pairs: amplitude, name of the process)."""
    slopes, noises = {}, {}
    for name, expression in equations.get_substituted_expressions(variables):
        slope, noise = expression.split_stochastic()
        slopes[name] = slope.code if slope is not None else "0"
        if noise:
            noises[name] = [(amplitude.code, process) for process, amplitude in noise.items()]
    return slopes, noises


def _arrays(scheme, slopes, noises):
    """States with a variable of each kind, for what a stage or a step leaves to the next ones.

    Stages in one piece of code leave nothing but the mean slope, from which the next step extrapolates; separate ones
    where the step began, the noise that is held, the sum of the slopes, and slopes that later stages read again.
    """
    if scheme.ahead:
        return {"slope": slopes}
    if scheme.products == 1:
        return {}
    again = {j for k, row in enumerate(scheme.a) for j, weight in enumerate(row) if weight and j < k - 1}
    kinds = {"start": slopes, "noise": noises, **{f"slope_{j}": slopes for j in sorted(again)}}
    return {**kinds, "sum": slopes} if any(scheme.b[:-1]) else kinds


def _stage(scheme, slopes, noises, k):
    """Code of stage k: all slopes, then the states moved along them from where the step began."""
    lines = []
    for name, slope in slopes.items():
        lines.append(f"_slope_{k}_{name} = {slope}" + (f" + _noise_{name}" if name in noises else ""))
    last, before = k + 1 == len(scheme.b), any(scheme.b[:k])
    for name in slopes:
        total = [f"_sum_{name}"] * before + _terms(name, {k: scheme.b[k]})
        if last:
            lines.append(f"_slope_{name} = {' + '.join(total)}")
            lines.append(f"{name} = _start_{name} + dt*_slope_{name}")
            continue
        if scheme.b[k]:
            lines.append(f"_sum_{name} = {' + '.join(total)}")
        terms = _terms(name, dict(enumerate(scheme.a[k + 1])))
        lines.append(f"{name} = _start_{name}" + (f" + dt*({' + '.join(terms)})" if terms else ""))
    return "\n".join(lines)


def _terms(name, weights):
    """Weighted slopes of a state, by stage."""
    return [
        f"{weight!r}*_slope_{j}_{name}" if weight != 1 else f"_slope_{j}_{name}"
        for j, weight in weights.items()
        if weight
    ]


def _first_lines(slopes, noises, read):
    """The states at the beginning of the step, and the noise that is held during it."""
    processes = sorted({process for noise in noises.values() for _, process in noise})
    lines = [f"_{process} = {read.get(process, 'randn()*dt**-0.5')}" for process in processes]
    for name, noise in noises.items():
        lines.append(f"_noise_{name} = " + " + ".join(f"({amplitude})*_{process}" for amplitude, process in noise))
    return [*lines, *(f"_start_{name} = {name}" for name in slopes)]
