"""What Brian2 measured of a run with ``profile=True``: seconds of each object, and how often it ran."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import brian2 as b2
from brian2.core.base import BrianObject
from brian2.groups.neurongroup import Resetter, StateUpdater, Thresholder
from brian2.spatialneuron.spatialneuron import SpatialStateUpdater
from brian2.synapses.synapses import SummedVariableUpdater, SynapticPathway

from organics_neuro.brian.kernels.private import current_device
from organics_neuro.brian.kernels.runner import Again, Runner
from organics_neuro.brian.kernels.step import WholeStep

#: By the name of a kind: classes of objects.
_KINDS = {
    "synapses": (SummedVariableUpdater, SynapticPathway, b2.Synapses),
    "state update": (StateUpdater, SpatialStateUpdater),
    "monitor": (b2.StateMonitor, b2.EventMonitor, b2.PopulationRateMonitor),
    "spikes": (Thresholder, Resetter),
    "Python": (b2.NetworkOperation,),
}
#: What Brian2 appends to the name of an object for its code; with a number from the second run on.
_CODE = re.compile(r"_codeobject(_\d+)?$")
#: What a program does for a network: clear it, add an object, run.
_ADDED, _RUN = re.compile(r"\.add\(&(\w+), _run_(\w+)\);"), re.compile(r"\.run\(([^,]+),")


@dataclass(frozen=True)
class Timing:
    """One object, with all places that it has in a step.

    Parameters
    ----------
    name, kind : str
    seconds : float
        In all steps that were profiled.
    calls : float or None
        How often it ran; None where that is not known.
    belongs_to : str
        The projection of a coupling, the group of a state update.
    is_summed : bool
        Whether it is a summed variable of synapses.
    """

    name: str
    kind: str
    seconds: float
    calls: float | None
    belongs_to: str
    is_summed: bool


def timings(network: b2.Network) -> tuple[list[Timing], int | None]:
    """What was measured, and the number of steps (of the finest clock); None where that is not known.

    Raises
    ------
    ValueError
        If nothing was: Brian2's own error, without a remedy.
    """
    objects = {each.name: each for each in objects_of(network)}
    seconds = {key: float(value) for key, value in _measured(network)}
    if current_device() == "runtime":
        calls, steps = _calls(objects)
    else:
        calls, steps = _planned(network, objects)
        # a network shares the file with other networks and with what sets variables before a run
        seconds = {key: value for key, value in seconds.items() if key in calls}
        owners = {code.name: name for name, each in objects.items() for code in each.code_objects}
        seconds, calls = _by_owner(seconds, owners), _by_owner(calls, owners)
    return _joined(objects, seconds, calls), steps


def objects_of(network: b2.Network) -> list[BrianObject]:
    """All objects of a network. The one that collects objects by itself forgets them after a run; they remember it."""
    found = list(network.sorted_objects)
    waiting = [] if found else [ref() for ref in BrianObject.__instances__()]
    waiting = [each for each in waiting if each is not None and each._network == network.id]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].contained_objects
    return list({each.name: each for each in found}.values())


def _measured(network):
    try:
        return network.profiling_info
    except (TypeError, OSError) as error:  # of a program that was not built
        raise ValueError("the program was not run") from error


def _by_owner(values, owners):
    """Values of code objects as those of what they belong to: from the second run on, an object has several."""
    total = defaultdict(float)
    for code, value in values.items():
        total[owners.get(code, _CODE.sub("", code))] += value
    return dict(total)


def _calls(objects):
    """In Python: every object ran once in each step of its clock since the last run began, as a runner noted."""
    began = next((each.began for each in objects.values() if isinstance(each, Runner) and each.began), None)
    if began is None:
        return {}, None
    clock, first = began
    duration = (int(clock.variables["timestep"].get_value().item()) - first) * clock.dt_
    if duration <= 0:  # the network was restored to an earlier time
        return {}, None
    calls = {name: _ticks(each.clock, duration) for name, each in objects.items()}
    return calls, max(calls.values())


def _ticks(clock, duration):
    """Steps of a clock; 0 for one whose events have no common distance (from Brian2 2.11 on)."""
    dt = getattr(clock, "dt_", None)
    return round(duration / dt) if dt else 0


def _planned(network, objects):
    """In a program: how often each code object runs, from the lines that add it to the network and run that."""
    clocks = {each.clock.name: each.clock for each in objects.values()}
    device, calls, steps = b2.get_device(), Counter(), 0
    profiled = set(device.profiled_codeobjects)
    for what, arguments in device.main_queue:
        if what != "run_network" or arguments[0] is not network:
            continue
        text = "\n".join(arguments[1])
        added = [(clock, code) for clock, code in _ADDED.findall(text) if code in profiled]
        duration = float(_RUN.search(text)[1])
        for clock, code in added:
            calls[code] += _ticks(clocks[clock], duration)
        if added:
            steps += max(_ticks(clock, duration) for clock in clocks.values())
    return calls, steps or None


def _joined(objects, seconds, calls):
    """Timings by name; what a projection does again in a step counts for it, and what does nothing is left out."""
    found = {}
    for name, value in seconds.items():
        each = objects.get(name)
        if each is not None and not each.code_objects and type(each).run is BrianObject.run:
            continue
        first = each.runner if isinstance(each, Again) else each
        kind, belongs_to = _kind(name, first, objects)
        label = belongs_to if kind == "coupling" else name
        before = found.get(label)
        count = calls.get(name)
        if before is not None:
            value += before.seconds
            count = None if count is None or before.calls is None else count + before.calls
        summed = kind == "synapses" and isinstance(first, SummedVariableUpdater)
        found[label] = Timing(label, kind, value, count, belongs_to, summed)
    return list(found.values())


def _kind(name, each, objects):
    """What an object does, and what it belongs to."""
    if isinstance(each, Runner):
        return "coupling", each.projection
    if isinstance(each, WholeStep) and each.brought:
        return "step", each.group.name
    of_group = [other for other, o in objects.items() if isinstance(o, b2.NeuronGroup) and name.startswith(f"{other}_")]
    owner = max(of_group, key=len, default=getattr(getattr(each, "group", None), "name", name))
    rest = name.removeprefix(f"{owner}_") if of_group else ""
    if re.match(r"stage_\d", rest):
        return "state update", owner
    return next((kind for kind, classes in _KINDS.items() if isinstance(each, classes)), "other"), owner
