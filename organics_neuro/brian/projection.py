"""`Projection`: a variable of one group is a weighted sum of an expression of another, at every time step."""

import numpy as np
from brian2.core.base import BrianObject
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable, Variables
from brian2.equations.codestrings import Expression
from brian2.equations.equations import PARAMETER
from brian2.groups.group import CodeRunner, Group
from brian2.groups.subgroup import Subgroup
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.synapses.synapses import SummedVariableUpdater
from brian2.units.fundamentalunits import DIMENSIONLESS, DimensionMismatchError, get_unit

from organics_neuro.brian.kernels import get_program
from organics_neuro.core.errors import UnitError
from organics_neuro.core.expressions import BRIAN, called, to_brian
from organics_neuro.core.operators import Dense, as_operator


class Projection(Group):
    """``target_variable = weights @ source_expression``, once per time step.

    Does what `Synapses` with a ``(summed)`` variable do, for weights that are given as a matrix or as an operator
    with structure, at a fraction of the time and memory. It works between any two groups, or within one, for the
    NumPy, Cython and C++ standalone targets, and with brian2cuda.

    Parameters
    ----------
    source_group, target_group : Group
        By position, as in `Synapses`: the group (or subgroup) that is read, and the one that is written.
    weights : Operator or array_like, shape (m, n)
        Plain numbers. If the source has n B and the target m B neurons, they are B independent trials that share
        the weights: neuron ``b n + j`` of the source is unit j in trial b.
    source : str
        What is read: an expression of the source group's variables, as in ``source="y**2"``.
    target : str
        What is written: a plain variable of the target group, with the unit of the expression.
        Nothing else may write it: neither another projection nor a summed variable.
    weights_dtype : numpy.float64 or numpy.float32, optional
        Type in which the weights are kept and the product is computed; by default that of the target variable.
        float32 halves the time where reading the weights is what takes it, and leaves the states in double precision.
    name : str
        Name of the Brian2 object.

    Notes
    -----
    Projections run in the slot "groups" before the groups update their states, so with ``method="euler"`` all
    right-hand sides see the same instant. Dense weights may be changed between runs: ``projection.matrix = array``.

    Raises
    ------
    ValueError, TypeError
        If the sizes do not fit, or the target variable is missing or cannot be written. A source expression with
        an unknown name, a unit that does not fit or a function of your own called relu or sigmoid is reported when the
        simulation starts.
    NotImplementedError
        When the simulation starts, if something else writes the target variable.
    """

    add_to_magic_network = True  # a Group is not collected by default, and would silently never run
    invalidates_magic_network = True

    def __init__(
        self, source_group, target_group, /, weights, *, source, target, weights_dtype=None, name="projection*"
    ):
        operator = as_operator(weights, name)
        _check_groups(source_group, target_group)
        _check_text(source)
        trials = _count_trials(operator, source_group, target_group)
        variable = _target_variable(target_group, target)
        dtype = _product_dtype(name, weights_dtype, variable)
        Group.__init__(
            self,
            clock=target_group.clock,
            when="groups",
            order=min(_whole(source_group).order, _whole(target_group).order) - 1,
            name=name,
        )
        # strong references: a subgroup that nobody holds would vanish before the run
        self.source_group, self.target_group = source_group, target_group
        self.operator, self.trials = operator, trials
        self.add_dependency(source_group)
        self.add_dependency(target_group)
        self.variables = Variables(self)
        program = get_program(operator, trials)
        self.variables.add_constant("N", max(array.size for array in program.arrays.values()))
        for key, array in program.arrays.items():
            own = array.dtype if array.dtype.kind in "iu" else dtype
            self.variables.add_array(key, size=array.size, values=array.ravel(), dtype=own, constant=True)
        for key, size in program.scratch.items():
            self.variables.add_array(key, size=size, dtype=dtype)
        self._enable_group_attributes()
        self._runner = _Runner(self, program.template, source, target, variable, dtype)
        self.contained_objects.append(self._runner)

    def repeat(self, order):
        """Run once more in each step, at another place in the slot "groups": the same code on the same arrays."""
        self.contained_objects.append(_Again(self._runner, order))

    def __setattr__(self, key, value, level=0):
        if "_group_attribute_access_active" in self.__dict__ and key in (*self.variables, "matrix"):
            value = self._new_weights(key, value)
        super().__setattr__(key, value, level=level + 1)

    def _new_weights(self, key, value):
        if key != "matrix" or key not in self.variables:
            raise TypeError(
                f"the weights of {self.name!r} are {self.operator!r}; between runs only those of Dense can be changed, "
                f"by {self.name}.matrix = array"
            )
        matrix = Dense(value).matrix
        if matrix.shape != self.operator.shape:
            raise ValueError(
                f"{self.name}.matrix has shape {self.operator.shape}, got an array of shape {matrix.shape}"
            )
        return matrix.ravel()

    def __repr__(self):
        return f"<Projection {self.name!r}: {self.source_group.name} -> {self.target_group.name}, {self.operator!r}, {self.trials} trials>"


