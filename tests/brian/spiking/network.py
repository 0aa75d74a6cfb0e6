"""One network with every coupling, so that each target needs one program: what it records, for the tests beside it."""

import brian2 as b2
import numpy as np
from brian2 import Hz, ms

import organics_neuro as on
from organics_neuro.brian import build
from tests.brian.conftest import run_on

DT, STEPS, TRIALS, UNITS, CELLS = 1 * ms, 600, 2, 3, 40
MAXIMUM, DEAD, CORRELATION = 50 * Hz, 6 * ms, 0.3

#: x counts steps; q adds up the input as the equations read it, p is the input as the own coupling read it a step ago.
COUNTER = on.CircuitModel(
    "counter",
    """
    dx/dt = speed : 1
    dq/dt = speed*z : 1
    dp/dt = speed*(c - p) : 1
    z : 1
    c : 1
    speed : hertz
    """,
    couplings=[on.Coupling("c", "W", "z", default="identity")],
    parameters={"speed": 1e3},
    outputs={"rate_x": "x", "rate_c": "c"},
)
#: Constant rates, and a population that has all of them.
CONSTANT = on.CircuitModel(
    "constant",
    "dr/dt = (level - r)/tau_r : 1\nlevel : 1\ntau_r : second",
    parameters={"tau_r": 1e-3},
    outputs={"rate_r": "r", "both_signs": "1 - 2*r", "mixed": on.Output("W_mix", "r")},
)
MIXING = np.array([[1.0, 0.5, 0.0], [0.0, 0.0, 0.25]])
RATES = np.array([[0.2, 0.4, 0.8], [0.1, 0.5, 1.0]])
#: What reaches which neuron of a trial, two for each unit.
WEIGHTS = np.arange(18.0).reshape(6, 3) - 4


def neurons(count, name, threshold="v > 4.5 and v < 5.5", trials=1, cells=1):
    """Neurons whose v is the current of the last step; they fire when it is 5."""
    text = "dv/dt = (current - v)/(1*ms) : 1\ncurrent : 1"
    return on.set_trials(
        b2.NeuronGroup(count, text, threshold=threshold, reset="", method="euler", dt=DT, name=name), trials, cells
    )


def loop(first, second):
    """A counter that drives neurons, whose spikes drive it; names begin with ``first`` and ``second``."""
    circuit = on.CircuitGroup(on.Circuit(COUNTER, size=1), dt=DT, name=f"{first}_counter")
    circuit.z = 0.5
    fast, late = (neurons(1, f"{second}_{kind}") for kind in ("neurons", "late"))
    objects = [
        circuit,
        fast,
        late,
        on.rate_to_current(circuit, fast, "current", rate="rate_x"),
        on.rate_to_current(circuit, late, "current", rate="rate_x", delay=3 * DT),
        # a filter that forgets nothing: the drive is 2 from the first spike on
        on.spikes_to_rate(fast, circuit, tau=1e6 * ms, gain=2e3, maximum=1 * Hz, name=f"{second}_filter"),
        on.lfp(circuit, source="x"),
        b2.StateMonitor(circuit, ["x", "q", "p"], record=True),
        b2.StateMonitor(fast, "v", record=True, name=f"{second}_v"),
        b2.StateMonitor(late, "v", record=True, name=f"{second}_late_v"),
        b2.SpikeMonitor(fast, name=f"{second}_spikes"),
    ]
    slow = on.spikes_to_rate(late, circuit, tau=1e6 * ms, gain=2e3, maximum=1 * Hz, delay=4 * DT)
    return [*objects, slow, b2.StateMonitor(objects[6], "lfp", record=True)]


def read_loop(objects):
    states, v, late, spikes, potential = (objects[k] for k in (7, 8, 9, 10, -1))
    found = {name: np.array(getattr(states, name)[0]) for name in ("x", "q", "p")}
    found |= {"v": np.array(v.v[0]), "late": np.array(late.v[0]), "lfp": np.array(potential.lfp[0])}
    return found | {"spike": np.array(spikes.t / DT)}


