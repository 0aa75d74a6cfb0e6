"""`spikes_to_rate`: filtered spikes as an additive drive of a circuit, or as a variable of any group."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.brian.kernels.runner import whole
from organics_neuro.brian.spiking.ends import (
    ARRIVES,
    as_text,
    check_group,
    delay_of,
    in_unit,
    project,
    quantity,
)
from organics_neuro.brian.spiking.targets import place_of
from organics_neuro.brian.trials import Layout, layout_of, matched, split
from organics_neuro.brian.types import QuantityLike
from organics_neuro.core.boundary import known_name
from organics_neuro.core.operators import Operator

#: Each spike adds ``jump`` to a variable. It is such that the sum over the steps that follow is exactly one spike.
_KERNELS = {
    "exp": ("rate", "drate/dt = -rate/tau : hertz", "(1 - exp(-dt/tau))/dt"),
    "alpha": (
        "rising",
        "drate/dt = (rising - rate)/tau : hertz\ndrising/dt = -rising/tau : hertz",
        "(1 - exp(-dt/tau))**2*exp(dt/tau)*tau/dt**2",
    ),
}


class SpikeFilter(b2.Synapses):
    """What `spikes_to_rate` makes: see there. C++ programs know synapses only if they are in the network themselves."""

    def __init__(self, spikes: b2.Group, layout: Layout, kernel: str, tau: b2.Quantity, name: str):
        written, text, jump = _KERNELS[kernel]
        # set before Brian2 takes over attribute access
        self.rates = b2.NeuronGroup(
            layout.trials * layout.units,
            f"{text}\njump = {jump}/{layout.cells} : hertz (shared)\ntau : second (shared, constant)",
            method="exact",
            clock=whole(spikes).clock,
            order=whole(spikes).order,
            name="filtered*",
        )
        vars(self.rates).update(layout._replace(cells=1)._asdict())
        self.rates.variables["tau"].set_value(float(tau))
        super().__init__(spikes, self.rates, on_pre=f"{written}_post += jump_post", clock=self.rates.clock, name=name)
        copies = len(self.rates) * layout.cells // len(spikes)  # more than one for a source that reaches all trials
        unit = f"i//{layout.cells}"
        self.connect(j=f"k*{layout.units} + {unit} for k in range({copies})" if copies > 1 else unit)
        self.contained_objects.append(self.rates)

    def per_trial(self, values: ArrayLike) -> np.ndarray:
        """Values whose first axis is the units of the source, such as ``rates.rate``, as (trials, units, ...)."""
        layout = layout_of(self.rates)
        return split(values, layout.trials, layout.units)


def spikes_to_rate(
    spikes: b2.Group,
    group: b2.Group,
    target: str = "z",
    weights: Operator | ArrayLike | None = None,
    tau: QuantityLike = 10 * b2.ms,
    kernel: str = "exp",
    maximum: QuantityLike = 100 * b2.Hz,
    *,
    gain: Any = 1.0,
    delay: QuantityLike = 0 * b2.ms,
    broadcast: bool = False,
    name: str = "spikefilter*",
) -> SpikeFilter:
    """Spikes, filtered, as a drive of a circuit, which adds to what it has already.

    Parameters
    ----------
    spikes : Group
        What fires: the neurons of `rate_to_spikes`, or any group with a threshold. If it has several trials, and is not
        one of ours, say so with `set_trials`.
    group : CircuitGroup
        Or any other group, whose variable ``target`` is then set.
    target : str
        An input of the circuit, to which the drive is added: its own values, expressions, noise and other sources stay;
        a state of the units that were ``replaced``, which take it as their value; or a plain variable, which is set.
    weights : operator or array_like, shape (units of the target, units of the source), optional
        Of rates divided by ``maximum``. By default each unit drives the one of the same number; for a state that was
        replaced, the units of the source are the replaced ones in their order.
    tau : Quantity
        Time constant of the filter.
    kernel : {"exp", "alpha"}
        exp(-t/tau)/tau, or t exp(-t/tau)/tau². The integral is one spike, at every dt.
    maximum : Quantity
        The rate that counts as 1.
    gain : Quantity or float
        What a rate of ``maximum`` is in the unit of the target, where that has one.
    delay : Quantity
        Of what the spikes do, in whole steps of the target. It is not one of the synapses, for which brian2cuda counts the
        steps of other clocks.
    broadcast : bool
        Whether spikes of one trial reach all trials of the target.
    name : str

    Returns
    -------
    SpikeFilter
        `Synapses`, to be added to the network, and in their attribute ``rates`` the `NeuronGroup` that they write, with one
        neuron for each unit of the source and trial: its variable ``rate`` (hertz) is the estimate of the firing rate, the
        mean over the cells of a unit, without the delay.

    Raises
    ------
    ValueError, TypeError, UnitError
        For a source without spikes, trials, units or sizes that do not fit, a target that there is not or that something
        else sets, a delay shorter than a step.

    Notes
    -----
    A spike at time t (that of its step) is in the filter from the end of the step on, and acts on what the circuit does
    from t + dt on. The filter has the clock of the spikes; a circuit with a coarser one reads it at the beginning of its
    steps, and holds it during them.

    Examples
    --------
    ``drive = on.spikes_to_rate(spikes, v1, tau=5*ms)`` for `rate_to_spikes` of another circuit of as many units.
    """
    check_group("spikes", spikes)
    check_group("group", group)
    if "spike" not in getattr(whole(spikes), "events", {"spike": None}):
        raise ValueError(f"{spikes.name!r} has no threshold, so it never fires; give it one")
    known_name("kernel", kernel, _KERNELS)
    tau = in_unit("tau", tau, 1 * b2.ms, least=0)
    if tau == 0 * b2.ms:
        raise ValueError("tau must be larger than 0, got 0 s")
    maximum = in_unit("maximum", maximum, 1 * b2.Hz, least=0)
    if maximum == 0 * b2.Hz:
        raise ValueError("maximum must be larger than 0, got 0 Hz")
    gain, delay = quantity("gain", gain), delay_of(f"the spikes of {spikes.name!r}", delay, group)
    source, end = matched(spikes, group, broadcast)
    place = place_of(group, target, gain, end)
    operator = place.weights(source, weights, (spikes.name, f"{group.name}.{target}"))
    made = SpikeFilter(spikes, source._replace(trials=end.trials), kernel, tau, name)
    text = f"{as_text(gain)}*rate/({as_text(maximum)})"
    made.contained_objects.append(
        project(
            made.rates,
            place.group,
            operator,
            end.trials,
            text,
            place.take(operator),
            ARRIVES,
            delay=delay,
            name=f"{made.name}_weights",
        )
    )
    return made
