"""The declaration of a circuit model: equation text plus couplings, and what SymPy makes of it.

Every model of the family has the form (Brian2 equation text)::

    dx/dt = f(x, c, p)          local: a unit sees its own states x, inputs and couplings c, and parameters p
    c_k   = W_k @ g_k(x)        couplings: a weight operator applied to an expression of the source population

Nothing else is declared: the right-hand side, the Jacobian, the Brian2 population and the torch step follow.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from types import MappingProxyType

from organics_neuro.core import expressions
from organics_neuro.core.errors import unknown_name
from organics_neuro.core.units import check_unit, magnitude

_LINE = re.compile(
    r"^(?:d(?P<state>\w+)/dt\s*=|(?P<alias>\w+)\s*=|(?P<plain>\w+))(?P<expression>[^:]*):(?P<unit>[^:]*)$"
)
#: Names that Brian2 gives to every group, and arguments of `organics_neuro.Circuit`.
_RESERVED = {"t", "dt", "t_in_timesteps", "i", "j", "N", "xi", "inf", "pi", "e", "rate"}
_RESERVED |= {"model", "weights", "initial", "size"}


@dataclass(frozen=True)
class Coupling:
    """``target = weights @ source``: what one population sends to another, or to itself.

    Parameters
    ----------
    target : str
        Variable that receives. Between populations (see `organics_neuro.join`) ``"population.variable"``.
    weights : str or operator or array_like, optional
        In a model, the name of the weights. Between populations, the weights themselves; no weights at all connect
        an external input (such as ``x`` of the gated model) directly to an expression of the source population.
    source : str
        Expression of the source's states, inputs and parameters. Between populations ``"population: expression"``.
    nonnegative : bool
        Whether the weights must not be negative (a normalization pool, for example).
    default : {"identity", "ones"}, optional
        Weights of a circuit that does not give any.
    """

    target: str
    weights: object = None
    source: str = ""
    nonnegative: bool = False
    default: str | None = None


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

    identity: tuple
    couplings: tuple
    states: dict


@dataclass(frozen=True, repr=False)
class CircuitModel:
    """A circuit model as data.

    Parameters
    ----------
    name : str
    equations : str
        Brian2 equation text with units: ``dx/dt = ... : unit`` for a state, ``name = ... : unit`` for an
        abbreviation, ``name : unit`` for a parameter, an input or the target of a coupling. Functions: those of
        Brian2 listed in `organics_neuro.core.expressions.FUNCTIONS`, and ``relu`` and ``sigmoid``. The time
        constant of a state ``x`` is called ``tau_x``.
    couplings : sequence of Coupling
    parameters : dict
        Default of each parameter (SI units or Brian2 quantities; one number). None: a circuit must give it.
        Variables that are neither parameters nor targets of a coupling are inputs, which are zero until set.
    positive : sequence of str
        Parameters that must be larger than zero (time constants always must).
    initial : dict of str
        Where each state starts, as an expression of the parameters; states not named start at 0.
    rates : dict of str
        Firing rate that belongs to a state, as an expression.
    external : sequence of str
        Inputs with a size of their own (not one value per unit), which reach the units through couplings.
    encoders : dict of str
        Weights, optional in a circuit, that turn a stimulus into an input: ``{"z": "W_zx"}`` means z = W_zx @ x.
    relaxed : sequence of str
        States that the steady-state iteration updates after it has solved for the others (see
        `organics_neuro.theory.fixed_point`); without any, Newton's method works on all states at once.
    closed_form : ClosedForm, optional
    citation : str
        Where the equations come from.
    """

    name: str
    equations: str
    couplings: tuple = ()
    parameters: dict = field(default_factory=dict)
    positive: tuple = ()
    initial: dict = field(default_factory=dict)
    rates: dict = field(default_factory=dict)
    external: tuple = ()
    encoders: dict = field(default_factory=dict)
    relaxed: tuple = ()
    closed_form: ClosedForm | None = None
    citation: str = ""

    def __post_init__(self):
        for f in fields(self):  # sequences become tuples and mappings read-only: a declaration never changes
            value = getattr(self, f.name)
            if isinstance(value, list):
                object.__setattr__(self, f.name, tuple(value))
            elif isinstance(value, Mapping):
                object.__setattr__(self, f.name, MappingProxyType(dict(value)))
        self._check()

    # --- what the text says -------------------------------------------------------------------------------------

    @cached_property
    def _lines(self):
        """Tuples (kind, name, expression, unit), kind being one of "state", "alias", "plain"."""
        text = re.sub(r"#[^\n]*", "", self.equations)
        parsed, pending = [], ""
        for line in filter(None, (" ".join(raw.split()) for raw in text.splitlines())):
            pending = f"{pending} {line}".strip()
            if ":" not in pending:
                continue
            match = _LINE.match(pending)
            kind = match and next(k for k in ("state", "alias", "plain") if match[k])
            if not match or (kind == "plain") != (not match["expression"].strip()):
                raise ValueError(
                    f"model {self.name!r}: cannot read the line {pending!r}; write 'dx/dt = ... : 1', 'x = ... : 1' or 'x : 1'"
                )
            parsed.append((kind, match[kind], match["expression"].strip(), match["unit"].strip()))
            pending = ""
        if pending:
            raise ValueError(f"model {self.name!r}: the line {pending!r} has no unit; end it with ': 1' or ': second'")
        return tuple(parsed)

    @cached_property
    def units(self):
        """Unit name of every variable."""
        return {name: unit for _, name, _, unit in self._lines}

    @cached_property
    def states(self):
        """Names of the state variables, in the order of the text."""
        return tuple(name for kind, name, _, _ in self._lines if kind == "state")

    @cached_property
    def aliases(self):
        """Abbreviations (Brian2 calls them subexpressions): name to expression text."""
        return {name: text for kind, name, text, _ in self._lines if kind == "alias"}

    @cached_property
    def targets(self):
        """Variables that the model's own couplings write."""
        return tuple(c.target for c in self.couplings)

    @cached_property
    def inputs(self):
        """Variables with one value per unit that nothing in the model sets."""
        plain = (name for kind, name, _, _ in self._lines if kind == "plain")
        return tuple(n for n in plain if n not in self.parameters and n not in self.targets)

    @cached_property
    def weights(self):
        """Names of the weights, in the order of the couplings."""
        return tuple(dict.fromkeys(c.weights for c in self.couplings))

    @cached_property
    def arguments(self):
        """Names of everything a local expression may depend on, in the order of compiled functions."""
        return (*self.states, *self.inputs, *self.targets, *self.parameters)

    # --- what SymPy makes of it ---------------------------------------------------------------------------------

    def expression(self, text):
        """``text`` as a SymPy expression of `arguments`, abbreviations written out."""
        result = expressions.parse(text)
        for _ in self.aliases:  # an alias may use another one: at most that many levels
            used = {s for s in result.free_symbols if s.name in self.aliases}
            if not used:
                break
            result = result.subs({s: expressions.parse(self.aliases[s.name]) for s in used})
        unknown = sorted(s.name for s in result.free_symbols if s.name not in self.arguments)
        if unknown:
            raise ValueError(
                f"model {self.name!r}, expression {text!r}: {unknown_name('variable', unknown[0], self.units)}"
            )
        return result

    @cached_property
    def derivatives(self):
        """The right-hand side of each state as a SymPy expression."""
        return {name: self.expression(text) for kind, name, text, _ in self._lines if kind == "state"}

    # --- checks and text ----------------------------------------------------------------------------------------

    def _check(self):
        names = [name for _, name, _, _ in self._lines]
        for name in (*names, *self.external):
            if not expressions.is_name(name) or name in _RESERVED:
                raise ValueError(
                    f"model {self.name!r}: {name!r} cannot name a variable; it is reserved or not an identifier"
                )
            if (*names, *self.external).count(name) > 1:
                raise ValueError(f"model {self.name!r}: the variable {name!r} is declared twice")
        for name, unit in self.units.items():
            check_unit(name, unit)
        if not self.states:
            raise ValueError(f"model {self.name!r} has no state; add a line 'dx/dt = ... : 1'")
        plain = [name for kind, name, _, _ in self._lines if kind == "plain"]
        for kind, given in (("parameter", self.parameters), ("target of a coupling", self.targets)):
            for name in given:
                if name not in plain:
                    raise ValueError(
                        f"model {self.name!r}: the {kind} {name!r} is not declared; add a line '{name} : unit' to the equations"
                    )
        for kind, given, known in (
            ("state in 'initial'", self.initial, self.states),
            ("state in 'rates'", self.rates, self.states),
            ("state in 'relaxed'", self.relaxed, self.states),
            ("parameter in 'positive'", self.positive, self.parameters),
            ("input in 'encoders'", self.encoders, self.inputs),
        ):
            for name in given:
                if name not in known:
                    raise ValueError(f"model {self.name!r}: {unknown_name(kind, name, known)}")
        if len(set(self.targets)) < len(self.targets):
            raise ValueError(
                f"model {self.name!r}: two couplings write the same variable; give each a variable of its own and add them in the equations"
            )
        defaults = {
            name: None
            if value is None
            else float(magnitude(f"model {self.name!r}: default of {name!r}", value, self.units[name]))
            for name, value in self.parameters.items()
        }
        object.__setattr__(self, "parameters", MappingProxyType(defaults))
        self._check_expressions()

    def _check_expressions(self):
        self.derivatives  # noqa: B018  reading it parses the text
        for text in self.rates.values():
            self.expression(text)
        for coupling in self.couplings:
            self._check_coupling(coupling)
        if self.closed_form is not None:
            self._check_closed_form(self.closed_form)
        for text in self.initial.values():
            depends = {s.name for s in self.expression(text).free_symbols} - set(self.parameters)
            if depends:
                raise ValueError(
                    f"model {self.name!r}: the initial value {text!r} may depend on parameters only, not on {sorted(depends)}"
                )

    def _check_closed_form(self, form):
        for kind, given, known in (
            ("weights in 'closed_form'", (*form.identity, *(c.weights for c in form.couplings)), self.weights),
            ("state in 'closed_form'", form.states, self.states),
        ):
            for name in given:
                if name not in known:
                    raise ValueError(f"model {self.name!r}: {unknown_name(kind, name, known)}")
        missing = [name for name in self.states if name not in form.states]
        if missing:
            raise ValueError(f"model {self.name!r}: the closed form does not give the state {missing[0]!r}")
        for text in (*(c.source for c in form.couplings), *form.states.values()):
            self.expression(text)

    def _check_coupling(self, coupling):
        if not isinstance(coupling.weights, str):
            raise ValueError(
                f"model {self.name!r}: the weights of the coupling {coupling.target!r} must be a name, got {coupling.weights!r}; "
                "a circuit gives the weights themselves"
            )
        if coupling.default not in (None, "identity", "ones"):
            known = unknown_name("default", coupling.default, ("identity", "ones"))
            raise ValueError(f"model {self.name!r}, coupling {coupling.target!r}: {known}")
        self.check_source(coupling)

    def check_source(self, coupling):
        """Raise `ValueError` unless the source expression is local: of one external input, or of states, inputs and parameters."""
        outside = [x for x in self.external if x in expressions.names(coupling.source)]
        if outside and expressions.names(coupling.source) != {outside[0]}:
            raise ValueError(
                f"model {self.name!r}: the source {coupling.source!r} mixes the external input {outside[0]!r} with other variables"
            )
        if not outside:
            used = {s.name for s in self.expression(coupling.source).free_symbols}
            written = sorted(used.intersection(self.targets))
            if written:
                raise ValueError(
                    f"model {self.name!r}: the source {coupling.source!r} depends on the coupling {written[0]!r}; a source may use states, inputs and parameters"
                )

    def external_source(self, coupling):
        """Name of the external input that ``coupling`` reads, or None if it reads the population."""
        return next((x for x in self.external if x in expressions.names(coupling.source)), None)

    def time_constant(self, state):
        """Name of the parameter that is the time constant of ``state``; `ValueError` if there is none."""
        name = f"tau_{state}"
        if name not in self.parameters:
            raise ValueError(f"model {self.name!r}: state {state!r} has no time constant; declare a parameter {name!r}")
        return name

    def brian_equations(self, parameter_flags=None, replace=None, drives=None, noisy=None):
        """The equations as Brian2 text, every name declared.

        Parameters
        ----------
        parameter_flags : dict of str, optional
            Brian2 flags of parameters, such as ``{"sigma": "shared, constant"}``.
        replace : dict of str, optional
            Brian2 expressions that take the place of inputs.
        drives : dict of str, optional
            By state, what is added to its derivative.
        noisy : dict of str, optional
            By input, what takes its place where it is read.
        """
        replace, flags, drives = replace or {}, parameter_flags or {}, drives or {}
        lines = []

        def brian(text):
            return expressions.to_brian(expressions.substitute(text, noisy) if noisy else text)

        for kind, name, text, unit in self._lines:
            if kind == "state":
                drive = f" + {drives[name]}" if name in drives else ""
                lines.append(f"d{name}/dt = {brian(text)}{drive} : {unit}")
            elif kind == "alias":
                lines.append(f"{name} = {brian(text)} : {unit}")
            elif name in replace:
                lines.append(f"{name} = {replace[name]} : {unit}")
            else:
                lines.append(f"{name} : {unit}" + (f" ({flags[name]})" if name in flags else ""))
        return "\n".join(lines)

    def __repr__(self):
        return f"CircuitModel({self.name!r}, states={self.states})"

    def __str__(self):
        lines = [f"model {self.name!r}"]
        lines += [
            f"  d{n}/dt = {t} : {u}" if k == "state" else f"  {n} = {t} : {u}"
            for k, n, t, u in self._lines
            if k != "plain"
        ]
        lines += [f"  {c.target} = {c.weights} @ ({c.source})" for c in self.couplings]
        return "\n".join(lines)

    def __hash__(self):
        return hash((self.name, self.equations))

    def __deepcopy__(self, memo):
        return self  # a declaration never changes

    # --- as plain data, for files -------------------------------------------------------------------------------

    def to_dict(self):
        """The declaration as dictionaries, lists, strings and numbers."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        data = {k: dict(v) if isinstance(v, Mapping) else v for k, v in data.items()}
        data["couplings"] = [asdict(c) for c in self.couplings]
        data["closed_form"] = self.closed_form and asdict(self.closed_form)
        return data

    @classmethod
    def from_dict(cls, data):
        """The model of a declaration written by `to_dict`. The text in it is parsed, never evaluated."""
        data = dict(data)
        data["couplings"] = [Coupling(**c) for c in data["couplings"]]
        if data["closed_form"] is not None:
            form = dict(data["closed_form"])
            form["couplings"] = tuple(Coupling(**c) for c in form["couplings"])
            data["closed_form"] = ClosedForm(tuple(form["identity"]), form["couplings"], form["states"])
        return cls(**data)
