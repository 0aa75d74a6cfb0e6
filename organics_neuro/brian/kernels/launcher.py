"""What runs the kernels of projections on CUDA: those of one source and one place in the schedule together."""

import ast
from collections.abc import Sequence

import brian2 as b2
import numpy as np
from brian2.core.variables import ArrayVariable, Subexpression, Variables

from organics_neuro.brian.kernels.launches import Coupling, add_launches
from organics_neuro.brian.kernels.runner import Again, whole

#: Functions that cost no more than reading a number, and the largest power that is written as a product.
_CHEAP, _POWER = {"abs", "clip"}, 4


def launch(projections: Sequence[b2.Group]) -> None:
    """Give projections what runs their kernels, and runs them again where they say so.

    None of those that run at the same time may read what another one writes.
    """
    together = {}
    for projection in projections:
        place = (id(projection.source_group), id(projection.clock), projection.when, projection.order)
        together.setdefault((*place, *projection.again), []).append(projection)
    for group in together.values():
        launcher = Launcher(group)
        for projection in group:
            projection.launcher = launcher
        group[0].contained_objects.extend([launcher, *(Again(launcher, order) for order in group[0].again)])


class Launcher(b2.CodeRunner):
    """Evaluates the source expressions of projections and applies their weights, in as few launches as there can be."""

    def __init__(self, projections: Sequence[b2.Group]):
        lead = projections[0]
        super().__init__(
            group=lead.source_group,
            template=None,  # below: its variables need the name
            clock=lead.clock,
            when=lead.when,
            order=lead.order,
            name=f"{lead.name}_launches*",
            check_units=False,  # the runners do
        )
        self.runners = [projection.runner for projection in projections]
        self.variables, self.template_kwds, couplings, code = Variables(self), {}, [], []
        for k, projection in enumerate(projections):
            expression = with_products(projection.runner.expression)
            code.append(f"_source_{k} = {expression}")
            couplings.append(_coupling(f"_{k}", projection, expression, self.variables))
            self.template_kwds |= {f"_{key}_{k}": value for key, value in projection.runner.sizes.items()}
        self.template, self.abstract_code = add_launches(couplings), "\n".join(code)
        self.needed_variables = [name for name in self.variables if not name.startswith("_source")]

    def update_abstract_code(self, run_namespace):
        for runner in self.runners:
            runner.update_abstract_code(run_namespace)


def _coupling(mark, projection, expression, variables):
    """The `Coupling` of a projection, whose variables are added to those of a launcher."""
    runner, source, start = projection.runner, projection.source_group, None
    dtype, converted = runner.dtype, runner.dtype != runner.target_var.dtype
    library = any(call.kernel.library for call in runner.calls)
    delayed = "past" in projection.variables
    variables.add_auxiliary_variable(f"_source{mark}", dtype=dtype)
    variables.add_reference(f"_target{mark}", projection.target_group, runner.target_var.name, index="_idx")
    for key in projection.variables:
        if key != "N":
            variables.add_reference(f"_w{mark}_{key}", projection, key, index="_idx")
    if converted and library:
        variables.add_array(f"_product{mark}", size=runner.sizes["m"] * projection.trials, dtype=dtype, index="_idx")
    often = not all(call.kernel.reads_once for call in runner.calls)
    if library and not delayed:
        start = _start_of_variable(source, expression, dtype)
    buffered = delayed or (start is None and (library or (often and not is_cheap(source, expression))))
    if buffered:
        variables.add_array(f"_buffer{mark}", size=len(source), dtype=dtype, index="_idx")
    return Coupling(
        mark,
        runner.calls,
        real="float" if dtype == np.float32 else "double",
        buffer=f"_buffer{mark}" if buffered else None,
        read=None if start is None else (expression, start),
        delayed=delayed,
        converted=converted,
    )


def _start_of_variable(group, expression, dtype):
    """Where the source begins in the memory of a variable that is all of the source expression; else None."""
    variable = group.variables.get(expression) if expression.isidentifier() else None
    if not isinstance(variable, ArrayVariable) or variable.scalar or variable.dtype != dtype:
        return None
    start = getattr(group, "start", 0)
    own = getattr(variable.owner, "name", None) == whole(group).name and variable.size >= start + len(group)
    own = own and start % 2 == 0  # cuFFT wants whole complex numbers
    return start if own and group.variables.indices[expression] in ("_idx", "_sub_idx") else None


def is_cheap(group: b2.Group, expression: str) -> bool:
    """Whether a source expression may be evaluated each time that it is read."""
    for node in ast.walk(ast.parse(expression, mode="eval")):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) not in _CHEAP:
            return False
        if isinstance(node, ast.Pow | ast.Mod | ast.FloorDiv):
            return False
        variable = group.variables.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(variable, Subexpression) and not is_cheap(group, variable.expr):
            return False
    return True


def with_products(expression: str) -> str:
    """The expression with products for small powers of what is cheap: pow() takes a hundred instructions."""
    return ast.unparse(_Products().visit(ast.parse(expression, mode="eval")))


class _Products(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        calls = {getattr(each.func, "id", None) for each in ast.walk(node.left) if isinstance(each, ast.Call)}
        power = getattr(node.right, "value", None)
        if not isinstance(node.op, ast.Pow) or power not in range(2, _POWER + 1) or not calls <= _CHEAP:
            return node
        product = node.left
        for _ in range(int(power) - 1):
            product = ast.BinOp(product, ast.Mult(), node.left)
        return product
