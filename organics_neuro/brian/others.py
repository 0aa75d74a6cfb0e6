"""What the engines record of groups that stand beside a circuit: firing rates, and other variables."""

from collections.abc import Sequence

import brian2 as b2
import numpy as np

from organics_neuro.brian.trials import Layout, layout_of
from organics_neuro.core.boundary import known_name
from organics_neuro.core.names import FIRING_RATE, Name


class Others:
    """Monitors of groups of a network, which they are added to.

    Parameters
    ----------
    network : Network
    names : sequence of str
        ``"group.firing_rate"``, or ``"group.variable"``.
    trials : int
        That each of the groups must have.
    every : int or None
        Steps from one sample to the next; None for one sample at the end.
    dt : float
        Of the samples, in seconds.

    Raises
    ------
    ValueError
        For a group or a variable that there is not, a group that never fires or that has other trials.
    """

    def __init__(self, network: b2.Network, names: Sequence[str], trials: int, every: int | None, dt: float):
        self.every, self.dt, self.monitors = every, dt, {}
        known = {
            each.name: each
            for each in network.sorted_objects
            if isinstance(each, b2.Group) and hasattr(each, "__len__")
        }
        for name in map(Name.parse, names):
            group = known[known_name("group in measure", name.population, known)]
            layout = layout_of(group) or Layout(1, len(group))
            if layout.trials != trials:
                raise ValueError(
                    f"the group {group.name!r} has {layout.trials} trials, but the run {trials}; say "
                    f"set_trials({group.name}, trials) in the function that builds the network"
                )
            if name.variable == FIRING_RATE and "spike" not in getattr(group, "events", {"spike": None}):
                raise ValueError(f"{group.name!r} has no threshold, so it never fires; measure one of its variables")
            monitor = self._monitor(group, name.variable)
            network.add(monitor)
            self.monitors[name] = group, layout, monitor

    def _monitor(self, group: b2.Group, variable: str) -> b2.Group:
        if variable == FIRING_RATE:
            return b2.SpikeMonitor(group)
        readable = [name for name, each in group.variables.items() if not name.startswith("_") and hasattr(each, "dim")]
        known_name(f"variable of {group.name!r} in measure", variable, readable)
        # without samples in between, the monitor serves the last value alone
        clock = {} if self.every is None else {"dt": self.every * self.dt * b2.second}
        return b2.StateMonitor(group, variable, record=True, **clock)

    def samples(self, steps: int) -> dict[str, np.ndarray]:
        """By name, (samples, trials, units): the mean over the cells of a unit, firing rates in Hz, others in SI units."""
        return {name: self._samples(name, *found, steps) for name, found in self.monitors.items()}

    def _samples(self, name, group, layout, monitor, steps):
        every = steps if self.every is None else self.every
        if name.variable == FIRING_RATE:
            values = _counts(monitor, layout, every, self.dt, steps // every) / (every * self.dt)
            # nothing has fired before the first sample
            return values if self.every is None else np.concatenate([np.zeros_like(values[:1]), values])
        end = np.array(getattr(group, f"{name.variable}_")[:])[None]
        values = np.array(getattr(monitor, f"{name.variable}_")).T if self.every is not None else end[:0]
        values = np.concatenate([values, end]) if steps % every == 0 else values
        return values.reshape(-1, *layout).mean(axis=-1)


def _counts(monitor, layout, every, dt, bins):
    """Spikes between samples, (bins, trials, units): the mean over the cells of a unit."""
    # times are whole steps, and those of a finer clock belong to the step that they are in
    step = np.floor(np.asarray(monitor.t) / dt + 1e-6).astype(int)
    unit = np.asarray(monitor.i) // layout.cells
    inside = step // every < bins
    units = layout.trials * layout.units
    flat = (step[inside] // every) * units + unit[inside]
    counts = np.bincount(flat, minlength=bins * units).reshape(bins, layout.trials, layout.units)
    return counts / layout.cells
