"""`rate_to_current`, `rate_to_conductance`: an output of a circuit as a variable of neurons."""

from __future__ import annotations

from typing import Any

import brian2 as b2
from numpy.typing import ArrayLike

from organics_neuro.brian.projection import Projection
from organics_neuro.brian.spiking.ends import (
    LEAVES,
    as_text,
    check_group,
    delay_of,
    project,
    quantity,
    rectified,
    source_of,
    weights_between,
)
from organics_neuro.brian.spiking.targets import check_target
from organics_neuro.brian.trials import matched
from organics_neuro.brian.types import QuantityLike
from organics_neuro.core.operators import Operator


def rate_to_current(
    group: b2.Group,
    target: b2.Group,
    variable: str = "I_syn",
    gain: Any = 1.0,
    rate: str = "rate_y",
    weights: Operator | ArrayLike | None = None,
    *,
    delay: QuantityLike = 0 * b2.ms,
    name: str = "current*",
) -> Projection:
    """An output of a circuit, times a gain, as a variable of the neurons of another group.

    Parameters
    ----------
    group : CircuitGroup
        Or any group; one that is not a circuit says with `set_trials` how many trials it has.
    target : NeuronGroup
        Its equations declare ``variable`` as a plain variable: ``I_syn : amp``.
    variable : str
        What is written: a current, or any other variable that nothing else sets.
    gain : Quantity or float
        What an output of 1 becomes: ``2*nA``.
    rate : str
        An output (with or without weights), a state, or another variable of ``group``.
    weights : operator or array_like, shape (units of the target, units of the source), optional
        By default each unit reaches the one of the same number, all of its cells if ``set_trials(target, trials, cells)``
        says that it has several.
    delay : Quantity
        In whole steps of the target.
    name : str

    Returns
    -------
    Projection
        To be added to the network.

    Raises
    ------
    ValueError, TypeError, UnitError
        For an unknown output, trials or sizes that do not fit, a variable that there is not or that something else sets,
        units that differ, a delay shorter than a step.

    Notes
    -----
    The output is that of the beginning of the step in which the neurons use it, couplings of the circuit included. The
    clock is that of ``target``: neurons with a finer clock hold what they receive, which is the state at the end of the
    step that the circuit has taken.

    Examples
    --------
    ``on.rate_to_current(v1, hh, variable="I_syn", gain=2*nA)``
    """
    return _couple(group, target, variable, quantity("gain", gain), rate, weights, delay, name)


def rate_to_conductance(
    group: b2.Group,
    target: b2.Group,
    variable: str = "g_syn",
    gain: Any = 1.0,
    rate: str = "rate_y",
    weights: Operator | ArrayLike | None = None,
    *,
    delay: QuantityLike = 0 * b2.ms,
    name: str = "conductance*",
) -> Projection:
    """As `rate_to_current`, for what cannot be negative.

    Parameters
    ----------
    group, target, rate, delay, name :
        As for `rate_to_current`. Negative values of the output count as 0.
    variable : str
        What is written, such as a conductance: ``g_norm : siemens``.
    gain : Quantity or float
        What an output of 1 becomes, not negative: ``100*nS``.
    weights : operator or array_like, shape (units of the target, units of the source), optional
        Not negative.

    Returns
    -------
    Projection
        To be added to the network.

    Raises
    ------
    ValueError, TypeError, UnitError
        As for `rate_to_current`, and for a gain or a weight that is negative.

    Examples
    --------
    ``on.rate_to_conductance(v1, hh, variable="g_norm", gain=100*nS, rate="rate_a")``
    """
    gain = quantity("gain", gain, least=0)
    return _couple(group, target, variable, gain, rate, weights, delay, name, positive=True)


def _couple(group, target, variable, gain, rate, weights, delay, name, positive=False):
    check_group("group", group)
    check_group("target", target)
    source, (ours, theirs) = source_of(group, rate), matched(group, target)
    ours = ours._replace(units=len(source) // (ours.trials * ours.cells))
    dim = gain.dim * source.variables[rate].dim
    check_target(target, variable, dim, f"gain*{rate}")
    if ours.cells > 1:
        raise ValueError(
            f"the source {group.name!r} has {ours.cells} cells for each unit; use spikes_to_rate for their mean"
        )
    operator = weights_between(ours, theirs, weights, (group.name, target.name))
    if positive and not operator.is_nonnegative:
        raise ValueError(f"weights of a conductance must not be negative, but the smallest is {operator.minimum:g}")
    delay = delay_of(f"the coupling of {group.name!r} to {target.name!r}", delay, target)
    text = f"{as_text(gain)}*{rate}"
    text = rectified(text, dim) if positive else text
    return project(source, target, operator, ours.trials, text, variable, LEAVES, delay=delay, name=name)
