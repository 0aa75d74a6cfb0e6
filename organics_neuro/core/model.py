"""The declaration of a circuit model: equation text, couplings and outputs, and what SymPy makes of it.

Every model of the family has the form (Brian2 equation text)::

    dx/dt = f(x, c, p)          local: a unit sees its own states x, inputs and couplings c, and parameters p
    c     = Σ W_k @ g_k(x)      couplings: weight operators applied to expressions of the source population, after a delay
    o     = h(x, c, p)          outputs: named expressions, such as firing rates, with or without weights

Nothing else is declared: the right-hand side, the Jacobian, the Brian2 population and the torch step follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any

import sympy as sp

from organics_neuro.core import declaration, expressions
from organics_neuro.core.equations import Line, read_lines
from organics_neuro.core.errors import shown, unknown_name
from organics_neuro.core.plain import check_fields, digest, from_plain, to_plain
from organics_neuro.core.units import magnitude


@dataclass(frozen=True)
class Coupling:
    """``target = weights @ source``: what one population sends to another, or to itself.

    Several couplings into one variable add up.

    Parameters
    ----------
    target : str
        Variable that receives. Between populations (see `organics_neuro.join`) ``"population.variable"``.
    weights : str or operator or array_like, optional
        In a model, the name of the weights. Between populations, the weights themselves; no weights at all connect
        an external input (such as ``x`` of the gated model) directly to an expression of the source population.
    source : str
        Expression of the source's states, inputs, parameters, and of what other couplings bring it, as long as no
        circle arises. Between populations ``"population: expression"``.
    nonnegative : bool
        Whether the weights must not be negative (a normalization pool, for example).
    sign : {+1, -1}, optional
        Sign that all weights must have (Dale's principle); 0 is allowed. +1 is the same as ``nonnegative``.
    default : {"identity", "ones"}, optional
        Weights of a circuit that does not give any.
    delay : float or Brian2 quantity
        Seconds after which the source arrives. Before time 0 the source was what it is then. Simulators round it to
        steps; it may not be shorter than one.
    """

    target: str
    weights: object = None
    source: str = ""
    nonnegative: bool = False
    sign: int | None = None
    default: str | None = None
    delay: Any = 0.0

    def __post_init__(self):
        delay = magnitude(f"delay of the coupling {shown(self.target)}", self.delay, "second")
        if delay.ndim or delay < 0:
            raise ValueError(
                f"delay of the coupling {shown(self.target)} must be one time, 0 or longer, got {shown(self.delay, str)}"
            )
        object.__setattr__(self, "delay", float(delay))

    @property
    def allowed_sign(self) -> int | None:
        """+1 if no weight may be negative, -1 if none may be positive, None if they are free."""
        return 1 if self.nonnegative else self.sign


@dataclass(frozen=True)
class Output:
    """A named expression of a model: a firing rate, or a weighted sum over the units such as a field potential.

    Parameters
    ----------
    weights : str, optional
        Name of the weights, of shape (channels, units), that are applied to the expression. They are optional in a
        circuit, which has the output only if it gives them.
    source : str
        Expression of states, inputs, parameters and couplings.
    unit : str
        Of the expression.
    """

    weights: str | None
    source: str
    unit: str = "1"


@dataclass(frozen=True)
class ClosedForm:
    """The steady state as text, for circuits in which some weights are the identity.

    Parameters
    ----------
    identity : tuple of str
        Weights that must be the identity for the formula to hold.
    couplings : tuple of Coupling
        Quantities that the formula needs: weights of the model applied to expressions of inputs and parameters.
    states : dict of str
        Each state as an expression of inputs, parameters, these couplings and the states before it.
    """

    identity: tuple[str, ...]
    couplings: tuple[Coupling, ...]
    states: Mapping[str, str]


@dataclass(frozen=True, repr=False)
class CircuitModel:
    """A circuit model as data.

    Parameters
    ----------
    name : str
    equations : str
        Brian2 equation text with units: ``dx/dt = ... : unit`` for a state, ``name = ... : unit`` for an
        abbreviation, ``name : unit`` for a parameter, an input or the target of a coupling. Functions are those of
        `organics_neuro.core.expressions.FUNCTIONS`.
    couplings : sequence of Coupling
    parameters : dict
        Default of each parameter (SI units or Brian2 quantities; one number). None: a circuit must give it.
        Variables that are neither parameters nor targets of a coupling are inputs. Any parameter may be given like
        an input: per unit, per trial and per step.
    defaults : dict
        Inputs that are not 0 until they are set (SI units or Brian2 quantities; one number).
    positive : sequence of str
        Parameters that must be larger than zero (those with the unit second always must).
    initial : dict of str
        Where each state starts, as an expression of inputs and parameters; states not named start at 0.
    outputs : dict of str or Output
        Named expressions of states, inputs, parameters and couplings, such as ``{"rate_y": "relu(y)**2"}``.
    time_constants : dict of str
        Time constant of a state, as an expression of inputs and parameters. By default the parameter ``tau_x`` of
        the state ``x``, if there is one.
    external : sequence of str
        Inputs with a size of their own (not one value per unit), which reach the units through couplings.
    encoders : dict of str
        Weights, optional in a circuit, that turn a stimulus into an input: ``{"z": "W_zx"}`` means z = W_zx @ x.
    relaxed : sequence of str
        States that the steady-state iteration updates after it has solved for the others (see
        `organics_neuro.theory.fixed_point`); without any, Newton's method works on all states at once.
    step : str
        A parameter, a time, that is the step itself: the model is a map, or reads a state as it is at the end of the
        step. Engines warn at another step than that of a circuit.
    parametrizations : dict of tuple
        How layers learn weights and parameters unless they are told otherwise, by their names: the name of a constraint
        of `organics_neuro.nn.constraints` and its arguments, such as ``("antisymmetric", 0.01)``; ``("constant",)`` for a parameter
        that is not learned.
    closed_form : ClosedForm, optional
    citation : str
        Where the equations come from.

    Raises
    ------
    ValueError
        For text that cannot be read, an unknown or reserved name, a unit that is not known.
    UnitError
        For expressions whose units do not fit together.
    """

    name: str
    equations: str
    couplings: Sequence[Coupling] = ()
    parameters: Mapping = field(default_factory=dict)
    defaults: Mapping = field(default_factory=dict)
    positive: Sequence[str] = ()
    initial: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str | Output] = field(default_factory=dict)
    time_constants: Mapping[str, str] = field(default_factory=dict)
    external: Sequence[str] = ()
    encoders: Mapping[str, str] = field(default_factory=dict)
    relaxed: Sequence[str] = ()
    step: str = ""
    parametrizations: Mapping[str, Sequence] = field(default_factory=dict)
    closed_form: ClosedForm | None = None
    citation: str = ""

    def __post_init__(self):
        for f in fields(self):  # sequences become tuples and mappings read-only: a declaration never changes
            self._set(f.name, _frozen(getattr(self, f.name)))
        check_fields(self, f"model {self.name!r}")
        outputs = {name: Output(None, o) if isinstance(o, str) else o for name, o in self.outputs.items()}
        self._set("outputs", MappingProxyType(outputs))
        declaration.check(self)
        for kind in ("parameters", "defaults"):
            self._set(kind, MappingProxyType(declaration.in_si_units(self, getattr(self, kind))))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    # --- what the text says -------------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the equation text."""
        try:
            return read_lines(self.equations)
        except ValueError as error:
            raise ValueError(f"model {self.name!r}: {error}") from None

    def _named(self, kind: str) -> tuple[str, ...]:
        return tuple(line.name for line in self.lines if line.kind == kind)

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit name of every variable, outputs included."""
        return {line.name: line.unit for line in self.lines} | {name: o.unit for name, o in self.outputs.items()}

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Names of the state variables, in the order of the text."""
        return self._named("state")

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Abbreviations (Brian2 calls them subexpressions): name to expression text."""
        return {line.name: line.expression for line in self.lines if line.kind == "alias"}

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Variables that the model's own couplings write."""
        return tuple(dict.fromkeys(c.target for c in self.couplings))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Variables with one value per unit that nothing in the model sets."""
        return tuple(n for n in self._named("plain") if n not in self.parameters and n not in self.targets)

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """Names of the weights, in the order of the couplings."""
        return tuple(dict.fromkeys(c.weights for c in self.couplings))

    @cached_property
    def readouts(self) -> dict[str, Output]:
        """Outputs that have weights."""
        return {name: output for name, output in self.outputs.items() if output.weights is not None}

    @cached_property
    def optional_weights(self) -> tuple[str, ...]:
        """Names of weights that a circuit may leave out: encoders, and weights of outputs."""
        return tuple(dict.fromkeys([*self.encoders.values(), *(o.weights for o in self.readouts.values())]))

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Names of everything a local expression may depend on, in the order of compiled functions."""
        return (*self.states, *self.inputs, *self.targets, *self.parameters)

    def time_constant(self, state: str) -> str:
        """The time constant of ``state`` as an expression; `ValueError` if there is none."""
        name = f"tau_{state}"
        if state in self.time_constants:
            return self.time_constants[state]
        if name not in self.parameters:
            raise ValueError(
                f"model {self.name!r}: state {state!r} has no time constant; declare a parameter {name!r}, or "
                f"time_constants={{{state!r}: expression}}"
            )
        return name

    def has_time_constant(self, state: str) -> bool:
        """Whether `time_constant` has an answer for ``state``."""
        return state in self.time_constants or f"tau_{state}" in self.parameters

    # --- what SymPy makes of it ---------------------------------------------------------------------------------

    def expression(self, text: str) -> sp.Expr:
        """``text`` as a SymPy expression of `arguments`, abbreviations written out."""
        try:
            result = expressions.expand(text, self.aliases)
        except ValueError as error:
            raise ValueError(f"model {self.name!r}: {error}") from None
        unknown = sorted(s.name for s in result.free_symbols if s.name not in self.arguments)
        if unknown:
            raise ValueError(
                f"model {self.name!r}, expression {text!r}: {unknown_name('variable', unknown[0], self.units)}"
            )
        return result

    def reads(self, text: str) -> set[str]:
        """Names of the variables that an expression depends on, abbreviations written out."""
        return {s.name for s in self.expression(text).free_symbols}

    @cached_property
    def derivatives(self) -> dict[str, sp.Expr]:
        """The right-hand side of each state as a SymPy expression."""
        return {line.name: self.expression(line.expression) for line in self.lines if line.kind == "state"}

    def external_source(self, coupling: Coupling) -> str | None:
        """Name of the external input that ``coupling`` reads, or None if it reads the population."""
        return next((x for x in self.external if x in expressions.names(coupling.source)), None)

    # --- text and plain data ------------------------------------------------------------------------------------

    def __repr__(self):
        return f"CircuitModel({self.name!r}, states={self.states})"

    def _repr_html_(self) -> str:
        from organics_neuro.core.html import model_html

        return model_html(self)

    def __str__(self):
        left = {"state": "d{}/dt", "alias": "{}"}
        rows = [f"model {self.name!r}"]
        rows += [f"  {left[k].format(n)} = {text} : {unit}" for k, n, text, unit in self.lines if k != "plain"]
        late = {c: f", {c.delay:g} s later" if c.delay else "" for c in self.couplings}
        rows += [f"  {c.target} = {c.weights} @ ({c.source}){late[c]}" for c in self.couplings]
        for name, output in self.outputs.items():
            weighted = f"{output.weights} @ ({output.source})" if output.weights else output.source
            rows.append(f"  {name} = {weighted} : {output.unit}  (output)")
        return "\n".join(rows)

    @cached_property
    def key(self) -> str:
        """What the declaration says, as a sha256: the same in every process."""
        return digest({}, self.to_dict())

    def __hash__(self):
        return hash(self.key)

    def __deepcopy__(self, memo):
        return self  # a declaration never changes

    def __reduce__(self):
        return CircuitModel.from_dict, (self.to_dict(),)

    def to_dict(self) -> dict:
        """The declaration as dictionaries, lists, strings and numbers."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: Mapping) -> CircuitModel:
        """The model of a declaration written by `to_dict`. The text in it is parsed, never evaluated."""
        return from_plain(cls, data)


def _frozen(value):
    if isinstance(value, list):
        return tuple(value)
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value
