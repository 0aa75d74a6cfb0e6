"""Groups of a circuit put together: where states start, inputs and outputs of their own size, projections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import TYPE_CHECKING

import brian2 as b2
import numpy as np

from organics_neuro.brian.guard import StepGuard
from organics_neuro.brian.inputs import declare_added, received
from organics_neuro.brian.kernels import current_device
from organics_neuro.brian.kernels.launcher import launch
from organics_neuro.brian.noise import NoiseTerms
from organics_neuro.brian.projection import Projection
from organics_neuro.core.expressions import substitute, to_brian
from organics_neuro.core.names import Name
from organics_neuro.core.populations import Connection

if TYPE_CHECKING:
    from organics_neuro.brian.group import CircuitGroup
    from organics_neuro.core.noise import Source


def summands_of(connections: list[Connection], taken: Container[str]) -> dict[str, list[str]]:
    """Variables that several connections write, each with names, none of them ``taken``, for what one of them brings."""
    counts = Counter(c.variable for c in connections)

    def names(variable: str) -> Iterator[str]:
        return (name for k in count(1) if (name := f"{variable}_{k}") not in taken)

    return {variable: list(islice(names(variable), n)) for variable, n in counts.items() if n > 1}


def assemble(
    made: Mapping[str | None, CircuitGroup], circuit, inputs: Mapping, sources: Sequence[Source], options: Mapping
) -> None:
    """Set the states of the groups to their start, and connect them.

    Parameters
    ----------
    made : dict of CircuitGroup
        By population.
    circuit : Circuit or JoinedCircuit
    inputs : dict
        As for `CircuitGroup`, by full name.
    sources : sequence of Source
        The noise, resolved.
    options : dict
        Those of `NeuronGroup`.
    """
    dynamics = circuit.dynamics
    values = {name: value for name, value in inputs.items() if not isinstance(value, str)}
    resolved = dynamics.resolve_inputs(values or None)
    _start(made, dynamics, resolved, texts={name for name in inputs if name not in values})
    reads = {p: group.received for p, group in made.items()}
    for name, size in circuit.external.items():
        reads[name] = _add_external(made[name.population], name, size, inputs, sources, options)
    for name in map(Name.parse, values):
        setattr(made[name.population], f"{name.variable}_", resolved[name])  # SI units
    stages = {p: group.integrator.add_stages(group) for p, group in made.items()}
    connected = [_connect(made, c, depth, stages, reads[c.source]) for c, depth in _with_depth(dynamics)]
    if current_device() == "cuda":
        launch(connected)
    for p, population in circuit.populations.items():
        for name, weights in population.readouts.items():
            made[p].external[name] = _readout(made[p], population.model.outputs[name], name, weights, options)
    next(iter(made.values())).guard = StepGuard(circuit, made)


def _start(made, dynamics, inputs, texts):
    """Set states, and inputs that are no expressions, to where they start."""
    for name, value in dynamics.start(inputs).items():
        group = made[name.population]
        value = np.broadcast_to(value, (group.trials, value.shape[-1]))
        group.variables[name.variable].set_value(value.reshape(-1))
    for name, value in dynamics.defaults.items():
        if value and name not in texts:
            made[name.population].variables[name.variable].set_value(value)


def _add_external(group, name, size, inputs, sources, options):
    """A group for an input with a size of its own; returns what takes the place of the input where it is read."""
    terms, text = NoiseTerms(s for s in sources if s.name == name), inputs.get(name)
    equation = f"{name.variable} = {text} : 1" if isinstance(text, str) else f"{name.variable} : 1"
    beside = _attach(group, size, f"{equation}\n{terms.declarations()}", name.variable, options)
    group.external[name.variable] = beside
    terms.attach(beside, group, options.get("dtype"))
    declare_added(beside, [name.variable])
    return received([name.variable], terms.noisy)


def _readout(group, output, name, weights, options):
    """The group of an output with weights: of the same instant as the states that a monitor records."""
    channels = _attach(group, weights.shape[0], f"{name} : {output.unit}", name, options)
    projection = read_out(group, channels, weights, output.source, name, f"{group.name}_{name}_weights")
    group.projections[name] = projection
    group.contained_objects.append(projection)
    return channels


def read_out(group, channels, weights, source, target, name):
    """A projection of an expression of the model into channels, evaluated at the start of a step, when monitors record."""
    text = substitute(to_brian(source, group._model.units), group.received)
    projection = Projection(group, channels, weights, source=text, target=target, name=name)
    projection.run_at("start", -1)
    return projection


def _attach(group, size, equation, variable, options):
    """A group beside ``group``, of ``size`` units for each of its trials."""
    beside = b2.NeuronGroup(
        size * group.trials,
        equation,
        clock=group.clock,
        order=group.order,
        namespace=group.namespace,
        dtype=options.get("dtype"),
        name=f"{group.name}_{variable}",
    )
    group.contained_objects.append(beside)
    return beside


def _with_depth(dynamics):
    """The connections, each with its place in the longest chain of those that read each other."""
    depth: dict[Name, int] = {}
    for c in dynamics.connections:
        before = [depth[name] + 1 for name in dynamics.reads(c) if name in depth] if not c.external else []
        depth[c.written] = max([depth.get(c.written, 0), *before])
    return [(c, depth[c.written]) for c in dynamics.connections]


def _connect(made, c, depth, stages, reads):
    target = made[c.target]
    units = {} if c.external else made[c.source]._model.units
    expression = to_brian(c.expression, units)  # whatever the user calls relu: here it is the model's
    expression = substitute(expression, reads) if reads else expression
    if c.external:
        source = made[c.source.population].external[c.source.variable]
    else:
        source = made[c.source]
        if not c.delay:
            expression = source.integrator.seen(source, expression)
    variable = target.next_summand(c.variable)
    projection = Projection(
        source,
        target,
        weights=c.weights,
        source=expression,
        target=variable,
        weights_dtype=target.weights_dtype,
        delay=c.delay,
        name=f"{target.name}_{variable}",
        _centred=not c.external and target.integrator.scheme.coupling != "held",
        _launched=False,
    )
    if depth:
        projection.run_at("groups", projection.order + _later(depth))
    for order in () if c.external or c.delay else stages[c.target]:
        projection.repeat(order + _later(depth))
    target.projections[variable] = projection
    target.contained_objects.append(projection)
    return projection


def _later(depth):
    """A projection that reads what another one writes follows it, before the groups update their states."""
    return 1 - 2.0**-depth if depth else 0
