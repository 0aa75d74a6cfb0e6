"""`within_trials`: synapses between neurons of the same trial only."""

from __future__ import annotations

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.brian.kernels.private import word_substitute
from organics_neuro.brian.spiking.ends import unit_name
from organics_neuro.brian.trials import matched
from organics_neuro.core.boundary import probability, shown
from organics_neuro.core.errors import UnitError
from organics_neuro.core.operators import Operator, as_operator


def within_trials(
    synapses: b2.Synapses,
    p: float | None = None,
    j: str | None = None,
    weights: Operator | ArrayLike | b2.Quantity | None = None,
    *,
    variable: str = "w",
    broadcast: bool = False,
    skip_if_invalid: bool = False,
) -> b2.Synapses:
    """Connect the neurons of each trial with those of the same trial, and with no others.

    Give one of ``p``, ``j`` and ``weights``; without any, all neurons of a trial are connected with all.

    Parameters
    ----------
    synapses : Synapses
        Between groups that know their trials (`CircuitGroup`, `rate_to_spikes`, `set_trials`).
    p : float
        Probability of each connection, drawn anew in each trial.
    j : str
        As in ``Synapses.connect(j=...)``, for one trial: ``i`` and the result count its neurons from 0, ``N_pre`` and
        ``N_post`` are how many it has. ``j="i"``, ``j="k for k in range(i - 1, i + 2) if k != i"``.
    weights : operator, array_like or Quantity, shape (neurons of a target's trial, neurons of a source's trial)
        A synapse where a weight is not 0, which becomes its ``variable``, in every trial.
    variable : str
        Variable of the synapses for ``weights``, of their unit.
    broadcast : bool
        Whether a source of one trial reaches all trials of the target.
    skip_if_invalid : bool
        Whether a ``j`` outside of the trial is left out; otherwise Brian2 refuses it.

    Returns
    -------
    Synapses
        The same.

    Raises
    ------
    ValueError, TypeError, UnitError
        If trials, sizes or units do not fit, or more than one way to connect is given.

    Examples
    --------
    ``on.within_trials(b2.Synapses(lif, lif, on_pre="v_post += 0.1"), p=0.1)``
    """
    if not isinstance(synapses, b2.Synapses):
        raise TypeError(f"synapses must be brian2.Synapses, got {shown(synapses)}")
    given = [key for key, value in {"p": p, "j": j, "weights": weights}.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"give one of p, j and weights, got {' and '.join(given)}")
    source, target = matched(synapses.source, synapses.target, broadcast)
    n, m, copies = source.per_trial, target.per_trial, target.trials // source.trials
    if weights is not None:
        _by_weights(synapses, weights, variable, n, m, source.trials, copies)
        return synapses
    if j is not None and copies > 1:
        raise ValueError("j cannot be given with broadcast=True; give weights instead")
    if j is None:
        chance = probability("p", 1.0 if p is None else p)
        first = f"(i//{n})*{m}"  # 0 for a source of one trial, which reaches all of them
        span = f"{first}, {first} + {m * copies}"
        j = f"k for k in range({span})" if chance == 1 else f"k for k in sample({span}, p={chance!r})"
    else:
        j = _in_trial(j, n, m)
    synapses.connect(j=j, skip_if_invalid=skip_if_invalid)
    return synapses


def _in_trial(text: str, n: int, m: int) -> str:
    """``text``, which counts the neurons of one trial, as one that counts those of all trials.

    A result outside of the trial becomes -1, which Brian2 refuses or skips as any index that there is not.
    """
    if not isinstance(text, str):
        raise TypeError(f"j must be a text such as 'i', got {shown(text)}")
    inner = word_substitute(text, {"i": f"(i % {n})", "N_pre": str(n), "N_post": str(m)})
    result, loop, rest = inner.partition(" for ")
    inside = f"int(({result}) >= 0)*int(({result}) < {m})"
    return f"{inside}*((i//{n})*{m} + ({result}) + 1) - 1{loop}{rest}"


def _by_weights(synapses, weights, variable, n, m, trials, copies):
    unit = b2.get_dimensions(weights) if isinstance(weights, b2.Quantity) else None
    matrix = as_operator(np.asarray(weights) if unit is not None else weights, synapses.name).to_dense()
    if matrix.shape != (m, n):
        raise ValueError(
            f"weights have shape {matrix.shape}, but a trial of the target {synapses.target.name!r} has {m} neurons and one of "
            f"the source {synapses.source.name!r} has {n}: they must have ({m}, {n})"
        )
    if variable not in synapses.variables:
        raise ValueError(
            f"{synapses.name!r} has no variable {variable!r} for the weights; add '{variable} : 1' to its model"
        )
    own = synapses.variables[variable].dim
    if unit is not None and unit is not own:
        raise UnitError(f"weights have the unit {unit_name(unit)}, but {synapses.name}.{variable} has {unit_name(own)}")
    post, pre = np.nonzero(matrix)
    offsets = np.arange(trials * copies)[:, None]
    sources = (pre + n * (offsets // copies)).ravel()
    synapses.connect(i=sources, j=(post + m * offsets).ravel())
    setattr(synapses, f"{variable}_", np.tile(matrix[post, pre], trials * copies))
