"""`Projection`: a variable of one group is a weighted sum of an expression of another, at every time step."""

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from organics_neuro.brian.functions import define_functions
from organics_neuro.brian.kernels import current_device, get_program
from organics_neuro.brian.kernels.launcher import launch
from organics_neuro.brian.kernels.runner import (
    Again,
    Runner,
    are_variables_ready,
    hold_arrays,
    hold_past,
    target_variable,
    whole,
)
from organics_neuro.brian.kernels.step import adopt
from organics_neuro.brian.trials import layout_of
from organics_neuro.brian.types import QuantityLike
from organics_neuro.core.boundary import positive_int, shown
from organics_neuro.core.delays import delay_steps
from organics_neuro.core.expressions import called
from organics_neuro.core.model import Coupling
from organics_neuro.core.operators import Operator, as_operator
from organics_neuro.core.operators.dense import Dense
from organics_neuro.core.operators.low_rank import LowRank

#: Operators of which each array is one that a kernel reads, and the names of these.
_CHANGEABLE = (Dense, LowRank)
_ARRAYS = ("matrix", "left", "right")


class Projection(b2.Group):
    """``target_variable = weights @ source_expression``, once per time step.

    Does what `Synapses` with a ``(summed)`` variable do, for weights that are given as a matrix or as an operator
    with structure, at a fraction of the time and memory. It works between any two groups, or within one, for the
    NumPy, Cython and C++ standalone targets, and with brian2cuda.

    Parameters
    ----------
    source_group, target_group : Group
        By position, as in `Synapses`: the group (or subgroup) that is read, and the one that is written.
    weights : Operator or array_like, shape (m, n)
        Plain numbers.
    source : str
        What is read: an expression of the source group's variables, as in ``source="y**2"``.
    target : str
        What is written: a plain variable of the target group, with the unit of the expression.
        Nothing else may write it: neither another projection nor a summed variable.
    trials : int, optional
        Independent trials that share the weights: neuron ``b n + j`` of the source is unit j in trial b, and reaches
        trial b of the target only. A `CircuitGroup` knows how many it has; two plain groups have one unless you say so.
    weights_dtype : numpy.float64 or numpy.float32, optional
        Type in which the weights are kept and the product is computed; by default that of the target variable.
        float32 halves the time where reading the weights is what takes it, and leaves the states in double precision.
    delay : Quantity or float
        Seconds after which the source arrives, 0 or a multiple of the step. Before the first step it was what it is then;
        what is on its way stays from run to run, and is stored and restored with the network.
    name : str
        Name of the Brian2 object.

    Notes
    -----
    Projections run in the slot "groups" before the groups update their states, so with ``method="euler"`` all
    right-hand sides see the same instant. Dense weights may be changed between runs, ``projection.matrix = array``, and
    those of low rank, ``projection.left`` and ``projection.right``.

    Raises
    ------
    ValueError, TypeError
        If the sizes or the trials do not fit, or the target variable is missing or cannot be written. A source expression with
        an unknown name, a unit that does not fit or a function of your own called relu or sigmoid is reported when the
        simulation starts.
    NotImplementedError
        When the simulation starts, if something else writes the target variable.
    """

    add_to_magic_network = True  # a Group is not collected by default, and would silently never run
    invalidates_magic_network = True
    again: list[float] = None
    launcher: b2.CodeRunner = None
    runner: Runner = None  # what is in the network; Brian2 takes no attribute that a class does not know

    def __init__(
        self,
        source_group: b2.Group,
        target_group: b2.Group,
        /,
        weights: Operator | ArrayLike,
        *,
        source: str,
        target: str,
        trials: int | None = None,
        weights_dtype: DTypeLike | None = None,
        delay: QuantityLike = 0.0,
        name: str = "projection*",
        _centred: bool = False,
        _launched: bool = True,
    ):
        define_functions()
        operator = as_operator(weights, name)
        _check_groups(source_group, target_group)
        _check_text(source)
        trials = _count_trials(operator, trials, source_group, target_group)
        variable = target_variable(target_group, target)
        dtype = _product_dtype(name, weights_dtype, variable)
        super().__init__(
            clock=target_group.clock,
            when="groups",
            order=min(whole(source_group).order, whole(target_group).order) - 1,
            name=name,
        )
        # strong references: a subgroup that nobody holds would vanish before the run
        self.source_group, self.target_group = source_group, target_group
        self.operator, self.trials = operator, trials
        self.add_dependency(source_group)
        self.add_dependency(target_group)
        program = get_program(operator, trials)
        hold_arrays(self, program, dtype)
        delay = Coupling(target, delay=delay).delay  # checked
        if delay:
            steps = delay_steps(f"the projection {self.name!r}", delay, float(self.clock.dt_), len(source_group))
            hold_past(self, steps, _centred, dtype)
        self.runner, self.again = Runner(self, program, source, target, variable, dtype), []
        adopt(self.runner)
        self.contained_objects.append(self.runner)
        if _launched and current_device() == "cuda":
            launch([self])

    def run_at(self, when: str, order: float) -> None:
        """Take another place in the schedule than the slot "groups", just before the groups."""
        if self.launcher is not None and len(self.launcher.runners) > 1:
            raise NotImplementedError(
                f"{self.name!r} shares its launches on the GPU with other couplings of its group, and cannot run by itself"
            )
        for runner in (self, self.runner, *[self.launcher] * (self.launcher is not None)):
            runner.when, runner.order = when, order

    def repeat(self, order: float) -> None:
        """Run once more in each step, at another place in the slot "groups": the same code on the same arrays."""
        self.again.append(order)
        if current_device() != "cuda":
            self.contained_objects.append(Again(self.runner, order))

    def __setattr__(self, key, value, level=0):
        if are_variables_ready(self) and key in (*self.variables, *_ARRAYS):
            value = self._new_weights(key, value)
        super().__setattr__(key, value, level=level + 1)

    def _new_weights(self, key, value):
        known = self.operator.arrays() if type(self.operator) in _CHANGEABLE else {}
        if key not in known or key not in self.variables:
            raise TypeError(
                f"the weights of {self.name!r} are {self.operator!r}; between runs only those of Dense can be changed, "
                f"by {self.name}.matrix = array, and those of LowRank, by {self.name}.left or {self.name}.right"
            )
        shape = np.shape(value)
        if shape != known[key].shape and (*shape, 1) != known[key].shape:
            raise ValueError(f"{self.name}.{key} has shape {known[key].shape}, got an array of shape {shape}")
        changed = type(self.operator).from_arrays({**known, key: value})
        return np.ravel(get_program(changed, self.trials).arrays[key]).astype(self.variables[key].dtype)

    def __repr__(self):
        return f"<Projection {self.name!r}: {self.source_group.name} -> {self.target_group.name}, {self.operator!r}, {self.trials} trials>"


