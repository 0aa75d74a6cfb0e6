"""`CircuitGroup`: a circuit as a Brian2 `NeuronGroup`, one neuron per unit and trial."""

from collections import namedtuple
from functools import reduce
from numbers import Number

import brian2 as b2
import numpy as np

from organics_neuro.brian.guard import StepGuard
from organics_neuro.brian.kernels.runner import are_variables_ready
from organics_neuro.brian.methods import Integrator
from organics_neuro.brian.noise import NoiseTerms
from organics_neuro.brian.projection import Projection
from organics_neuro.core.boundary import check_names, positive_int
from organics_neuro.core.circuits import Circuit, JoinedCircuit, check_circuit
from organics_neuro.core.circuits.checks import must_be_positive
from organics_neuro.core.expressions import check_syntax, substitute, to_brian
from organics_neuro.core.names import Name, by_population
from organics_neuro.core.noise import resolve_noise
from organics_neuro.core.schemes import scheme

#: What `CircuitGroup` reads of a circuit; also one population of a joined circuit, before it is connected.
_Part = namedtuple("_Part", "populations connections external")


class CircuitGroup(b2.NeuronGroup):
    """A circuit as a group of neurons, coupled by `Projection` objects that it owns.

    Parameters
    ----------
    circuit : Circuit
        For a joined circuit use `groups`.
    trials : int
        Independent copies that share the weights; neuron ``trial * units + unit``.
    method : str
        One of `organics_neuro.core.schemes.SCHEMES`. Inputs and noise are held during a step, and so is what comes
        from outside the circuit.
    noise : dict, optional
        By state or input, a `organics_neuro.Noise` or its amplitude η, as `organics_neuro.theory.power_spectrum` takes it:
        ``{"y": 1e-3}`` adds white noise ``η/√τ dW`` to the state, τ being its time constant; ``{"y": "0.01*abs(y)"}`` is
        noise that depends on the state, in the sense of Itô; ``{"z": Noise(1e-3, tau=5*ms, shared=True)}``.
    inputs : dict of str, optional
        Brian2 expressions that take the place of inputs, for example ``{"z": "stimulus(t, i)"}`` with a
        `TimedArray` (``i`` counts ``trial * units + unit``, of the input's own units for an external input).
    equations : str
        More Brian2 equations for the group: variables that ``inputs``, own synapses or linked variables use.
    weights_dtype : numpy.float64 or numpy.float32, optional
        As for `Projection`: float32 keeps the weights, and multiplies with them, in single precision.
    dt, clock, order, name, namespace, dtype, threshold, reset, refractory, events :
        As in `brian2.NeuronGroup`.

    Attributes
    ----------
    circuit : Circuit
    trials, units : int
    projections : dict of Projection
        By the name of the variable that each writes.
    external : dict of NeuronGroup
        One group for each input with a size of its own, such as ``x`` of the gated model.

    Notes
    -----
    Inputs, parameters and states are variables of the group. Arrays of shape (units,) or (trials, units) may be
    assigned to them: ``group.z = drive``. Parameters that are one number for all units are shared variables. An input
    reads as what it was set to; its noise comes on top where the equations use it.

    A method that extrapolates ("ab2") starts anew, with a step of first order, when states are assigned to the group
    (``group.y = array``). After any other jump (a part of the states, a reset, new weights, inputs or dt) it goes on
    along its last slope, and keeps its order. With several stages, a linked variable of another group may read a state
    in the middle of a step; a projection does not.

    Before a run, dt is compared with the largest step that is stable around the fixed point of ``circuit`` as it was
    declared, for circuits of up to 100 states whose inputs are numbers, and with the time constants for all others: a
    `StepSizeWarning` says what is too large.

    Raises
    ------
    ValueError, TypeError, UnitError
        For a circuit, input, noise or method that does not fit, before anything is simulated.

    Examples
    --------
    >>> import brian2 as b2
    >>> import organics_neuro as on
    >>> v1 = on.CircuitGroup(on.ring(n=36), trials=2)
    >>> v1.z = on.stimuli.contrast_series(v1.circuit, [0.1, 1.0])
    >>> b2.Network(v1).run(10*b2.ms)
    """

    def __init__(
        self,
        circuit,
        trials=1,
        method="euler",
        noise=None,
        inputs=None,
        equations="",
        weights_dtype=None,
        name="circuitgroup*",
        **options,
    ):
        if isinstance(circuit, JoinedCircuit):
            raise TypeError(
                "this circuit has several populations; use organics_neuro.groups(circuit), which makes one group for each"
            )
        if not isinstance(circuit, (Circuit, _Part)):
            raise TypeError(
                f"circuit must be a Circuit, got {type(circuit).__name__}; make one with organics_neuro.Circuit(...)"
            )
        trials = positive_int("trials", trials)
        chosen = scheme(method)
        inputs = {} if inputs is None else inputs
        population = circuit.populations[None]
        model = population.model
        check_names("inputs", "name", inputs, (*model.inputs, *circuit.external))
        _check_texts(inputs)
        flags = {key: _flags(value) for key, value in population.parameters.items()}
        # a population of a joined circuit gets its noise resolved
        sources = resolve_noise(circuit.dynamics, noise) if isinstance(circuit, Circuit) else noise
        terms = NoiseTerms(s for s in sources if s.name.variable not in model.external)
        integrator = Integrator(chosen, tuple(terms.held.items()))
        text = model.brian_equations(flags, inputs, terms.drives, terms.noisy) + "\n" + terms.declarations()
        # set before Brian2 takes over attribute access
        self.circuit, self.trials, self.units, self._model = circuit, trials, population.size, model
        self.projections, self.external, self.guard = {}, {}, None
        self.integrator, self.weights_dtype, self._noisy = integrator, weights_dtype, terms.noisy
        equations = b2.Equations(text + "\n" + equations)
        method = integrator.for_equations(equations)
        super().__init__(population.size * trials, equations, method=method, name=name, **options)
        self._check_variables()
        for key, value in population.parameters.items():
            self.variables[key].set_value(value if np.ndim(value) == 0 else np.tile(value, self.trials))  # SI units
        terms.attach(self, self, options.get("dtype"))
        if isinstance(circuit, Circuit):
            _assemble({None: self}, circuit, inputs, sources, options)

    def _check_variables(self):
        taken = {*self.__dict__, *dir(type(self))}
        for name in self._model.units:
            if name in taken:
                raise ValueError(
                    f"model {self._model.name!r}: {name!r} cannot name a variable in Brian2, where a group has an attribute "
                    "of that name; rename it"
                )

    def before_run(self, run_namespace):
        super().before_run(run_namespace)
        if self.guard is not None:
            self.guard.check()

    # --- arrays by trial and unit -------------------------------------------------------------------------------

    def __getattr__(self, key):
        external = self.__dict__.get("external", {})
        bare = key.removesuffix("_")  # Brian2 has x_ for x without its unit
        return getattr(external[bare], key) if bare in external else super().__getattr__(key)

    def __setattr__(self, key, value, level=0):
        external = self.__dict__.get("external", {})
        bare = key.removesuffix("_")
        if bare in external:
            external[bare].__setattr__(key, self.by_neuron(bare, value, external[bare]), level=level + 1)
            return
        if are_variables_ready(self) and bare in self.variables:
            value = self.by_neuron(bare, value, self)
        super().__setattr__(key, value, level=level + 1)
        if are_variables_ready(self) and bare in self._model.states:
            self.integrator.forget(self)

    def by_neuron(self, key, value, group):
        """Numbers for a variable of ``group``, checked: an array (units,) or (trials, units) as one value per neuron."""
        if not isinstance(value, (Number, np.ndarray, list, tuple)):
            return value  # expressions and links are Brian2's own
        name, units = f"{self.name}.{key}", len(group) // self.trials
        try:
            shape, finite = np.shape(value), np.all(np.isfinite(value))
        except (TypeError, ValueError):
            raise ValueError(f"{name} takes a number or an array of numbers, got {value!r}") from None
        if not finite:
            raise ValueError(f"{name} must be finite, but holds NaN or infinity")
        if key in self._model.parameters and must_be_positive(self._model, key) and np.any(np.asarray(value) <= 0):
            raise ValueError(f"{name} must be larger than 0, got {value!r}")
        if np.iscomplexobj(value):
            raise ValueError(f"{name} takes real numbers, got {value!r}")
        if not shape:
            return value
        if group.variables[key].scalar:
            raise ValueError(
                f"{name} is one number for all units, got shape {shape}; for one value per unit, make the group from circuit.replace({key}=array)"
            )
        if shape not in ((units,), (self.trials, units), (self.trials * units,)):
            raise ValueError(
                f"{name} takes one number, or an array of shape ({units},) or ({self.trials}, {units}) for {self.trials} trials of {units} units, got shape {shape}"
            )
        value = b2.Quantity(value)  # also of a list of quantities
        return np.tile(value, self.trials) if shape == (units,) else value.reshape(-1)

    def per_trial(self, values):
        """Values whose first axis is the neurons, as (trials, units, ...): for states and for monitors.

        Examples
        --------
        ``v1.per_trial(v1.y[:])`` has shape (trials, units), ``v1.per_trial(monitor.y)`` (trials, units, times).
        """
        values = np.array(values)  # a copy: the values of a state change as the simulation goes on
        if values.shape[:1] != (self.trials * self.units,):
            raise ValueError(
                f"values must have {self.trials * self.units} rows, one per neuron, got shape {values.shape}"
            )
        return values.reshape(self.trials, self.units, *values.shape[1:])


