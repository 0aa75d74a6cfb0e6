"""`lfp`: a field potential, from what drives the units of a circuit."""

from __future__ import annotations

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.brian.assembly import read_out
from organics_neuro.brian.group import CircuitGroup
from organics_neuro.brian.trials import set_trials
from organics_neuro.core.boundary import shown
from organics_neuro.core.drives import drives
from organics_neuro.core.expressions import dimension
from organics_neuro.core.expressions.dimensions import unit_text
from organics_neuro.core.operators import Operator, as_operator


def lfp(
    group: CircuitGroup,
    weights: Operator | ArrayLike | None = None,
    source: str | None = None,
    *,
    state: str | None = None,
    name: str = "lfp*",
) -> b2.NeuronGroup:
    """A field potential: the weighted sum of the absolute synaptic drives of the units.

    Excitation and inhibition both add to it, as the sum of the absolute synaptic currents of pyramidal neurons does that
    Mazzoni et al. (2015) found to follow the field potential of a network best.

    Parameters
    ----------
    group : CircuitGroup
    weights : operator or array_like, shape (channels, units), optional
        By default one channel, the mean over the units.
    source : str, optional
        What each unit adds: an expression of states, inputs, parameters and couplings. By default the sum of the
        absolute values of the terms that drive ``state``, without its leak: ``abs(b*z) + abs((1 -
        sqrt(relu(a)))*recurrent)`` for the model "two_type".
    state : str, optional
        The first state by default.
    name : str

    Returns
    -------
    NeuronGroup
        To be added to the network: trials × channels neurons with the variable ``lfp``. Like outputs with weights it is
        that of the beginning of the step, when monitors record, and takes what it reads of couplings as it was in the
        last step.

    Raises
    ------
    ValueError, TypeError
        For a group that is no circuit, weights that do not fit, a state whose drives are not known.

    References
    ----------
    A. Mazzoni, H. Lindén, H. Cuntz, A. Lansner, S. Panzeri, G. T. Einevoll, Computing the local field potential (LFP) from
    integrate-and-fire network models, PLoS Computational Biology 11, e1004584, 2015
    """
    if not isinstance(group, CircuitGroup):
        raise TypeError(f"group must be a CircuitGroup, got {shown(group)}")
    model = group.circuit.model
    text = drives(model, model.states[0] if state is None else state) if source is None else source
    unit = unit_text(dimension(text, model.units))
    operator = as_operator(np.full((1, group.units), 1 / group.units) if weights is None else weights, "lfp")
    if operator.shape[1] != group.units:
        raise ValueError(
            f"weights of shape {operator.shape} do not fit: they must have one column for each of the {group.units} units"
        )
    made = b2.NeuronGroup(
        operator.shape[0] * group.trials, f"lfp : {unit}", clock=group.clock, order=group.order, name=name
    )
    made.contained_objects.append(read_out(group, made, operator, text, "lfp", f"{made.name}_weights"))
    return set_trials(made, group.trials)