def _check_groups(*groups):
    for which, group in zip(("source", "target"), groups, strict=True):
        if not isinstance(group, b2.Group) or not hasattr(group, "__len__"):
            raise TypeError(f"the {which} of a projection must be a group of neurons, got {shown(group)}")


def _check_text(source):
    if not isinstance(source, str):
        raise TypeError(f"source must be an expression such as 'y**2', got {shown(source)}")
    called(source)  # reads it


def _count_trials(operator, given, source, target):
    """The trials that a projection keeps apart: those that the groups know, else those given, else one."""
    trials = None if given is None else positive_int("trials", given)
    for which, group in (("source", source), ("target", target)):
        layout = layout_of(group)
        own = layout and layout.trials
        if own is not None and trials not in (None, own):
            other = f"trials={given}" if given is not None else f"{trials} in the source {source.name!r}"
            raise ValueError(
                f"the {which} {group.name!r} has {own} trials, but there are {other}; both ends of a projection must have the same trials"
            )
        trials = own if trials is None else trials
    trials = trials or 1
    (m, n), sources, targets = operator.shape, len(source), len(target)
    if (sources, targets) != (n * trials, m * trials):
        several = sources // n
        fits = given is None and several > 1 and (sources, targets) == (n * several, m * several)
        hint = f"; if these are {several} trials, say trials={several}" if fits else ""
        raise ValueError(
            f"weights of shape {operator.shape} do not fit: the source {source.name!r} has {sources} neurons and the target "
            f"{target.name!r} has {targets}; for trials={trials} they must be {n * trials} and {m * trials}{hint}"
        )
    return trials


def _product_dtype(name, given, variable):
    if given is None:
        return variable.dtype
    if given not in (np.float32, np.float64, "float32", "float64"):
        raise ValueError(f"weights_dtype of {name!r} must be numpy.float32 or numpy.float64, got {shown(given)}")
    return np.dtype(given)