def groups(circuit, trials=1, noise=None, inputs=None, **options):
    """One `CircuitGroup` for each population of a circuit, joined by projections.

    Parameters
    ----------
    circuit : JoinedCircuit or Circuit
    trials : int
    noise, inputs : dict, optional
        As for `CircuitGroup`, by full name: ``{"e.v": 1e-3}``, ``{"e.z": "stimulus(t, i)"}``.
    **options
        Further arguments of `CircuitGroup`, the same for all groups.

    Returns
    -------
    dict of CircuitGroup
        By the name of the population, which is None for a circuit that is not joined. Add all of them to a
        `Network`: ``Network(*groups.values())``.
    """
    if isinstance(circuit, Circuit):
        return {None: CircuitGroup(circuit, trials, noise=noise, inputs=inputs, **options)}
    check_circuit(circuit)
    inputs, sources = {} if inputs is None else inputs, resolve_noise(circuit.dynamics, noise)
    check_names("inputs", "name", inputs, circuit.inputs)
    _check_texts(inputs)
    made = {}
    texts = by_population({key: text for key, text in inputs.items() if key not in circuit.external})
    for name, population in circuit.populations.items():
        part = _Part({None: population}, [c for c in circuit.connections if c.target == name], {})
        made[name] = CircuitGroup(
            part,
            trials,
            noise=[s for s in sources if s.name.population == name],
            inputs=texts.get(name),
            name=f"{name.replace('.', '_')}*",
            **options,
        )
        made[name].circuit = reduce(lambda whole, key: whole.parts[key], name.split("."), circuit)
    _assemble(made, circuit, inputs, sources, options)
    return made