class _Runner(SummedVariableUpdater):
    """Evaluates the source expression into a buffer and applies the weights.

    As a summed variable of synapses does: Brian2 refuses a network in which two of either write the same variable.
    """

    def __init__(self, projection, template, expression, target, variable, dtype):
        self.projection, self.replaced = projection.name, called(expression) & set(BRIAN)
        expression = to_brian(expression)
        self.target, self.target_var = projection.target_group, variable
        source, single, converted = projection.source_group, dtype == np.float32, dtype != variable.dtype
        (m, n), trials = projection.operator.shape, projection.trials
        start = getattr(projection.target_group, "start", 0)
        weights = [key for key in projection.variables if key != "N"]
        self.expression, self.target_name, self.dim = (
            expression,
            f"{projection.target_group.name}.{target}",
            variable.dim,
        )
        CodeRunner.__init__(
            self,
            group=source,
            template=template,
            code=f"_source = {expression}",
            needed_variables=["_target", "_sizes", *["_product"] * converted, *(f"_w_{key}" for key in weights)],
            clock=projection.clock,
            when=projection.when,
            order=projection.order,
            name=f"{projection.name}_runner",
            check_units=False,
            template_kwds={  # underscores: a variable of the model would take the place of its namesake
                "_m": m,
                "_n": n,
                "_trials": trials,
                "_start": start,
                "_real": "float" if single else "double",
                "_blas": "s" if single else "d",
            },
        )
        self.variables = Variables(self)
        self.variables.add_array("_source", size=len(source), dtype=dtype, index="_idx")
        if converted:
            self.variables.add_array("_product", size=m * trials, dtype=dtype, index="_idx")
        self.variables.add_array(
            "_sizes", size=4, values=np.array([m, n, trials, start], np.int32), dtype=np.int32, constant=True, index="0"
        )
        self.variables.add_reference("_target", projection.target_group, target, index="_idx")
        for key in weights:
            self.variables.add_reference(f"_w_{key}", projection, key, index="_idx")

    def before_run(self, run_namespace):
        CodeRunner.before_run(self, run_namespace)  # units are checked below, with a message that names the projection

    def update_abstract_code(self, run_namespace):
        text = f"{self.projection}: the source expression {self.expression!r}"
        for name in self.replaced:
            known = (self.group.namespace or run_namespace).get(name)
            if isinstance(known, Function) or hasattr(known, "_arg_units"):  # what Brian2 takes for a function
                raise ValueError(
                    f"{text} has {BRIAN[name].format('x')} for {name}(x); give your own function another name"
                )
        names = Expression(self.expression).identifiers
        try:
            variables = self.group.resolve_all(names, run_namespace, user_identifiers=names)
        except KeyError as error:
            raise ValueError(f"{text} has an unknown name: {error.args[0]}") from None
        try:
            dim = parse_expression_dimensions(self.expression, variables)
        except DimensionMismatchError as error:
            raise UnitError(f"{text} has units that do not fit together: {error.desc}") from None
        if dim is not self.dim:
            raise UnitError(f"{text} has the unit {_unit(dim)}, but {self.target_name} has the unit {_unit(self.dim)}")


class _Again(BrianObject):
    """Another place in the schedule for the code of a runner, which Brian2 prepares first: it comes earlier in a step."""

    def __init__(self, runner, order):
        super().__init__(clock=runner.clock, when=runner.when, order=order, name=f"{runner.name}_again*")
        self.runner = runner

    def before_run(self, run_namespace):
        self.code_objects[:] = self.runner.code_objects


def _unit(dim):
    return "1" if dim is DIMENSIONLESS else repr(get_unit(dim))


def _check_groups(*groups):
    for which, group in zip(("source", "target"), groups, strict=True):
        if not isinstance(group, Group) or not hasattr(group, "__len__"):
            raise TypeError(f"the {which} of a projection must be a group of neurons, got {group!r}")


def _check_text(source):
    if not isinstance(source, str):
        raise TypeError(f"source must be an expression such as 'y**2', got {source!r}")
    called(source)  # reads it


def _count_trials(operator, source, target):
    (m, n), sources, targets = operator.shape, len(source), len(target)
    trials = sources // n
    if trials < 1 or sources != n * trials or targets != m * trials:
        raise ValueError(
            f"weights of shape {operator.shape} do not fit: the source {source.name!r} has {sources} neurons and the target "
            f"{target.name!r} has {targets}; they must be {n} and {m}, or the same multiple of these for several trials"
        )
    return trials


def _product_dtype(name, given, variable):
    if given is None:
        return variable.dtype
    if given not in (np.float32, np.float64, "float32", "float64"):
        raise ValueError(f"weights_dtype of {name!r} must be numpy.float32 or numpy.float64, got {given!r}")
    return np.dtype(given)


def _whole(group):
    """The group that updates the states: a subgroup refers to the variables of its group, and has an order of its own."""
    return group.source if isinstance(group, Subgroup) else group


def _target_variable(group, name):
    variable = group.variables.get(name)
    if variable is None:
        raise ValueError(f"the target {group.name!r} has no variable {name!r}; add '{name} : 1' to its equations")
    owner = getattr(variable, "owner", None)
    plain = isinstance(variable, ArrayVariable) and owner is not None and owner.name == _whole(group).name
    equation = getattr(_whole(group), "equations", {}).get(name)
    if equation is not None:
        plain = plain and equation.type == PARAMETER  # not a state, which its equation writes
    plain = plain and not (variable.read_only or variable.constant or variable.scalar)
    if not plain or not np.issubdtype(variable.dtype, np.floating):
        raise TypeError(
            f"{group.name}.{name} cannot be written by a projection: declare it as a plain variable, '{name} : 1'"
        )
    return variable
