"""`CircuitGroup`: a circuit as a Brian2 `NeuronGroup`, one neuron per unit and trial."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from numbers import Number
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from organics_neuro.brian.assembly import assemble, summands_of
from organics_neuro.brian.equations import equations_of
from organics_neuro.brian.functions import define_functions
from organics_neuro.brian.inputs import declare_added, received
from organics_neuro.brian.kernels.runner import are_variables_ready
from organics_neuro.brian.methods import Integrator
from organics_neuro.brian.noise import NoiseTerms
from organics_neuro.brian.replaced import check_replaced, check_supplied, supply, take_from_outside
from organics_neuro.brian.schedule import Schedule, schedule_of
from organics_neuro.brian.trials import split
from organics_neuro.core.boundary import by_name, check_names, positive_int, shown
from organics_neuro.core.circuits import AnyCircuit, Circuit, check_circuit
from organics_neuro.core.expressions import check_syntax
from organics_neuro.core.memory import check_memory
from organics_neuro.core.names import Name, by_population
from organics_neuro.core.noise import resolve_noise
from organics_neuro.core.populations import must_be_positive
from organics_neuro.core.schemes import scheme


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
        By state or input, a `organics_neuro.Noise`, which may be correlated in time and shared by units, or its
        amplitude η alone (number, or array of shape (units,)) for white noise. White noise of a state adds
        ``η/√τ dW`` to it, τ being its time constant; the same declaration that
        `organics_neuro.theory.power_spectrum` takes. Noise that depends on the state is an expression, read in the
        sense of Itô: ``{"y": "0.01*abs(y)"}``.
    inputs : dict, optional
        What takes the place of inputs and of parameters: a Brian2 expression, for example ``{"z": "stimulus(t, i)"}``
        with a `TimedArray` (``i`` counts ``trial * units + unit``, of the input's own units for an external input), or
        an array of shape (units,) or (trials, units), which may be assigned anew between runs: ``{"b": gains}``.
    replaced : dict of array_like of bool, shape (units,), optional
        By state, units whose value comes from outside, such as from spiking neurons: `spikes_to_rate` with the state as
        its target, several of which add up. ``drive_y`` is what they would relax to, for example for `rate_to_current`. Offered for states that
        weights read as ``relu(y)``; `rectified_pairs` makes such a circuit of one that sends both signs.
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
        By the name of the variable that each writes; where several couplings add up, ``recurrent_1``,
        ``recurrent_2`` and so on, in the order of the declaration, without names that the model has itself.
    external : dict of NeuronGroup
        One group for each input with a size of its own, such as ``x`` of the gated model, and for each output with
        weights.

    Notes
    -----
    Inputs, parameters, states and outputs are variables of the group: ``group.rate_y`` can be recorded and used in
    projections, links and thresholds. An output that reads couplings takes them as they were in the last step. Arrays of
    shape (units,) or (trials, units) may be assigned to inputs, parameters and states: ``group.z = drive``. Parameters
    that are one number for all units are shared variables, unless ``inputs`` gives them.

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
        circuit: AnyCircuit,
        trials: int = 1,
        method: str = "euler",
        noise: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str | ArrayLike] | None = None,
        replaced: Mapping[str, ArrayLike] | None = None,
        equations: str = "",
        weights_dtype: DTypeLike | None = None,
        name: str = "circuitgroup*",
        _population: str | None = None,
        **options: Any,
    ):
        define_functions()
        _check_single(circuit, _population)
        trials = positive_int("trials", trials)
        chosen = scheme(method)
        inputs, replaced = by_name("inputs", inputs), by_name("replaced", replaced)
        sources = noise if _population else resolve_noise(circuit.dynamics, noise)
        population = circuit.populations[_population]
        check_memory(f"a group of {trials:,} trials", 8.0 * population.size * trials, "use fewer trials")
        model = population.model
        _check_inputs(inputs, (*model.inputs, *model.parameters, *_external_of(circuit, _population)))
        taken = {*model.units, *model.external, *model.outputs}
        summands = summands_of([c for c in circuit.dynamics.connections if c.target == _population], taken)
        terms = NoiseTerms((s for s in sources if s.name.variable not in model.external), taken)
        own = [name for name in model.inputs if name not in model.external]
        reads = received(own, terms.noisy)
        masks = check_replaced(replaced, circuit, _population, taken)
        text = equations_of(model, population.parameters, inputs, terms, reads, summands, masks)
        # set before Brian2 takes over attribute access
        self.circuit = circuit if _population is None else _part(circuit, _population)
        self.trials, self.units, self._model = trials, population.size, model
        self.projections, self.external, self.processes, self.guard = {}, {}, {}, None
        self.replaced, self.supplied = masks, {name: ~mask for name, mask in masks.items()}
        self.integrator, self.weights_dtype = Integrator(chosen, tuple(terms.held.items())), weights_dtype
        self.received, self.given = reads, tuple(name for name in inputs if name in model.parameters)
        self._summands = {variable: iter(parts) for variable, parts in summands.items()}
        equations = b2.Equations(text + "\n" + equations)
        method = self.integrator.for_equations(equations)
        super().__init__(population.size * trials, equations, method=method, name=name, **options)
        declare_added(self, own)
        self._set_parameters(population.parameters, inputs)
        terms.attach(self, self, options.get("dtype"))
        take_from_outside(self)
        if _population is None:
            full = {Name(None, key): value for key, value in inputs.items()}
            assemble({None: self}, circuit, full, sources, options)

    def _set_parameters(self, values, inputs):
        for key, value in values.items():
            if isinstance(inputs.get(key), str):
                continue  # an expression
            several = not self.variables[key].scalar and np.ndim(value)
            self.variables[key].set_value(np.tile(value, self.trials) if several else value)  # SI units

    def next_summand(self, variable):
        """The variable that the next coupling into ``variable`` writes: itself, unless several add up."""
        return next(self._summands[variable]) if variable in self._summands else variable

    @property
    def schedule(self) -> Schedule:
        """What happens in a step, in its order; print it to see what is one piece of code in a C++ program.

        Returns
        -------
        Schedule
            Its ``entries`` have a ``name``, a ``place`` (slot and order), what it ``does``, and whether it runs ``together``
            with the states.

        Examples
        --------
        >>> import organics_neuro as on
        >>> print(on.CircuitGroup(on.ring(n=36), name="v1").schedule)  # doctest: +ELLIPSIS
        v1, in each step:
          v1_pool          groups, -1 ...
        """
        return schedule_of(self)

    def supply(self, state: str, units: ArrayLike | None = None) -> None:
        """Say that units that were replaced have a source of your own, which sets ``outside_y``; `spikes_to_rate` says so itself.

        Parameters
        ----------
        state : str
            One of those that were ``replaced``.
        units : array_like of bool, shape (units,), optional
            All by default.

        Raises
        ------
        ValueError
            For a state without replaced units, or a mask that does not fit.

        Examples
        --------
        ``v1.supply("y"); on.Projection(neurons, v1, weights, source="v", target="outside_y")``
        """
        supply(self, state, units)

    def before_run(self, run_namespace):
        check_supplied(self)
        super().before_run(run_namespace)
        if self.guard is not None:
            self.guard.check()

    def _repr_html_(self) -> str:
        """The circuit with its couplings, in place of the equations that were generated of it."""
        size = f"{self.trials} trials of {self.units} units" if self.trials > 1 else f"{self.units} units"
        return f"<p><b>CircuitGroup</b> <code>{self.name}</code>: {size}</p>{self.circuit._repr_html_()}"

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
            raise ValueError(f"{name} takes a number or an array of numbers, got {shown(value)}") from None
        if not finite:
            raise ValueError(f"{name} must be finite, but holds NaN or infinity")
        if key in self._model.parameters and must_be_positive(self._model, key) and np.any(np.asarray(value) <= 0):
            raise ValueError(f"{name} must be larger than 0, got {shown(value)}")
        if np.iscomplexobj(value):
            raise ValueError(f"{name} takes real numbers, got {shown(value)}")
        if not shape:
            return value
        if group.variables[key].scalar:
            raise ValueError(
                f"{name} is one number for all units, got shape {shape}; for several, make the group with inputs={{{key!r}: array}}"
            )
        if shape not in ((units,), (self.trials, units), (self.trials * units,)):
            raise ValueError(
                f"{name} takes one number, or an array of shape ({units},) or ({self.trials}, {units}) for {self.trials} trials of {units} units, got shape {shape}"
            )
        value = b2.Quantity(value)  # also of a list of quantities
        return np.tile(value, self.trials) if shape == (units,) else value.reshape(-1)

    def per_trial(self, values: ArrayLike) -> np.ndarray:
        """Values whose first axis is the neurons, as (trials, units, ...): for states and for monitors.

        Examples
        --------
        ``v1.per_trial(v1.y[:])`` has shape (trials, units), ``v1.per_trial(monitor.y)`` (trials, units, times).
        """
        return split(values, self.trials, self.units)


def groups(
    circuit: AnyCircuit,
    trials: int = 1,
    noise: Mapping[str, Any] | None = None,
    inputs: Mapping[str, str | ArrayLike] | None = None,
    **options: Any,
) -> dict[str | None, CircuitGroup]:
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
    check_circuit(circuit)
    inputs = inputs or {}
    if isinstance(circuit, Circuit):
        return {None: CircuitGroup(circuit, trials, noise=noise, inputs=inputs, **options)}
    _check_inputs(inputs, (*circuit.inputs, *circuit.dynamics.parameters))
    sources = resolve_noise(circuit.dynamics, noise)
    inside = by_population({key: value for key, value in inputs.items() if key not in circuit.external})
    made = {}
    for name in circuit.populations:
        own = [source for source in sources if source.name.population == name]
        given = {"noise": own, "inputs": inside.get(name), "name": f"{name.replace('.', '_')}*"}
        made[name] = CircuitGroup(circuit, trials, _population=name, **given, **options)
    assemble(made, circuit, inputs, sources, options)
    return made


def _check_single(circuit, population):
    if population is None and isinstance(circuit, AnyCircuit) and None not in circuit.populations:
        raise TypeError(
            "this circuit has several populations; use organics_neuro.groups(circuit), which makes one group for each"
        )
    if not isinstance(circuit, AnyCircuit):
        raise TypeError(
            f"circuit must be a Circuit, got {type(circuit).__name__}; make one with organics_neuro.Circuit(...)"
        )


def _part(circuit, population):
    """The circuit that a population of a joined one is."""
    return reduce(lambda whole, key: whole.parts[key], population.split("."), circuit)


def _external_of(circuit, population):
    return [name.variable for name in circuit.external if name.population == population]


def _check_inputs(inputs, known):
    check_names("inputs", "name", inputs, known)
    for name, value in inputs.items():
        if isinstance(value, str):
            check_syntax(value)
        elif not isinstance(value, (Number, np.ndarray, list, tuple)):
            raise TypeError(
                f"inputs[{name!r}] must be a Brian2 expression (text) or an array, got {type(value).__name__}"
            )