def _assemble(made, circuit, inputs, sources, options):
    """Set the states of the groups to their start, and connect them; ``options`` are those of `NeuronGroup`."""
    for p, population in circuit.populations.items():
        for state in population.model.states:
            made[p].variables[state].set_value(np.tile(circuit.initial[Name(p, state)], made[p].trials))
    noisy = {p: group._noisy for p, group in made.items()}
    for full, size in circuit.external.items():
        noisy[full] = _add_external(made[full.population], full, size, inputs, sources, options)
    stages = {p: group.integrator.add_stages(group) for p, group in made.items()}
    for c in circuit.connections:
        target = made[c.target]
        text = substitute(c.expression, noisy[c.source]) if noisy[c.source] else c.expression
        expression = to_brian(text)  # whatever the user calls relu: here it is the model's
        if c.external:
            source = made[c.source.population].external[c.source.variable]
        else:
            source = made[c.source]
            expression = source.integrator.seen(source, expression)
        projection = Projection(
            source,
            target,
            weights=c.weights,
            source=expression,
            target=c.variable,
            weights_dtype=target.weights_dtype,
            name=f"{target.name}_{c.variable}",
        )
        for order in () if c.external else stages[c.target]:
            projection.repeat(order)
        target.projections[c.variable] = projection
        target.contained_objects.append(projection)
    next(iter(made.values())).guard = StepGuard(circuit, made)


def _add_external(group, full, size, inputs, sources, options):
    """A group for an input with a size of its own; returns what takes the place of the input where it is read."""
    terms, name = NoiseTerms(s for s in sources if s.name == full), full.variable
    text = f"{name} = {inputs[full]} : 1" if full in inputs else f"{name} : 1"
    group.external[name] = b2.NeuronGroup(
        size * group.trials,
        f"{text}\n{terms.declarations()}",
        clock=group.clock,
        order=group.order,
        namespace=group.namespace,
        dtype=options.get("dtype"),
        name=f"{group.name}_{name}",
    )
    group.contained_objects.append(group.external[name])
    terms.attach(group.external[name], group, options.get("dtype"))
    return terms.noisy


def _check_texts(inputs):
    for name, text in inputs.items():
        if not isinstance(text, str):
            raise TypeError(
                f"inputs[{name!r}] must be a Brian2 expression (text), got {type(text).__name__}; numbers are assigned: group.{Name.parse(name).variable} = array"
            )
        check_syntax(text)


def _flags(value):
    """Brian2 flags of a parameter: one number is stored once, for all neurons."""
    return "shared, constant" if np.ndim(value) == 0 else "constant"
