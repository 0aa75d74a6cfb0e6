"""A step in one piece of code: in C++ the state update of a group brings the projections within the group that come before it.

One call takes the place of one for each projection and one for the states, and the weights are read forwards and backwards
in turn. The projections move to the place of the state update, so nothing that runs in between may read what they write
or write what they read; where something may, each keeps its own code.
"""

from collections.abc import Iterator, Sequence

import brian2 as b2
from brian2.codegen.translation import analyse_identifiers
from brian2.core.variables import ArrayVariable, Variable, Variables
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.groups.neurongroup import StateUpdater

from organics_neuro.brian.kernels import frames
from organics_neuro.brian.kernels.private import current_device
from organics_neuro.brian.kernels.program import add_template
from organics_neuro.brian.kernels.runner import Again, Runner, whole


class WholeStep(StateUpdater):
    """A state update that may run projections before it; ``brought`` are those of the last run that was prepared."""

    brought: Sequence[Runner] = ()

    def update_abstract_code(self, run_namespace):
        super().update_abstract_code(run_namespace)
        self.variables, self.needed_variables = Variables(self), []
        self.template, self.template_kwds = "stateupdate", None
        self.brought = self.together()
        if self.brought:
            self._take(self.brought)

    def together(self) -> list[Runner]:
        """The projections that run as one with the state update, in their order: in each network that holds it the same ones."""
        method = self.method_choice
        if not self.active or (isinstance(method, str) and method.startswith("gsl")):
            return []
        if not self.group.equations.diff_eq_names:
            return []
        schedules = (network.sorted_objects for network in _networks())
        found = [list(_before(self, objects)) for objects in schedules if self in objects]
        return found[0][::-1] if found and all(each == found[0] for each in found) else []

    def _take(self, runners):
        """Code, variables and template of these projections and of the state update."""
        code, user_code = {"update": self.abstract_code}, {"update": self.user_code}
        parts, kwds = [], {}
        for k, runner in enumerate(runners):
            suffix = f"_{k}"
            code[f"source{suffix}"] = user_code[f"source{suffix}"] = runner.source_code(suffix)
            parts.append(runner.part.named(suffix))
            kwds |= {key + suffix: value for key, value in runner.template_kwds.items()}
            for name, variable in runner.variables.items():
                self._share(name + suffix, variable, runner.variables.indices[name])
            self.needed_variables += [name + suffix for name in runner.needed_variables]
        turns = not any(first.target_var in reads(other) for first in runners for other in runners)
        names = [runner.template.removeprefix("organics_projection") for runner in runners]
        self.template = "_".join(["organics_step", *["turns"] * turns, *names])
        self.abstract_code, self.user_code, self.template_kwds = code, user_code, kwds
        add_template(CPPStandaloneCodeObject, self.template, lambda: frames.cpp(parts, update=True, turns=turns))

    def _share(self, name, variable, index):
        self.variables._variables[name] = variable
        self.variables.indices[name] = index


def adopt(runner: Runner) -> None:
    """Let the state update of a projection's target be one that may bring it, in C++."""
    updater = getattr(whole(runner.target), "state_updater", None)
    if current_device() != "cpp" or not isinstance(updater, StateUpdater):
        return
    if type(updater) is StateUpdater:
        updater.__class__ = WholeStep
    runner.update = updater if isinstance(updater, WholeStep) else None


def _networks():
    return (network for reference in b2.Network.__instances__() if (network := reference()) is not None)


def _before(updater: StateUpdater, objects: Sequence[b2.BrianObject]) -> Iterator[Runner]:
    """From the last one on, the projections that can move to the place of a state update."""
    again = {each.runner for each in objects if isinstance(each, Again)}
    passed = []
    for each in reversed(objects[: objects.index(updater)]):
        if each.when != updater.when or not each.active or _is_inert(each):
            continue
        if not isinstance(each, b2.CodeRunner):
            return
        if not _is_within(each, updater) or each in again:
            passed.append(each)
        elif all(_commute(each, other) for other in passed):
            yield each
        else:
            return


def _is_inert(each):
    """Whether an object has no code of its own in a program: what a projection does, its runner does."""
    return not isinstance(each, Again) and isinstance(getattr(each, "runner", None), Runner)


def _is_within(each, updater):
    """Whether it is a projection from the group of a state update to the same group, by its clock."""
    if not isinstance(each, Runner) or each.clock is not updater.clock:
        return False
    group = updater.group.name
    return each.group.name == group and each.target.name == group


def _commute(runner, other):
    """Whether a projection may run after other code in place of before it."""
    if isinstance(other, Runner):
        return other.target_var not in reads(runner) and runner.target_var not in reads(other)
    theirs = other.group.variables
    touched = {id(variable) for variable in theirs.values()}
    if id(runner.target_var) in touched:
        return False
    if isinstance(other, StateUpdater):  # writes what its group owns, not what it links to
        return not any(getattr(each, "owner", None) is theirs.owner for each in reads(runner))
    return not any(id(variable) in touched for variable in reads(runner))


def reads(runner: Runner) -> set[Variable]:
    """The variables that the source expression of a projection depends on, without those that nothing in a step changes."""
    variables = whole(runner.group).variables
    known = analyse_identifiers(runner.source_code(), variables, recursive=True)[1]
    found = (variables[name] for name in known if name in variables)
    return {variable for variable in found if isinstance(variable, ArrayVariable) and not variable.read_only}
