"""What runs the kernels of a projection in a network, from the parts that Brian2 makes its own summed variables of."""

import brian2 as b2
import numpy as np
from brian2.core.variables import ArrayVariable, Variable, Variables
from brian2.equations.equations import PARAMETER
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.synapses.synapses import SummedVariableUpdater
from brian2.units.fundamentalunits import DIMENSIONLESS

from organics_neuro.brian.kernels.cuda import begin_with
from organics_neuro.brian.kernels.private import current_device
from organics_neuro.brian.kernels.program import Program
from organics_neuro.core.boundary import check_text, shown
from organics_neuro.core.errors import UnitError
from organics_neuro.core.expressions import replaced, to_brian


def whole(group: b2.Group) -> b2.Group:
    """The group that updates the states: a subgroup refers to the variables of its group, and has an order of its own."""
    return group.source if isinstance(group, b2.Subgroup) else group


def target_variable(group: b2.Group, name: str) -> Variable:
    """The variable of a group that a projection may write.

    Raises
    ------
    ValueError, TypeError
        If there is none of this name, or something else determines it.
    """
    variable = group.variables.get(check_text("the target variable", name))
    if variable is None:
        name = shown(name, str)
        raise ValueError(f"the target {group.name!r} has no variable {name!r}; add '{name} : 1' to its equations")
    owner = getattr(variable, "owner", None)
    plain = isinstance(variable, ArrayVariable) and owner is not None and owner.name == whole(group).name
    equation = getattr(whole(group), "equations", {}).get(name)
    if equation is not None:
        plain = plain and equation.type == PARAMETER  # not a state, which its equation writes
    plain = plain and not (variable.read_only or variable.constant or variable.scalar)
    if not plain or not np.issubdtype(variable.dtype, np.floating):
        raise TypeError(
            f"{group.name}.{name} cannot be written by a projection: declare it as a plain variable, '{name} : 1'"
        )
    return variable


def are_variables_ready(group: b2.Group) -> bool:
    """Whether the attributes of a group are its variables already; while it is made they are those of any object."""
    return "_group_attribute_access_active" in vars(group)


def hold_arrays(projection: b2.Group, program: Program, dtype: np.dtype) -> None:
    """Make the arrays of a program variables of a projection; those that are not integers are of the type ``dtype``."""
    variables = projection.variables = Variables(projection)
    variables.add_constant("N", max(array.size for array in program.arrays.values()))
    for key, array in program.arrays.items():
        own = array.dtype if array.dtype.kind in "iu" else dtype
        # a program keeps values in the type that they come in
        values = np.ravel(array).astype(own)
        on_gpu = current_device() == "cuda"
        variables.add_array(key, size=array.size, values=None if on_gpu else values, dtype=own, constant=True)
        if on_gpu:
            begin_with(variables[key], values)
    for key, size in program.scratch.items():
        variables.add_array(key, size=size, dtype=dtype)
    projection._enable_group_attributes()


def hold_past(projection: b2.Group, steps: int, centred: bool, dtype: np.dtype) -> None:
    """Make room for the sources of so many steps; ``centred``: what arrives is what it was in the middle of a step.

    ``delay`` holds the place of the latest source in ``past``, counted from 1 (0 before the first step), the number of
    places, and whether it is centred.
    """
    state = np.array([0, steps + 1, centred], np.int32)
    projection.variables.add_array("past", size=(steps + 1) * len(projection.source_group), dtype=dtype)
    projection.variables.add_array("delay", size=3, values=state, dtype=np.int32)