def run(target, folder):
    """All that is recorded on one target: all couplings with NumPy, one of each kind where code has to be compiled."""
    full, compiled = target == "numpy", target in ("cpp", "cuda")
    if compiled:
        on.use_device(target, directory=str(folder), build_on_run=False)
    else:
        run_on(target)
    b2.seed(7)
    loops = [loop(*names) for names in ("ab", "ba")[: 1 + full]]
    # constant rates in two trials
    weights = {"W_mix": MIXING}
    group = on.CircuitGroup(on.Circuit(CONSTANT, weights, size=UNITS), TRIALS, dt=DT, name="constant")
    group.level = group.r = RATES
    options = {"maximum": MAXIMUM, "cells": CELLS, "rate": "rate_r"}
    kinds = {"together": {"correlation": CORRELATION}, "dead": {"dead_time": DEAD}} | ({"plain": {}} if full else {})
    spikes = {name: on.rate_to_spikes(group, **options, **each) for name, each in kinds.items()}
    spikes["mixed"] = on.rate_to_spikes(group, maximum=MAXIMUM, rate="mixed", cells=5)
    monitors = {name: b2.SpikeMonitor(cells) for name, cells in spikes.items()}
    filters = {
        name: on.spikes_to_rate(spikes["dead"], group, "level", kernel=name, weights=on.AllToAll(3, 0.0))
        for name in ("exp", "alpha")[: 1 + full]
    }
    estimates = {name: b2.StateMonitor(made.rates, "rate", record=True) for name, made in filters.items()}
    # neurons of two cells for each unit
    cells = {name: neurons(12, name, "False", TRIALS, 2) for name in ("weighted", "positive", "own", "channels")}
    couplings = [
        on.rate_to_current(group, cells["weighted"], "current", 2.0, rate="rate_r", weights=WEIGHTS),
        on.rate_to_conductance(group, cells["positive"], "current", 4.0, rate="both_signs"),
    ]
    if full:
        couplings += [
            on.rate_to_current(group, cells["own"], "current", 3.0, rate="rate_r"),
            on.rate_to_current(group, cells["channels"], "current", rate="mixed", weights=np.eye(3)[:, :2]),
        ]
    made = [b2.Synapses(cells["own"], spikes["mixed"], "w : 1", name=f"synapses_{k}") for k in range(3)]
    on.within_trials(made[0], p=0.5)
    on.within_trials(made[1], j="k for k in range(i, i + 2) if k != 3")
    table = np.zeros((10, 6))
    table[[0, 4, 9], [5, 1, 0]] = 1.5, -2.0, 3.0
    on.within_trials(made[2], weights=table)
    source = b2.NeuronGroup(2, "", name="alone")
    alone = b2.Synapses(source, spikes["mixed"], name="broadcast")
    on.within_trials(alone, broadcast=True)
    given = b2.SpikeGeneratorGroup(3, [0, 2], [3, 4] * DT, dt=DT)
    shared = on.spikes_to_rate(given, group, "level", weights=np.zeros((3, 3)), broadcast=True)
    broadcast = b2.StateMonitor(shared.rates, "rate", record=True)
    network = b2.Network(*sum(loops, []), group, *spikes.values(), *monitors.values(), *filters.values())
    network.add(*estimates.values(), *cells.values(), *couplings, *made, alone, source, given, shared, broadcast)
    network.run(STEPS * DT)
    if compiled:
        build()
    trains = {name: train(monitor, spikes[name]) for name, monitor in monitors.items()}
    return {
        "loops": [read_loop(each) for each in loops],
        "trains": trains,
        "layout": {name: np.array(getattr(spikes["mixed"], name)[:]) for name in ("trial", "unit", "cell")},
        "estimates": {name: np.array(monitor.rate / Hz) for name, monitor in estimates.items()},
        "currents": {each.target_group.name: np.array(each.target_group.current[:]) for each in couplings},
        "synapses": [(np.array(each.i[:]), np.array(each.j[:])) for each in (*made, alone)],
        "weights": np.array(made[2].w[:]),
        "broadcast": np.array(broadcast.rate / Hz),
    }


def train(monitor, cells):
    """Spikes as an array (trials, units, cells, steps) of bool."""
    result = np.zeros((len(cells), STEPS), bool)
    result[np.array(monitor.i[:]), np.rint(np.array(monitor.t / DT)).astype(int)] = True
    return cells.per_trial(result)
