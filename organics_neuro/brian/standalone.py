"""A C++ program that is compiled once and run many times, with other inputs, parameters and weights."""

import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import brian2 as b2
import numpy as np

from organics_neuro.brian.cuda import require_gpu
from organics_neuro.brian.group import CircuitGroup
from organics_neuro.brian.kernels import get_program
from organics_neuro.brian.kernels.private import DIMENSIONLESS, ArrayVariable, current_device
from organics_neuro.brian.projection import Projection
from organics_neuro.core.boundary import positive_int, shown
from organics_neuro.core.circuits.checks import check_parameter
from organics_neuro.core.operators import as_operator
from organics_neuro.core.units import magnitude


def build(run: bool = True) -> None:
    """Compile what ``run()`` has collected since ``use_device("cpp" or "cuda", build_on_run=False)``, in the directory given there.

    Parameters
    ----------
    run : bool
        Whether to run the program too; not needed before `sweep`.
    """
    device = b2.get_device()
    if device is b2.all_devices["runtime"]:
        raise RuntimeError(
            "there is no program to build; call use_device('cpp', build_on_run=False) before the model is made"
        )
    if run and current_device() == "cuda":
        require_gpu()
    device.build(**{**device.build_options, "run": run})


def run_args(changes: Mapping) -> dict:
    """What Brian2's ``device.run(run_args=...)`` takes, from values as circuits take them.

    Parameters
    ----------
    changes : dict
        New values by what they belong to: ``(group, "z")`` for a variable of a `CircuitGroup`, of shape (units,),
        (trials, units) or one number; a `Projection` for its weights, which must have the kind and the size of those
        that it was built with (a sum: the same kinds of terms in the same order); a `TimedArray` for its values, of
        shape (steps,), (steps, units) or (steps, trials, units) or one number. Other keys go to Brian2 as they are.

    Returns
    -------
    dict

    Raises
    ------
    RuntimeError
        Before Brian2 2.10.1, in which this is not reliable.
    ValueError, TypeError
        For values that do not fit.
    """
    if tuple(int(part) for part in b2.__version__.split(".")[:3]) < (2, 10, 1):
        raise RuntimeError(
            f"to run a program again with other values needs Brian2 2.10.1 or newer (Python 3.12 or newer), but this is Brian2 {b2.__version__}; "
            "upgrade it, or build the program again for each value"
        )
    if not isinstance(changes, Mapping):
        raise TypeError(f"the changes of a run must be a dictionary, got {shown(changes)}")
    result = {}
    for key, value in changes.items():
        if isinstance(key, Projection):
            result.update(_weights(key, value))
        elif isinstance(key, b2.TimedArray):
            result[key] = _values(key, value)
        elif isinstance(key, tuple):
            view, values = _variable(key, value)
            result[view] = values
        else:
            result[key] = value
    return result


def sweep(changes: Sequence[Mapping], read: Callable[[], Any], processes: int = 1) -> list:
    """Run the program that was built once for each of several changes.

    Parameters
    ----------
    changes : sequence of dict
        One for each run, as `run_args` takes them.
    read : callable
        Called without arguments after each run; what it returns is kept: ``lambda: monitor.y[:]``.
    processes : int
        How many runs at the same time. More than one needs an operating system that can fork (not Windows), and
        results that can be pickled.

    Returns
    -------
    list
        What ``read`` returned, one for each run.

    Examples
    --------
    ::

        on.use_device("cpp", build_on_run=False)
        v1 = on.CircuitGroup(circuit)
        network = b2.Network(v1)
        network.run(300*ms)
        build(run=False)
        responses = sweep([{(v1, "z"): z} for z in stimuli], read=lambda: np.array(v1.y[:]))
    """
    positive_int("processes", processes)
    if isinstance(changes, Mapping) or not isinstance(changes, Iterable):
        raise TypeError(f"changes must be a list with a dictionary for each run, got {shown(changes)}")
    device, arguments = b2.get_device(), [run_args(each) for each in changes]
    if device is b2.all_devices["runtime"] or device.project_dir is None:
        raise RuntimeError("there is no program to run; call build(run=False) first")

    def run(k):
        device.run(results_directory=f"results_{k}", run_args=arguments[k])
        return read()

    if processes == 1:
        return [run(k) for k in range(len(arguments))]
    with multiprocessing.get_context("fork").Pool(processes, _remember, (run,)) as pool:
        return pool.map(_run_remembered, range(len(arguments)), chunksize=1)


def _remember(run):
    """In a new process: keep the function, which a fork inherits but which cannot be pickled."""
    global _run
    _run = run


def _run_remembered(k):
    return _run(k)


def _variable(key, value):
    if len(key) != 2 or not isinstance(key[0], CircuitGroup):
        raise TypeError(
            f"a key of run_args is (CircuitGroup, name of a variable), a Projection or a TimedArray, got {shown(key)}"
        )
    group, name = key
    owners = _changeable(group)
    if name not in owners:
        raise ValueError(
            f"{group.name} has no variable {name!r} that a run can be given; those it has are {', '.join(owners)}"
        )
    if name in group.circuit.model.parameters:
        check_parameter(group.circuit.model, name, value)
    view = getattr(owners[name], name)
    return view, group.by_neuron(name, _quantity(f"{group.name}.{name}", value, view.dim), owners[name])


def _changeable(group):
    """The groups that hold the variables of a `CircuitGroup`, by variable, without what is computed, fixed or internal."""

    def changes(name, variable):
        return isinstance(variable, ArrayVariable) and not variable.read_only and not name.startswith("_")

    owners = {**dict.fromkeys(group.variables, group), **group.external}
    return {name: owner for name, owner in owners.items() if changes(name, owner.variables[name])}


def _quantity(name, value, dim=DIMENSIONLESS):
    """Finite numbers with their unit, which is ``dim`` for plain ones."""
    numbers = magnitude(name, np.asarray(value) if isinstance(value, b2.Quantity) else value, "1")
    own = b2.get_dimensions(value)
    return b2.Quantity(numbers, dim=dim if own is DIMENSIONLESS else own)


def _values(timed, value):
    values, given, shape = _quantity(f"the values of {timed.name}", value), np.shape(value), timed.values.shape
    if given == ():
        return values
    if given[0] != shape[0] or values.size != timed.values.size:
        raise ValueError(
            f"the values of {timed.name} have the shape {given}, but must be one number or have the shape {shape}, as those it was built with"
        )
    return values.reshape(shape)


def _weights(projection, value):
    """The arrays that the kernel reads; they and its working memory must be as large as before."""
    old, new = projection.operator, as_operator(value, projection.name)
    program = get_program(new, projection.trials)
    if (program.template, new.shape) != (get_program(old, projection.trials).template, old.shape):
        raise ValueError(
            f"the new weights of {projection.name} are {new!r}, but must be of the kind and shape of {old!r}, and with about "
            "as many weights that are not zero; for others build the program again"
        )
    arrays = {key: np.ravel(array) for key, array in program.arrays.items()}
    for key, size in {**{key: array.size for key, array in arrays.items()}, **program.scratch}.items():
        if size != projection.variables[key].size:
            raise ValueError(
                f"the new weights of {projection.name} have {size} numbers in {key!r}, but the program was built for {projection.variables[key].size}; build it again"
            )
    return {getattr(projection, key): array for key, array in arrays.items()}