class Runner(SummedVariableUpdater):
    """Evaluates the source expression into a buffer and applies the weights.

    As a summed variable of synapses does: Brian2 refuses a network in which two of either write the same variable.
    """

    def __init__(self, projection, program, expression, target, variable, dtype):
        self.projection, self.replaced = projection.name, replaced(expression)
        self.update, self.part = None, program.part if current_device() == "cpp" else None
        self.expression, self.dim = to_brian(expression), variable.dim
        self.target, self.target_var = projection.target_group, variable
        self.target_name = f"{projection.target_group.name}.{target}"
        source, converted = projection.source_group, dtype != variable.dtype
        (m, n), trials = projection.operator.shape, projection.trials
        start = getattr(projection.target_group, "start", 0)
        weights = [key for key in projection.variables if key != "N"]
        b2.CodeRunner.__init__(
            self,
            group=source,
            template=program.template,
            code=self.source_code(),
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
                "_real": "float" if dtype == np.float32 else "double",
                "_blas": "s" if dtype == np.float32 else "d",
            },
        )
        self.began = None
        self.made_for = float(projection.clock.dt_) if "past" in weights else None
        self.dtype, self.sizes = dtype, {"m": m, "n": n, "trials": trials, "start": start}
        if current_device() == "cuda":  # a `Launcher` does the work
            self.calls = program.launched()
            return
        self.variables = Variables(self)
        self.variables.add_array("_source", size=len(source), dtype=dtype, index="_idx")
        if converted:
            self.variables.add_array("_product", size=m * trials, dtype=dtype, index="_idx")
        sizes = np.array([m, n, trials, start], np.int32)
        self.variables.add_array("_sizes", size=4, values=sizes, dtype=np.int32, constant=True, index="0")
        self.variables.add_reference("_target", projection.target_group, target, index="_idx")
        for key in weights:
            self.variables.add_reference(f"_w_{key}", projection, key, index="_idx")

    def source_code(self, suffix=""):
        """Brian2's code for the source, in a buffer of this name."""
        return f"_source{suffix} = {self.expression}"

    def create_code_objects(self, run_namespace):
        if current_device() == "cuda":
            return  # the launcher of several projections has the code
        if self.update is not None and self in self.update.together():
            self.update_abstract_code(run_namespace)  # what is wrong with the expression is said here
            self.code_objects[:] = []
        else:
            super().create_code_objects(run_namespace)

    def before_run(self, run_namespace):
        dt = float(self.clock.dt_)
        if self.made_for not in (None, dt):
            raise ValueError(
                f"the delay of {self.projection!r} was counted in steps of {self.made_for:g} s, but dt is {dt:g} s now; set dt "
                "before the groups are made"
            )
        if current_device() == "runtime":  # the step at which the run begins, for profiles
            self.began = self.clock, int(self.clock.variables["timestep"].get_value().item())
        # units are checked below, with a message that names the projection
        b2.CodeRunner.before_run(self, run_namespace)

    def update_abstract_code(self, run_namespace):
        if self.part is not None:
            self.abstract_code = {"source": self.source_code()}  # C++ has a block for each piece of code
        text = f"{self.projection}: the source expression {self.expression!r}"
        self._check_functions(text, run_namespace)
        names = b2.Expression(self.expression).identifiers
        try:
            variables = self.group.resolve_all(names, run_namespace, user_identifiers=names)
        except KeyError as error:
            raise ValueError(f"{text} has an unknown name: {error.args[0]}") from None
        try:
            dim = parse_expression_dimensions(self.expression, variables)
        except b2.DimensionMismatchError as error:
            raise UnitError(f"{text} has units that do not fit together: {error.desc}") from None
        if dim is not self.dim:
            raise UnitError(f"{text} has the unit {_unit(dim)}, but {self.target_name} has the unit {_unit(self.dim)}")

    def _check_functions(self, text, run_namespace):
        """Raise `ValueError` if the user has a function of the name of one that stands for Brian2 code here."""
        for name in self.replaced:
            known = (self.group.namespace or run_namespace).get(name)
            if isinstance(known, b2.Function) or hasattr(known, "_arg_units"):  # what Brian2 takes for a function
                raise ValueError(f"{text} has another {name} in place of it; give your own function another name")


class Again(b2.BrianObject):
    """Another place in the schedule for the code of a runner, which Brian2 prepares first: it comes earlier in a step."""

    def __init__(self, runner, order):
        super().__init__(clock=runner.clock, when=runner.when, order=order, name=f"{runner.name}_again*")
        self.runner = runner

    def before_run(self, run_namespace):
        self.code_objects[:] = self.runner.code_objects


def _unit(dim):
    return "1" if dim is DIMENSIONLESS else repr(b2.get_unit(dim))
